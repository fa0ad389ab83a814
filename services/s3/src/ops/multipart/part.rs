//! UploadPart.

use crate::access::{self, Open, Wanted};
use crate::errors;
use crate::object::checksum::{self, asked, sent_checksums, tell_checksum_value};
use crate::object::customer::{self, Cipher, Key, customer_of};
use crate::object::encryption::tell_encryption;
use crate::object::intake::{self, Announced, Taken};
use crate::object::key;
use crate::state::{Algorithm, Encryption, Lock, Part, Upload};
use crate::upload::checksums::crc64_of;
use crate::upload::parts;
use crate::wire::{UploadPartOutput, UploadPartRequest};
use virga_base::{AwsError, Timestamp};
use virga_service::Ctx;

pub async fn upload(ctx: Ctx, mut input: UploadPartRequest) -> Result<UploadPartOutput, AwsError> {
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
    checksum::check_kinds(ctx.request())?;
    if upload.version.lock != Lock::default() && !checksum::is_sent(ctx.request()) {
        return Err(errors::lock_without_checksum("Put Part"));
    }
    let asked = asked(sent_checksums!(input), input.checksum_algorithm.as_deref())?;
    check_algorithm(&upload, &asked)?;
    let customer = customer_of!(input).read()?;
    customer::check_part(&upload.version.encryption, customer.as_ref())?;
    let seal = Seal::new(&ctx, &upload.version.encryption, customer);
    let announced = Announced {
        length: input.content_length,
        md5: input.content_md5.take(),
        also: (asked.algorithm != Some(Algorithm::Crc64Nvme)).then_some(Algorithm::Crc64Nvme),
        default: upload.checksum.map(|(algorithm, _)| algorithm),
        checksum: asked,
        cipher: seal.cipher(),
        ..Announced::default()
    };
    let taken = intake::take(&ctx, announced).await?;
    let target = Target {
        open: &open,
        key: &key,
        upload_id: &upload_id,
        number,
        seal,
    };
    let part = target.keep(taken, ctx.now()).await?;
    let mut output = UploadPartOutput {
        e_tag: Some(format!("\"{}\"", part.etag)),
        ..UploadPartOutput::default()
    };
    if let Some(checksum) = &part.checksum {
        tell_checksum_value!(output, checksum);
    }
    tell_encryption!(output, &upload.version.encryption);
    Ok(output)
}

/// Compares with the algorithm that the upload was begun with.
fn check_algorithm(upload: &Upload, asked: &checksum::Asked) -> Result<(), AwsError> {
    let Some((expected, composite)) = upload.checksum else {
        return Ok(());
    };
    let actual = match asked.algorithm {
        Some(actual) if actual != expected => actual.name().to_lowercase(),
        None if composite => "null".to_owned(),
        Some(_) | None => return Ok(()),
    };
    Err(errors::invalid_request(&format!(
        "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {actual}",
        expected.name().to_lowercase()
    )))
}

/// Where a part goes.
pub struct Target<'a> {
    pub open: &'a Open,
    pub key: &'a str,
    pub upload_id: &'a str,
    pub number: u32,
    pub seal: Seal,
}

/// How a part's bytes are encrypted.
pub struct Seal {
    key: Option<Key>,
    /// What makes the entity tag tell nothing of the bytes; 0 where it may.
    nonce: u64,
}

impl Seal {
    pub fn new(ctx: &Ctx, encryption: &Encryption, key: Option<Key>) -> Seal {
        let nonce = match encryption {
            Encryption::S3 => 0,
            Encryption::Kms { .. } | Encryption::Customer { .. } => ctx.ids().u64(),
        };
        Seal { key, nonce }
    }

    pub fn cipher(&self) -> Option<Cipher> {
        self.key.as_ref().map(|key| Cipher::new(key, self.nonce, 0))
    }
}

impl Target<'_> {
    /// Makes what has come the part, in place of one that came before, if the upload is still under way.
    pub async fn keep(&self, taken: Taken, now: Timestamp) -> Result<Part, AwsError> {
        let crc64 = taken.also.as_ref().or(taken.checksum.as_ref()).map_or(0, crc64_of);
        let part = Part {
            size: taken.size,
            offset: 0,
            etag: match self.seal.nonce {
                0 => taken.md5,
                nonce => customer::etag(nonce, &taken.md5),
            },
            nonce: self.seal.key.as_ref().map_or(0, |_| self.seal.nonce),
            modified: Timestamp::from_secs(now.as_secs()),
            checksum: taken.checksum,
            crc64,
            content: crate::state::Content::Nothing,
        };
        let keep = |tx: &mut virga_service::Tx<'_>| -> Result<Part, AwsError> {
            let bucket = self.open.again(tx)?;
            let upload = parts::find(&tx.reading(), self.open, self.key, self.upload_id)?;
            let held = taken.written.hold(tx, &bucket)?;
            let part = Part {
                content: held.ok_or_else(|| errors::no_such_key(self.key))?,
                ..part.clone()
            };
            parts::put(tx, &bucket, upload.number, self.number, &part)?;
            Ok(part)
        };
        self.open.home.write(keep).await
    }
}
