//! CopyObject.

use super::put::store;
use super::read::{read_version, shown_version};
use crate::access::{self, Asked, Open, Wanted, ownership};
use crate::acl::read::asked_acl;
use crate::events::What;
use crate::lock::lock_of;
use crate::object::checksum::{self, tell_checksum};
use crate::object::conditions::{Reading, Writing};
use crate::object::content::{self, Extent, Written};
use crate::object::customer::{self, Cipher, Key, customer_of, source_customer_of};
use crate::object::encryption::{choose, encryption_of, tell_encryption};
use crate::object::headers::{headers_of, metadata, storage_class, website_redirect};
use crate::object::intake::{self, Announced};
use crate::object::source::Source;
use crate::object::versions::bare;
use crate::object::{key, tags};
use crate::ops::encryption::{default_of, is_told, key_arn};
use crate::ops::object_lock;
use crate::state::{Algorithm, Encryption, Version};
use crate::wire::{CopyObjectOutput, CopyObjectRequest, CopyObjectResult};
use crate::{errors, lifecycle, limits};
use std::ops::Range;
use virga_base::AwsError;
use virga_service::Ctx;

/// Whether something is taken from the source or from the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Copy,
    Replace,
}

impl Directive {
    fn read(text: Option<&str>, header: &str, what: &str) -> Result<Directive, AwsError> {
        match text {
            None | Some("" | "COPY") => Ok(Directive::Copy),
            Some("REPLACE") => Ok(Directive::Replace),
            Some(other) => Err(errors::invalid_argument(
                &format!("Unknown {what} directive."),
                header,
                other,
            )),
        }
    }
}

