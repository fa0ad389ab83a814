//! ListObjects and ListObjectsV2.

use super::{checksum_algorithm, checksum_type, restore_status, wants};
use crate::access::{self, Open, Wanted};
use crate::listing::{Asked, Encoding, Entry, ObjectRow, Objects, Page, page};
use crate::state::Version;
use crate::wire::{
    CommonPrefix, ListObjectsOutput, ListObjectsRequest, ListObjectsV2Output, ListObjectsV2Request, Object,
};
use crate::{errors, owner};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use virga_base::{AwsError, Timestamp};
use virga_service::Ctx;

pub async fn list(ctx: Ctx, input: ListObjectsRequest) -> Result<ListObjectsOutput, AwsError> {
    let open = access::open(&ctx, wanted(&input.bucket, &input.expected_bucket_owner)).await?;
    let encoding = Encoding::new(input.encoding_type.as_deref())?;
    let asked = Asked {
        prefix: input.prefix.unwrap_or_default(),
        delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()),
        marker: input.marker.unwrap_or_default(),
        limit: Asked::limit(input.max_keys, "maxKeys")?,
    };
    let page = find(&open, &asked)?;
    let next_marker = page
        .entries
        .last()
        .filter(|_| page.is_truncated && asked.delimiter.is_some());
    let next_marker = next_marker.map(|last| encoding.text(last.text()));
    let telling = Telling {
        encoding,
        owners: true,
        restores: wants(input.optional_object_attributes.as_ref(), "RestoreStatus"),
        now: ctx.now(),
    };
    let is_truncated = page.is_truncated;
    let (contents, prefixes) = telling.tell(page);
    Ok(ListObjectsOutput {
        is_truncated: Some(is_truncated),
        marker: Some(encoding.text(&asked.marker)),
        next_marker,
        contents: some(contents),
        name: Some(open.bucket.name),
        prefix: Some(encoding.text(&asked.prefix)),
        delimiter: asked.delimiter.map(|delimiter| encoding.text(&delimiter)),
        max_keys: i32::try_from(asked.limit).ok(),
        common_prefixes: some(prefixes),
        encoding_type: encoding.shown(),
        ..ListObjectsOutput::default()
    })
}

pub async fn list_v2(ctx: Ctx, input: ListObjectsV2Request) -> Result<ListObjectsV2Output, AwsError> {
    let open = access::open(&ctx, wanted(&input.bucket, &input.expected_bucket_owner)).await?;
    let encoding = Encoding::new(input.encoding_type.as_deref())?;
    let token = input.continuation_token;
    let marker = match token.as_deref() {
        Some("") => {
            return Err(errors::invalid_argument_named(
                "The continuation token provided is incorrect",
                "continuation-token",
            ));
        }
        Some(token) => read_token(token)?,
        None => input.start_after.clone().unwrap_or_default(),
    };
    let asked = Asked {
        prefix: input.prefix.unwrap_or_default(),
        delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()),
        marker,
        limit: Asked::limit(input.max_keys, "maxKeys")?,
    };
    let page = find(&open, &asked)?;
    let last = page.entries.last().filter(|_| page.is_truncated);
    let next = last.map(|last| write_token(last.text()));
    let telling = Telling {
        encoding,
        owners: input.fetch_owner.unwrap_or(false),
        restores: wants(input.optional_object_attributes.as_ref(), "RestoreStatus"),
        now: ctx.now(),
    };
    let is_truncated = page.is_truncated;
    let count = page.entries.len();
    let (contents, prefixes) = telling.tell(page);
    Ok(ListObjectsV2Output {
        is_truncated: Some(is_truncated),
        contents: some(contents),
        name: Some(open.bucket.name),
        prefix: Some(encoding.text(&asked.prefix)),
        delimiter: asked.delimiter.map(|delimiter| encoding.text(&delimiter)),
        max_keys: i32::try_from(asked.limit).ok(),
        common_prefixes: some(prefixes),
        encoding_type: encoding.shown(),
        key_count: i32::try_from(count).ok(),
        // A token says where the page begins, and AWS tells no other place beside it.
        start_after: input
            .start_after
            .filter(|_| token.is_none())
            .map(|start| encoding.text(&start)),
        continuation_token: token,
        next_continuation_token: next,
        ..ListObjectsV2Output::default()
    })
}

fn wanted<'a>(bucket: &'a Option<String>, expected_owner: &'a Option<String>) -> Wanted<'a> {
    Wanted {
        bucket: bucket.as_deref(),
        expected_owner: expected_owner.as_deref(),
        action: "ListBucket",
        key: None,
    }
}

fn find(open: &Open, asked: &Asked) -> Result<Page<ObjectRow>, AwsError> {
    let expected = asked.limit + 1;
    open.home
        .read(|tx| page(Objects::new(tx, &open.bucket, asked.start(), expected), asked))
}

/// Absent where there are none.
pub fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// How a page is told.
struct Telling {
    encoding: Encoding,
    owners: bool,
    restores: bool,
    now: Timestamp,
}

impl Telling {
    fn tell(&self, page: Page<ObjectRow>) -> (Vec<Object>, Vec<CommonPrefix>) {
        let (mut contents, mut prefixes) = (Vec::with_capacity(page.entries.len()), Vec::new());
        for entry in page.entries {
            match entry {
                Entry::Row(row) => contents.push(self.object(&row.key, row.version)),
                Entry::Prefix(prefix) => prefixes.push(CommonPrefix {
                    prefix: Some(self.encoding.text(&prefix)),
                }),
            }
        }
        (contents, prefixes)
    }

    fn object(&self, key: &str, version: Version) -> Object {
        Object {
            key: Some(self.encoding.text(key)),
            last_modified: Some(version.modified),
            e_tag: Some(version.quoted_etag()),
            checksum_algorithm: checksum_algorithm(&version),
            checksum_type: checksum_type(&version),
            size: i64::try_from(version.size).ok(),
            storage_class: Some(version.storage_class().to_owned()),
            owner: self.owners.then(|| owner::shown(version.owner)),
            restore_status: self.restores.then(|| restore_status(&version, self.now)).flatten(),
        }
    }
}

/// A token is the last thing of the page before, behind a letter that tells tokens from other base64.
fn write_token(last: &str) -> String {
    STANDARD.encode(format!("1{last}"))
}

fn read_token(token: &str) -> Result<String, AwsError> {
    let text = STANDARD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| text.strip_prefix('1').map(str::to_owned))
        .ok_or_else(|| {
            errors::invalid_argument_named("The continuation token provided is incorrect", "continuation-token")
        })
}
