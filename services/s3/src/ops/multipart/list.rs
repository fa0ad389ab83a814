//! ListMultipartUploads and ListParts.

use crate::access::{self, Wanted};
use crate::listing::{Asked, Encoding, Entry, Row, Rows, Start, page};
use crate::object::checksum::tell_checksum_value;
use crate::object::key;
use crate::state::{UPLOADS, Upload};
use crate::upload::checksums::type_name;
use crate::upload::{id, parts};
use crate::wire::{
    CommonPrefix, Initiator, ListMultipartUploadsOutput, ListMultipartUploadsRequest, ListPartsOutput,
    ListPartsRequest, MultipartUpload, Part,
};
use crate::{errors, lifecycle, owner};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use virga_base::{Account, AwsError};
use virga_service::{Ctx, ReadTx, StoreError};

/// Rows that are fetched at once.
const BATCH_MAX: usize = 256;

/// An upload of a walk.
struct UploadRow {
    key: String,
    id: String,
    upload: Upload,
}

impl Row for UploadRow {
    fn key(&self) -> &str {
        &self.key
    }
}

/// A walk over uploads by key, then by when they were begun.
struct Uploads<'t> {
    tx: &'t ReadTx<'t>,
    bucket: u64,
    /// From where the next rows are fetched; none at the end. With an id, behind that upload of the key.
    from: Option<(Start, Option<String>)>,
    fetched: VecDeque<UploadRow>,
}

impl Uploads<'_> {
    fn fetch(&mut self) -> Result<(), StoreError> {
        let Some((start, id)) = self.from.take() else {
            return Ok(());
        };
        let scan = self.tx.scan(&UPLOADS).prefix((self.bucket,));
        let scan = match (&start, &id) {
            (Start::At(bytes), _) => scan.from((self.bucket, bytes.as_slice())),
            (Start::Behind(key), None) => scan.after((self.bucket, key.as_str())),
            (Start::Behind(key), Some(id)) => scan.after((self.bucket, key.as_str(), id.as_str())),
        };
        let fetched = &mut self.fetched;
        scan.limit(BATCH_MAX).each(|(_, key, id), upload| {
            fetched.push_back(UploadRow { key, id, upload });
            ControlFlow::Continue(())
        })?;
        if fetched.len() == BATCH_MAX {
            let last = fetched.back();
            self.from = last.map(|last| (Start::Behind(last.key.clone()), Some(last.id.clone())));
        }
        Ok(())
    }
}

impl Rows for Uploads<'_> {
    type Row = UploadRow;

    fn next(&mut self) -> Result<Option<UploadRow>, StoreError> {
        if self.fetched.is_empty() {
            self.fetch()?;
        }
        Ok(self.fetched.pop_front())
    }

    fn jump(&mut self, to: &[u8]) {
        while self.fetched.front().is_some_and(|row| row.key.as_bytes() < to) {
            self.fetched.pop_front();
        }
        if self.fetched.is_empty() {
            self.from = Some((Start::At(to.to_vec()), None));
        }
    }
}

/// Initiators have names, unlike owners.
fn initiator(account: Account) -> Initiator {
    Initiator {
        id: owner::shown(account).id,
        display_name: Some(account.to_string()),
    }
}

