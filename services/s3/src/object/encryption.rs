//! Encryption at rest, as requests ask for it and answers tell it.

use crate::errors;
use crate::state::Encryption;
use virga_base::AwsError;

/// What a request's headers ask for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: Option<String>,
    pub kms_key_id: Option<String>,
    pub kms_context: Option<String>,
    pub bucket_key: Option<bool>,
}

/// The encryption headers among the members of an input.
macro_rules! encryption_of {
    ($input:expr) => {
        $crate::object::encryption::Asked {
            method: $input.server_side_encryption.take(),
            kms_key_id: $input.ssekms_key_id.take(),
            kms_context: $input.ssekms_encryption_context.take(),
            bucket_key: $input.bucket_key_enabled,
        }
    };
}
pub(crate) use encryption_of;

/// Tells an encryption in the members of an output.
macro_rules! tell_encryption {
    ($output:expr, $encryption:expr) => {
        match $encryption {
            $crate::state::Encryption::Customer { key_md5, .. } => {
                $output.sse_customer_algorithm = Some("AES256".to_owned());
                $output.sse_customer_key_md5 = Some(key_md5.clone());
            }
            own => $crate::object::encryption::tell_own_encryption!($output, own),
        }
    };
}
pub(crate) use tell_encryption;

/// The same for an output that tells nothing of customers' keys.
macro_rules! tell_own_encryption {
    ($output:expr, $encryption:expr) => {
        match $encryption {
            $crate::state::Encryption::S3 => $output.server_side_encryption = Some("AES256".to_owned()),
            $crate::state::Encryption::Kms {
                key_id,
                bucket_key,
                twice,
                ..
            } => {
                let method = if *twice { "aws:kms:dsse" } else { "aws:kms" };
                $output.server_side_encryption = Some(method.to_owned());
                $output.ssekms_key_id = Some(key_id.clone());
                $output.bucket_key_enabled = bucket_key.then_some(true);
            }
            $crate::state::Encryption::Customer { .. } => {}
        }
    };
}
pub(crate) use tell_own_encryption;

/// The encryption that a request asks for.
///
/// # Errors
/// `InvalidArgument` for methods that S3 does not know, and keys without one that takes them.
pub fn choose(
    asked: Asked,
    default: Encryption,
    key_arn: impl FnOnce(Option<String>) -> String,
) -> Result<Encryption, AwsError> {
    let Asked {
        method,
        kms_key_id,
        kms_context,
        bucket_key,
    } = asked;
    match method.as_deref() {
        None if kms_key_id.is_some() => Err(errors::invalid_argument(
            "Server Side Encryption with KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
            "x-amz-server-side-encryption",
            "null",
        )),
        None => Ok(default),
        Some("AES256") if kms_key_id.is_some() => Err(errors::invalid_argument(
            "Server Side Encryption with KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
            "x-amz-server-side-encryption",
            "AES256",
        )),
        Some("AES256") => Ok(Encryption::S3),
        Some(method @ ("aws:kms" | "aws:kms:dsse")) => Ok(Encryption::Kms {
            key_id: key_arn(kms_key_id),
            bucket_key: bucket_key.unwrap_or(matches!(&default, Encryption::Kms { bucket_key: true, .. })),
            context: kms_context,
            twice: method == "aws:kms:dsse",
        }),
        Some(other) => Err(errors::invalid_argument(
            "The encryption method specified is not supported",
            "x-amz-server-side-encryption",
            other,
        )),
    }
}
