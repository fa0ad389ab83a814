//! GetObject and HeadObject.

use crate::access::{self, Open, Wanted};
use crate::object::checksum::tell_checksum;
use crate::object::conditions::{Reading, range_holds};
use crate::object::customer::{self, customer_of};
use crate::object::encryption::tell_encryption;
use crate::object::headers::DEFAULT_CONTENT_TYPE;
use crate::object::{content, key, range, rfc2047, version_id, versions};
use crate::reply::Reply;
use crate::state::{Bucket, Version};
use crate::upload::parts;
use crate::wire::{GetObjectOutput, GetObjectRequest, HeadObjectOutput, HeadObjectRequest};
use crate::{errors, lifecycle};
use std::ops::Range;
use virga_base::{AwsError, Timestamp};
use virga_service::{Ctx, Principal};

/// What a client wants to be told instead of what is kept.
#[derive(Default)]
struct Overrides {
    cache_control: Option<String>,
    content_disposition: Option<String>,
    content_encoding: Option<String>,
    content_language: Option<String>,
    content_type: Option<String>,
    expires: Option<Timestamp>,
}

impl Overrides {
    /// Only who signs may ask for them, and only for what a header can hold.
    fn check(&self, ctx: &Ctx) -> Result<(), AwsError> {
        let texts = [
            ("response-cache-control", &self.cache_control),
            ("response-content-disposition", &self.content_disposition),
            ("response-content-encoding", &self.content_encoding),
            ("response-content-language", &self.content_language),
            ("response-content-type", &self.content_type),
        ];
        let mut asked = self.expires.is_some();
        for (name, text) in texts {
            let Some(text) = text else { continue };
            asked = true;
            if text.chars().any(|c| c > '\u{ff}') {
                return Err(errors::invalid_argument(
                    "Header value cannot be represented using ISO-8859-1.",
                    name,
                    text,
                ));
            }
        }
        if asked && ctx.caller().principal == Principal::Anonymous {
            return Err(errors::invalid_request(
                "Request specific response headers cannot be used for anonymous GET requests.",
            ));
        }
        Ok(())
    }
}

/// What GetObject and HeadObject have in common.
struct Asked {
    bucket: Option<String>,
    key: String,
    version_id: Option<String>,
    expected_owner: Option<String>,
    conditions: Reading,
    range: Option<String>,
    part_number: Option<i32>,
    overrides: Overrides,
    checksum: bool,
    customer: Option<customer::Key>,
    method: &'static str,
}

macro_rules! asked {
    ($input:expr, $method:literal) => {
        Asked {
            bucket: $input.bucket,
            key: key::read($input.key)?,
            version_id: version_id::asked($input.version_id)?,
            expected_owner: $input.expected_bucket_owner,
            conditions: Reading {
                if_match: $input.if_match,
                if_none_match: $input.if_none_match,
                if_modified_since: $input.if_modified_since,
                if_unmodified_since: $input.if_unmodified_since,
            },
            range: $input.range,
            part_number: $input.part_number,
            overrides: Overrides {
                cache_control: $input.response_cache_control,
                content_disposition: $input.response_content_disposition,
                content_encoding: $input.response_content_encoding,
                content_language: $input.response_content_language,
                content_type: $input.response_content_type,
                expires: $input.response_expires,
            },
            checksum: $input
                .checksum_mode
                .is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED")),
            customer: customer_of!($input).read()?,
            method: $method,
        }
    };
}

