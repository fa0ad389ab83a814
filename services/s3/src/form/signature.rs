//! Who a form says it comes from. The secret decides, where it is known.

use super::Fields;
use crate::errors;
use crate::hex::hex;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::Sha256;
use virga_base::AwsError;

/// The signature of a form's policy.
pub struct Signature<'a> {
    pub access_key_id: &'a str,
    /// Date and region of the credential; none in version 2.
    scope: Option<(&'a str, &'a str)>,
    signature: &'a str,
    policy: &'a str,
}

impl<'a> Signature<'a> {
    /// Reads the fields that sign. None where nobody signed.
    ///
    /// # Errors
    /// Names the first field that is missing, or says that the signature cannot be one.
    pub fn read(fields: &'a Fields) -> Result<Option<Signature<'a>>, AwsError> {
        let v4 = ["x-amz-signature", "x-amz-credential", "x-amz-algorithm"];
        if v4.iter().any(|name| fields.get(name).is_some()) {
            return read_v4(fields).map(Some);
        }
        if fields.get("signature").is_some() || fields.get("AWSAccessKeyId").is_some() {
            let access_key_id = needed(fields, "AWSAccessKeyId")?;
            let signature = needed(fields, "signature")?;
            let read = Signature {
                access_key_id,
                scope: None,
                signature,
                policy: needed(fields, "policy")?,
            };
            let is_hash = STANDARD.decode(signature.trim()).is_ok_and(|bytes| bytes.len() == 20);
            return if is_hash { Ok(Some(read)) } else { Err(read.mismatch()) };
        }
        Ok(None)
    }

    /// Compares with what the secret makes of the policy.
    pub fn verify(&self, secret_access_key: &str) -> Result<(), AwsError> {
        let expected = match self.scope {
            None => STANDARD.encode(hmac_sha1(secret_access_key.as_bytes(), self.policy.as_bytes())),
            Some((date, region)) => {
                let key = hmac_sha256(format!("AWS4{secret_access_key}").as_bytes(), date.as_bytes());
                let key = [region, "s3", "aws4_request"]
                    .iter()
                    .fold(key, |key, part| hmac_sha256(&key, part.as_bytes()));
                hex(&hmac_sha256(&key, self.policy.as_bytes()))
            }
        };
        if expected == self.signature.trim() {
            return Ok(());
        }
        Err(self.mismatch())
    }

    fn mismatch(&self) -> AwsError {
        errors::signature_does_not_match(self.access_key_id, self.policy, self.signature)
    }
}

fn read_v4(fields: &Fields) -> Result<Signature<'_>, AwsError> {
    let algorithm = needed(fields, "X-Amz-Algorithm")?;
    let credential = needed(fields, "X-Amz-Credential")?;
    let date = needed(fields, "X-Amz-Date")?;
    let signature = needed(fields, "X-Amz-Signature")?;
    let policy = needed(fields, "policy")?;
    if algorithm != "AWS4-HMAC-SHA256" {
        return Err(errors::invalid_argument(
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"",
            "X-Amz-Algorithm",
            algorithm,
        ));
    }
    let parts: Vec<&str> = credential.split('/').collect();
    let [access_key_id, day, region, "s3", "aws4_request"] = parts.as_slice() else {
        return Err(errors::invalid_argument(
            "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            "X-Amz-Credential",
            credential,
        ));
    };
    if !date.starts_with(day) {
        return Err(errors::invalid_argument(
            &format!("Invalid credential date \"{day}\". This date is not the same as X-Amz-Date: \"{date}\"."),
            "X-Amz-Credential",
            credential,
        ));
    }
    let read = Signature {
        access_key_id,
        scope: Some((day, region)),
        signature,
        policy,
    };
    let is_hash = signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { Ok(read) } else { Err(read.mismatch()) }
}

fn needed<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, AwsError> {
    fields.get(name).ok_or_else(|| errors::form_lacks(name))
}

fn hmac_sha1(key: &[u8], text: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length.
    Hmac::<Sha1>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(text);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(text);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::Signature;
    use crate::form::Fields;

    /// The example of the S3 API reference, "Browser-Based Upload using HTTP POST (Using AWS Signature Version 4)".
    #[test]
    fn the_example_of_the_reference_holds() {
        let policy = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
        let mut fields = Fields::default();
        for (name, value) in [
            ("policy", policy),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
            (
                "x-amz-credential",
                "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request",
            ),
            ("x-amz-date", "20151229T000000Z"),
            (
                "x-amz-signature",
                "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e",
            ),
        ] {
            fields.add(name.to_owned(), value.to_owned());
        }
        let read = Signature::read(&fields).ok().flatten();
        let read = read.unwrap_or_else(|| panic!("a signature"));
        assert!(read.verify("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY").is_ok());
        let refused = read.verify("another").map_err(|error| error.code);
        assert_eq!(refused.err().as_deref(), Some("SignatureDoesNotMatch"));
    }
}