pub async fn copy(ctx: Ctx, mut input: CopyObjectRequest) -> Result<CopyObjectOutput, AwsError> {
    let key = key::read(input.key.take())?;
    access::check_no_part(&ctx)?;
    let length = ctx.request().header("content-length");
    if length.is_some_and(|length| length != "0") {
        return Err(errors::invalid_request(
            "The request included a body. Requests of this type must not include a non-empty body.",
        ));
    }
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutObject",
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let directive = input.metadata_directive.as_deref();
    let directive = Directive::read(directive, "x-amz-metadata-directive", "metadata")?;
    let tagging = input.tagging_directive.as_deref();
    let tagging = Directive::read(tagging, "x-amz-tagging-directive", "tagging")?;
    let (owner, acl) = ownership::of_new_object(&ctx, &open, &asked_acl!(input, object))?;
    let conditions = Writing::new(input.if_match.take(), input.if_none_match.take())?;
    let source = Source::read(input.copy_source.as_deref())?;
    let reading = Reading {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let expected_owner = input.expected_source_bucket_owner.take();
    let source_key = source_customer_of!(input).read()?;
    let from = Origin::find(&ctx, &source, expected_owner.as_deref(), &reading, source_key).await?;

    let method = input.server_side_encryption.clone();
    let asked = encryption_of!(input);
    let encrypts = asked.method.is_some() || input.sse_customer_algorithm.is_some();
    let redirect = website_redirect(input.website_redirect_location.take())?;
    let changes = directive == Directive::Replace
        || input.storage_class.is_some()
        || redirect.is_some()
        || encrypts
        || input.checksum_algorithm.is_some()
        || source.version_id.is_some()
        || conditions.is_any();
    let in_place = source.bucket == open.bucket.name && source.key == key;
    // It may be encrypted otherwise than it was.
    if in_place && !changes && !is_told(&open)? {
        return Err(errors::invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    let customer = customer_of!(input).beside(method.as_deref())?.read()?;
    let original = &from.version;
    let mut version = Version {
        headers: match directive {
            Directive::Copy => original.headers.clone(),
            Directive::Replace => headers_of!(input),
        },
        metadata: match directive {
            Directive::Copy => original.metadata.clone(),
            Directive::Replace => metadata(input.metadata.take())?,
        },
        tags: match tagging {
            Directive::Copy => original.tags.clone(),
            Directive::Replace => input.tagging.as_deref().map_or(Ok(Vec::new()), tags::read_header)?,
        },
        storage_class: storage_class(input.storage_class.take())?,
        website_redirect: redirect,
        encryption: choose(asked, default_of(&open)?, |key| key_arn(&open, key.as_deref()))?,
        lock: object_lock::of_new_object(&ctx, &open, lock_of!(input))?,
        acl,
        ..bare(owner, ctx.now())
    };
    let (encryption, nonce) = (version.encryption, || ctx.ids().u64());
    version.encryption = customer::choose(customer.as_ref(), encryption, nonce);
    let algorithm = checksum::asked([], input.checksum_algorithm.as_deref())?.algorithm;
    let (version, written) = from.transfer(&ctx, version, algorithm, customer.as_ref()).await?;
    let kept = store(&open, What::CreatedCopy, &key, version, &written, &conditions).await?;
    let mut result = CopyObjectResult {
        e_tag: Some(kept.quoted_etag()),
        last_modified: Some(kept.modified),
        ..CopyObjectResult::default()
    };
    tell_checksum!(result, &kept.checksum);
    let mut output = CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: from.version.id.clone(),
        version_id: shown_version(&open.bucket, &kept),
        expiration: open
            .home
            .read(|tx| lifecycle::expiration(tx, &open.bucket, &key, &kept))?,
        ..CopyObjectOutput::default()
    };
    tell_encryption!(output, &kept.encryption);
    Ok(output)
}

/// The object that a copy is made of.
pub struct Origin {
    pub open: Open,
    pub version: Version,
    /// All of its bytes.
    pub extents: Vec<Extent>,
    /// Keeps the files that they are in.
    pub pin: virga_blob::Pin,
    /// That it is encrypted with.
    pub customer: Option<Key>,
}

impl Origin {
    /// Finds the source of a copy, if the caller may read it and its conditions hold.
    pub async fn find(
        ctx: &Ctx,
        source: &Source,
        expected_owner: Option<&str>,
        conditions: &Reading,
        customer: Option<Key>,
    ) -> Result<Origin, AwsError> {
        // A copy may come from any region.
        let open = access::reach(ctx, Some(&source.bucket), expected_owner)?;
        let action = match source.version_id {
            Some(_) => "GetObjectVersion",
            None => "GetObject",
        };
        let asked = Asked {
            version_id: source.version_id.as_deref(),
            ..Asked::new(&open.bucket, action, Some(&source.key))
        };
        access::authorize(ctx, &asked)?;
        let pin = ctx.blobs().pin();
        let (version, extents) = open.home.read(|tx| -> Result<_, AwsError> {
            let id = source.version_id.as_deref();
            let version = read_version(tx, &open.bucket, &source.key, id, "GET").map_err(|error| {
                if error.code == "MethodNotAllowed" {
                    return errors::invalid_request(
                        "The source of a copy request may not specifically refer to a delete marker by version id.",
                    );
                }
                error
            })?;
            let extents = content::extents(tx, &open.bucket, &version, 0..version.size)?;
            Ok((version, extents))
        })?;
        if let Some(unmet) = conditions.unmet(&version, ctx.now()) {
            return Err(unmet.of_copy());
        }
        customer::check_read(&version.encryption, customer.as_ref())?;
        if version.is_archived(ctx.now()) {
            return Err(errors::not_in_active_tier());
        }
        Ok(Origin {
            open,
            version,
            extents,
            pin,
            customer,
        })
    }

    /// The content of a copy: the same file where that is what it would be, else a new one.
    async fn transfer(
        &self,
        ctx: &Ctx,
        mut copy: Version,
        algorithm: Option<Algorithm>,
        customer: Option<&Key>,
    ) -> Result<(Version, Written), AwsError> {
        let original = &self.version;
        if original.size > limits::OBJECT_PUT_MAX_BYTES {
            return Err(errors::invalid_request(
                "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
            ));
        }
        let kept = original.checksum.as_ref().filter(|checksum| !checksum.composite);
        let plain = self.customer.is_none() && customer.is_none();
        let is_kms = |encryption: &Encryption| matches!(encryption, Encryption::Kms { .. });
        // Of what a key of KMS encrypted, the MD5 is not known.
        let plain = plain && (is_kms(&copy.encryption) || !is_kms(&original.encryption));
        let same =
            plain && original.parts.is_none() && kept.is_some_and(|kept| algorithm.is_none_or(|a| a == kept.algorithm));
        copy.size = original.size;
        if same {
            copy.etag = customer::etag_under(&copy.encryption, original.etag.clone(), || ctx.ids().u64());
            copy.checksum = original.checksum.clone();
            let written = Written::shared(
                ctx,
                &original.content,
                self.extents.first().and_then(|extent| extent.piece.at_hand()),
            );
            return Ok((copy, written));
        }
        let nonce = customer::nonce_of(&copy.encryption);
        let default = original.checksum.as_ref().map(|checksum| checksum.algorithm);
        let body = self.stream(ctx, &(0..original.size));
        let announced = Announced {
            length: i64::try_from(original.size).ok(),
            checksum: checksum::Asked { algorithm, value: None },
            default: default.or(Some(Algorithm::Crc64Nvme)),
            cipher: customer.map(|key| Cipher::new(key, nonce, 0)),
            ..Announced::default()
        };
        let taken = intake::take_body(ctx, Some(body), announced).await?;
        copy.etag = customer::etag_under(&copy.encryption, taken.md5, || ctx.ids().u64());
        copy.checksum = taken.checksum;
        Ok((copy, taken.written))
    }

    /// A range of the source's bytes.
    pub fn stream(&self, ctx: &Ctx, range: &Range<u64>) -> virga_service::Body {
        let extents = content::cut(&self.extents, range);
        content::stream(ctx, self.pin.clone(), extents, self.customer.as_ref())
    }
}