/// The members that both outputs have, filled.
macro_rules! tell {
    ($output:expr, $open:expr, $asked:expr, $found:expr) => {{
        let Found {
            version, range, part, ..
        } = &$found;
        let (headers, overrides) = (&version.headers, $asked.overrides);
        $output.accept_ranges = Some("bytes".to_owned());
        $output.last_modified = Some(version.modified);
        $output.content_length = i64::try_from(range.end - range.start).ok();
        $output.e_tag = Some(version.quoted_etag());
        $output.version_id = shown_version(&$open.bucket, version);
        $output.cache_control = overrides.cache_control.or_else(|| headers.cache_control.clone());
        $output.content_disposition = overrides
            .content_disposition
            .or_else(|| headers.content_disposition.clone());
        $output.content_encoding = overrides.content_encoding.or_else(|| headers.content_encoding.clone());
        $output.content_language = overrides.content_language.or_else(|| headers.content_language.clone());
        let content_type = overrides.content_type.or_else(|| headers.content_type.clone());
        $output.content_type = content_type.or_else(|| Some(DEFAULT_CONTENT_TYPE.to_owned()));
        let expires = overrides.expires.map(Timestamp::to_http_date);
        $output.expires = expires.or_else(|| headers.expires.clone());
        let metadata = version.metadata.iter();
        $output.metadata = Some(
            metadata
                .map(|(name, value)| (name.clone(), rfc2047::encode(value)))
                .collect(),
        );
        $output.website_redirect_location = version.website_redirect.clone();
        $output.storage_class = version.storage_class.clone();
        $output.restore = super::restore::shown(version, $open.home.now());
        $output.replication_status = version.replication.clone();
        $output.expiration = $found.expiration.clone();
        $output.tag_count = i32::try_from(version.tags.len()).ok().filter(|count| *count > 0);
        $output.object_lock_mode = version.lock.mode.clone();
        $output.object_lock_retain_until_date = version.lock.until;
        let held = version.lock.legal_hold;
        $output.object_lock_legal_hold_status = held.map(|on| if on { "ON" } else { "OFF" }.to_owned());
        $output.parts_count = part.and(version.parts).and_then(|count| i32::try_from(count).ok());
        if part.is_some() || $found.partial {
            $output.content_range = Some(range::content_range(range, version.size));
        }
        tell_encryption!($output, &version.encryption);
        if $asked.checksum {
            tell_checksum!($output, &$found.checksum);
        }
    }};
}

pub async fn get(ctx: Ctx, mut input: GetObjectRequest) -> Result<Reply<GetObjectOutput>, AwsError> {
    access::check_overrides(&ctx)?;
    let asked = asked!(input, "GET");
    let (open, found) = find(&ctx, &asked, true).await?;
    let mut output = GetObjectOutput::default();
    tell!(output, open, asked, found);
    let Found {
        extents, pin, partial, ..
    } = found;
    let body = content::stream(&ctx, pin, extents, asked.customer.as_ref());
    Ok(Reply {
        body: Some(body),
        status: partial.then_some(206),
        ..Reply::from(output)
    })
}

pub async fn head(ctx: Ctx, mut input: HeadObjectRequest) -> Result<Reply<HeadObjectOutput>, AwsError> {
    access::check_overrides(&ctx)?;
    let asked = asked!(input, "HEAD");
    let (open, found) = find(&ctx, &asked, false).await?;
    let mut output = HeadObjectOutput::default();
    tell!(output, open, asked, found);
    Ok(Reply {
        status: found.partial.then_some(206),
        ..Reply::from(output)
    })
}

/// The object that a read means, and what of it.
struct Found {
    version: Version,
    extents: Vec<content::Extent>,
    /// Of what is read, where it is known.
    checksum: Option<crate::state::Checksum>,
    pin: virga_blob::Pin,
    range: Range<u64>,
    /// When a rule will delete it, in words.
    expiration: Option<String>,
    /// The part that was asked for.
    part: Option<u32>,
    /// Whether the answer is 206.
    partial: bool,
}