/// Whether an upload id can be a key's marker: it may be of an upload that is no more, but not of another key's.
fn check_marker(tx: &ReadTx<'_>, bucket: u64, key: &str, marker: &str) -> Result<(), AwsError> {
    let invalid = || errors::invalid_argument("Invalid uploadId marker", "upload-id-marker", marker);
    if id::number(marker).is_none() {
        return Err(invalid());
    }
    if tx.get(&UPLOADS, (bucket, key, marker))?.is_some() {
        return Ok(());
    }
    let mut is_elsewhere = false;
    tx.scan(&UPLOADS).prefix((bucket,)).each(|(_, _, id), _| {
        is_elsewhere = id == marker;
        match is_elsewhere {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    if is_elsewhere { Err(invalid()) } else { Ok(()) }
}

pub async fn uploads(ctx: Ctx, input: ListMultipartUploadsRequest) -> Result<ListMultipartUploadsOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "ListBucketMultipartUploads",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let encoding = Encoding::new(input.encoding_type.as_deref())?;
    let limit = Asked::limit(input.max_uploads, "max-uploads")?;
    let key_marker = input.key_marker.unwrap_or_default();
    // Without a key it means nothing.
    let id_marker = input
        .upload_id_marker
        .filter(|id| !id.is_empty() && !key_marker.is_empty());
    let asked = Asked {
        prefix: input.prefix.unwrap_or_default(),
        delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()),
        marker: key_marker.clone(),
        limit,
    };
    let page = open.home.read(|tx| {
        if let Some(id) = &id_marker {
            check_marker(tx, open.id(), &key_marker, id)?;
        }
        let start = asked.start();
        // An id only says where among the uploads of the marker's key the page begins.
        let id_marker = id_marker.clone().filter(|_| start == Start::Behind(key_marker.clone()));
        let rows = Uploads {
            tx,
            bucket: open.id(),
            from: Some((start, id_marker)),
            fetched: VecDeque::new(),
        };
        page(rows, &asked)
    })?;
    let (mut uploads, mut prefixes) = (Vec::new(), Vec::new());
    let (mut next_key, mut next_id) = (String::new(), String::new());
    for entry in page.entries {
        match entry {
            Entry::Row(row) => {
                next_key = encoding.text(&row.key);
                next_id.clone_from(&row.id);
                uploads.push(shown(row, encoding));
            }
            Entry::Prefix(prefix) => {
                let prefix = encoding.text(&prefix);
                if page.is_truncated {
                    next_key.clone_from(&prefix);
                    next_id.clear();
                }
                prefixes.push(CommonPrefix { prefix: Some(prefix) });
            }
        }
    }
    Ok(ListMultipartUploadsOutput {
        bucket: Some(open.bucket.name.clone()),
        key_marker: Some(encoding.text(&key_marker)),
        upload_id_marker: Some(id_marker.unwrap_or_default()),
        next_key_marker: Some(next_key),
        next_upload_id_marker: Some(next_id),
        prefix: (!asked.prefix.is_empty()).then(|| encoding.text(&asked.prefix)),
        delimiter: asked.delimiter.as_deref().map(|delimiter| encoding.text(delimiter)),
        max_uploads: i32::try_from(limit).ok(),
        is_truncated: Some(page.is_truncated),
        uploads: (!uploads.is_empty()).then_some(uploads),
        common_prefixes: (!prefixes.is_empty()).then_some(prefixes),
        encoding_type: encoding.shown(),
        request_charged: None,
    })
}

fn shown(row: UploadRow, encoding: Encoding) -> MultipartUpload {
    let UploadRow { key, id, upload } = row;
    MultipartUpload {
        upload_id: Some(id),
        key: Some(encoding.text(&key)),
        initiated: Some(upload.initiated),
        storage_class: Some(upload.version.storage_class().to_owned()),
        owner: Some(owner::shown(upload.version.owner)),
        initiator: Some(initiator(upload.initiator)),
        checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm.name().to_owned()),
        checksum_type: upload.checksum.map(|(_, composite)| type_name(composite).to_owned()),
    }
}

pub async fn parts(ctx: Ctx, input: ListPartsRequest) -> Result<ListPartsOutput, AwsError> {
    let key = key::read(input.key)?;
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "ListMultipartUploadParts",
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let upload_id = input.upload_id.unwrap_or_default();
    let limit = Asked::limit(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or(0);
    let after = u32::try_from(marker).map_err(|_| {
        let message = "Argument part-number-marker must be an integer between 0 and 2147483647";
        errors::invalid_argument(message, "part-number-marker", &marker.to_string())
    })?;
    let (upload, mut rows) = open.home.read(|tx| -> Result<_, AwsError> {
        let upload = parts::find(tx, &open, &key, &upload_id)?;
        let rows = parts::list(tx, &open.bucket, upload.number, after, limit + 1)?;
        Ok((upload, rows))
    })?;
    let is_truncated = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().and_then(|(number, _)| i32::try_from(*number).ok());
    let shown: Vec<Part> = rows
        .iter()
        .map(|(number, part)| shown_part(*number, part, &upload))
        .collect();
    let given_up = open
        .home
        .read(|tx| lifecycle::abortion(tx, &open.bucket, &key, upload.initiated))?;
    Ok(ListPartsOutput {
        abort_date: given_up.as_ref().map(|(at, _)| *at),
        abort_rule_id: given_up.map(|(_, rule)| rule),
        bucket: Some(open.bucket.name.clone()),
        key: Some(key),
        upload_id: Some(upload_id),
        part_number_marker: Some(marker),
        next_part_number_marker: Some(last.unwrap_or(0)),
        max_parts: i32::try_from(limit).ok(),
        is_truncated: Some(is_truncated && limit > 0),
        parts: (!shown.is_empty()).then_some(shown),
        initiator: Some(initiator(upload.initiator)),
        owner: Some(owner::shown(upload.version.owner)),
        storage_class: Some(upload.version.storage_class().to_owned()),
        checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm.name().to_owned()),
        checksum_type: upload.checksum.map(|(_, composite)| type_name(composite).to_owned()),
        ..ListPartsOutput::default()
    })
}

fn shown_part(number: u32, part: &crate::state::Part, upload: &Upload) -> Part {
    let mut shown = Part {
        part_number: i32::try_from(number).ok(),
        last_modified: Some(part.modified),
        e_tag: Some(format!("\"{}\"", part.etag)),
        size: i64::try_from(part.size).ok(),
        ..Part::default()
    };
    if let Some(checksum) = part.checksum.as_ref().filter(|_| upload.checksum.is_some()) {
        tell_checksum_value!(shown, checksum);
    }
    shown
}
