//! UploadPartCopy.

use super::part::{Seal, Target};
use crate::access::{self, Wanted};
use crate::errors;
use crate::object::checksum::{Asked, tell_checksum_value};
use crate::object::conditions::Reading;
use crate::object::customer::{self, customer_of, source_customer_of};
use crate::object::encryption::tell_encryption;
use crate::object::intake::{self, Announced};
use crate::object::key;
use crate::object::source::Source;
use crate::ops::object::copy::Origin;
use crate::ops::object::read::shown_version;
use crate::state::Algorithm;
use crate::upload::parts;
use crate::wire::{CopyPartResult, UploadPartCopyOutput, UploadPartCopyRequest};
use std::ops::Range;
use virga_base::AwsError;
use virga_service::Ctx;

pub async fn copy(ctx: Ctx, mut input: UploadPartCopyRequest) -> Result<UploadPartCopyOutput, AwsError> {
    let key = key::read(input.key.take())?;
    let number = parts::number(input.part_number)?;
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutObject",
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let upload_id = input.upload_id.take().unwrap_or_default();
    let upload = open.home.read(|tx| parts::find(tx, &open, &key, &upload_id))?;
    let source = Source::read(input.copy_source.as_deref())?;
    let wanted = input.copy_source_range.as_deref().map(read_range).transpose()?;
    let conditions = Reading {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let customer = customer_of!(input).read()?;
    customer::check_part(&upload.version.encryption, customer.as_ref())?;
    let seal = Seal::new(&ctx, &upload.version.encryption, customer);
    let source_key = source_customer_of!(input).read()?;
    let owner = input.expected_source_bucket_owner.as_deref();
    let origin = Origin::find(&ctx, &source, owner, &conditions, source_key).await?;
    let range = within(wanted, input.copy_source_range.as_deref(), origin.version.size)?;
    let body = origin.stream(&ctx, &range);
    let algorithm = upload.checksum.map(|(algorithm, _)| algorithm);
    let announced = Announced {
        length: i64::try_from(range.end - range.start).ok(),
        checksum: Asked { algorithm, value: None },
        cipher: seal.cipher(),
        also: (algorithm != Some(Algorithm::Crc64Nvme)).then_some(Algorithm::Crc64Nvme),
        ..Announced::default()
    };
    let taken = intake::take_body(&ctx, Some(body), announced).await?;
    let target = Target {
        open: &open,
        key: &key,
        upload_id: &upload_id,
        number,
        seal,
    };
    let part = target.keep(taken, ctx.now()).await?;
    let mut result = CopyPartResult {
        e_tag: Some(format!("\"{}\"", part.etag)),
        last_modified: Some(part.modified),
        ..CopyPartResult::default()
    };
    if let Some(checksum) = &part.checksum {
        tell_checksum_value!(result, checksum);
    }
    let mut output = UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: shown_version(&origin.open.bucket, &origin.version),
        ..UploadPartCopyOutput::default()
    };
    tell_encryption!(output, &upload.version.encryption);
    Ok(output)
}

/// Reads `bytes=first-last`, both of which must be there.
fn read_range(header: &str) -> Result<Range<u64>, AwsError> {
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().ok()).flatten()
    };
    let read = || {
        let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        (first <= last).then(|| first..last.saturating_add(1))
    };
    read().ok_or_else(|| {
        errors::invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            header,
        )
    })
}

/// The range, if the source has all of it.
fn within(wanted: Option<Range<u64>>, header: Option<&str>, size: u64) -> Result<Range<u64>, AwsError> {
    let Some(wanted) = wanted else { return Ok(0..size) };
    if wanted.start >= size {
        return Err(errors::invalid_request(
            "The specified copy range is invalid for the source object size",
        ));
    }
    if wanted.end > size {
        return Err(errors::invalid_argument(
            &format!("Range specified is not valid for source object of size: {size}"),
            "x-amz-copy-source-range",
            header.unwrap_or_default(),
        ));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::{read_range, within};

    #[test]
    fn a_copied_range_has_both_ends_within_the_source() {
        let read = |header| {
            let range = read_range(header)?;
            within(Some(range), Some(header), 10)
        };
        for (header, expected) in [
            ("bytes=0-9", Ok(0..10)),
            ("bytes=3-3", Ok(3..4)),
            ("bytes=0-100", Err("InvalidArgument")),
            ("bytes=100-200", Err("InvalidRequest")),
            ("bytes=1-0", Err("InvalidArgument")),
            ("bytes=-2", Err("InvalidArgument")),
            ("bytes=1-", Err("InvalidArgument")),
            ("bytes=0--1", Err("InvalidArgument")),
            ("bytes=0-1,3-4", Err("InvalidArgument")),
            ("0-8", Err("InvalidArgument")),
        ] {
            let found = read(header).map_err(|error| error.code.into_owned());
            assert_eq!(found, expected.map_err(str::to_owned), "{header}");
        }
    }
}