async fn find(ctx: &Ctx, asked: &Asked, with_bytes: bool) -> Result<(Open, Found), AwsError> {
    asked.overrides.check(ctx)?;
    // How an object is encrypted is said where it is written.
    if let Some(method) = ctx.request().header("x-amz-server-side-encryption") {
        return Err(errors::invalid_argument(
            "x-amz-server-side-encryption header is not supported for this operation.",
            "x-amz-server-side-encryption",
            method,
        ));
    }
    if asked.range.is_some() && asked.part_number.is_some() {
        return Err(errors::invalid_request(
            "Cannot specify both Range header and partNumber query parameter",
        ));
    }
    let wanted = Wanted {
        bucket: asked.bucket.as_deref(),
        expected_owner: asked.expected_owner.as_deref(),
        action: if asked.version_id.is_some() {
            "GetObjectVersion"
        } else {
            "GetObject"
        },
        key: Some(&asked.key),
    };
    let open = access::open(ctx, wanted).await?;
    // Before the row is read: the file that it names is not removed from now on.
    let pin = ctx.blobs().pin();
    let found = open.home.read(|tx| -> Result<Found, AwsError> {
        let version = read_version(tx, &open.bucket, &asked.key, asked.version_id.as_deref(), asked.method)?;
        if let Some(unmet) = asked.conditions.unmet(&version, ctx.now()) {
            return Err(unmet.of_read(&version));
        }
        if with_bytes && version.is_archived(ctx.now()) {
            return Err(errors::invalid_object_state(version.storage_class()));
        }
        customer::check_read(&version.encryption, asked.customer.as_ref())?;
        let mut found = Found::whole(version, pin.clone());
        let if_range = ctx.request().header("if-range");
        if let Some(header) = &asked.range
            && if_range.is_none_or(|named| range_holds(named, &found.version))
            && let Some(range) = range::parse(header, found.version.size)?
        {
            found.range = range;
            found.partial = true;
            found.checksum = None;
        }
        if let Some(number) = asked.part_number {
            found.narrow(tx, &open.bucket, number)?;
        }
        // Of a version that is asked for by its id, it is not told.
        if asked.version_id.is_none() {
            found.expiration = lifecycle::expiration(tx, &open.bucket, &asked.key, &found.version)?;
        }
        if with_bytes {
            found.extents = content::extents(tx, &open.bucket, &found.version, found.range.clone())?;
        }
        Ok(found)
    })?;
    Ok((open, found))
}

impl Found {
    fn whole(version: Version, pin: virga_blob::Pin) -> Found {
        Found {
            range: 0..version.size,
            checksum: version.checksum.clone(),
            version,
            extents: Vec::new(),
            pin,
            expiration: None,
            part: None,
            partial: false,
        }
    }

    /// To one part.
    fn narrow(&mut self, tx: &virga_service::ReadTx<'_>, bucket: &Bucket, number: i32) -> Result<(), AwsError> {
        let part = parts::number(Some(number))?;
        let count = self.version.parts.unwrap_or(1);
        if part > count {
            return Err(errors::invalid_part_number(number, count));
        }
        self.part = Some(part);
        self.partial = true;
        let Some(upload) = parts::of_content(&self.version.content) else {
            return Ok(());
        };
        let found = parts::get(tx, bucket, upload, part)?;
        let found = found.ok_or_else(|| errors::invalid_part_number(number, count))?;
        self.range = found.offset..found.offset + found.size;
        // A sum over all parts says nothing of one, but that of the one is known where it was made of the parts' own.
        let composite = self.checksum.as_ref().is_some_and(|checksum| checksum.composite);
        if composite {
            let own = found.checksum;
            self.checksum = own.map(|checksum| crate::state::Checksum {
                composite: true,
                ..checksum
            });
        } else if count > 1 {
            self.checksum = None;
        }
        Ok(())
    }
}

/// The version that a read means.
///
/// # Errors
/// What S3 answers where there is none, or a delete marker in its place.
pub fn read_version(
    tx: &virga_service::ReadTx<'_>,
    bucket: &Bucket,
    key: &str,
    id: Option<&str>,
    method: &str,
) -> Result<Version, AwsError> {
    let Some(id) = id else {
        if let Some(current) = versions::current(tx, bucket, key)? {
            return Ok(current);
        }
        let error = errors::no_such_key(key);
        return Err(match versions::newest(tx, bucket, key)? {
            Some(marker) => error
                .with_header("x-amz-delete-marker", "true")
                .with_header("x-amz-version-id", marker.shown_id()),
            None => error,
        });
    };
    version_id::check(id)?;
    match versions::find(tx, bucket, key, id)? {
        None => Err(errors::no_such_version(key, id)),
        Some(marker) if marker.delete_marker => Err(errors::method_not_allowed(method, "DeleteMarker")
            .with_header("x-amz-delete-marker", "true")
            .with_header("x-amz-version-id", marker.shown_id())
            .with_header("Last-Modified", marker.modified.to_http_date())
            .with_header("Allow", "DELETE")),
        Some(version) => Ok(version),
    }
}

/// The version id as reads tell it: only of buckets that have versions.
pub fn shown_version(bucket: &Bucket, version: &Version) -> Option<String> {
    bucket.is_versioned().then(|| version.shown_id().to_owned())
}
