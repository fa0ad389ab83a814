//! CompleteMultipartUpload: makes one object of parts, without touching their bytes.

use super::create::met;
use crate::access::{self, Open, Wanted};
use crate::events::{self, What};
use crate::hex::hex;
use crate::object::checksum::{asked, sent_checksums, tell_checksum};
use crate::object::conditions::Writing;
use crate::object::encryption::tell_own_encryption;
use crate::object::{key, version_id, versions};
use crate::state::{Bucket, Checksum, Content, Encryption, Part, UPLOADS, Upload, VERSIONS, Version};
use crate::upload::{checksums, id, parts};
use crate::wire::{CompleteMultipartUploadOutput, CompleteMultipartUploadRequest, CompletedPart};
use crate::{errors, lifecycle, limits};
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use virga_base::AwsError;
use virga_service::{Ctx, ReadTx, Tx};

/// What stays as it is in an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// A part as the completion names it.
struct Named {
    number: i32,
    /// Without quotes.
    etag: String,
    checksum: Option<Checksum>,
}

/// What the completion says of the whole.
struct Completion {
    key: String,
    upload_id: String,
    named: Vec<Named>,
    checksum: Option<Checksum>,
    composite: Option<bool>,
    size: Option<i64>,
    conditions: Writing,
}

pub async fn complete(
    ctx: Ctx,
    mut input: CompleteMultipartUploadRequest,
) -> Result<CompleteMultipartUploadOutput, AwsError> {
    let key = key::read(input.key.take())?;
    // Nothing else can be posted to a key.
    if input.upload_id.is_none() {
        return Err(errors::method_not_allowed("POST", "OBJECT"));
    }
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutObject",
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let given = match input.multipart_upload.take() {
        Some(upload) => upload
            .parts
            .filter(|parts| !parts.is_empty())
            .ok_or_else(errors::malformed_xml)?,
        // AWS tells a body without parts from no body at all.
        None => Vec::new(),
    };
    let completion = Completion {
        named: named(given)?,
        upload_id: input.upload_id.take().unwrap_or_default(),
        composite: match input.checksum_type.as_deref() {
            None => None,
            Some("COMPOSITE") => Some(true),
            Some("FULL_OBJECT") => Some(false),
            Some(_) => {
                return Err(errors::invalid_request(
                    "Value for x-amz-checksum-type header is invalid.",
                ));
            }
        },
        checksum: whole_checksum(&mut input)?,
        size: input.mpu_object_size,
        conditions: Writing::new(input.if_match.take(), input.if_none_match.take())?,
        key,
    };
    let new_id = version_id::draw(ctx.ids());
    let completed = open.home.write(|tx| completion.run(tx, &open, &new_id)).await;
    if let Err(error) = &completed
        && matches!(&*error.code, "PreconditionFailed" | "NoSuchKey")
    {
        open.home.write(|tx| completion.note_disturbance(tx, &open)).await?;
    }
    let version = completed?;
    let bucket = &open.bucket;
    let mut output = CompleteMultipartUploadOutput {
        expiration: open
            .home
            .read(|tx| lifecycle::expiration(tx, bucket, &completion.key, &version))?,
        location: Some(location(&ctx, &open.bucket, &completion.key)),
        bucket: Some(open.bucket.name.clone()),
        e_tag: Some(version.quoted_etag()),
        version_id: version.id.clone(),
        key: Some(completion.key),
        ..CompleteMultipartUploadOutput::default()
    };
    tell_checksum!(output, &version.checksum);
    tell_own_encryption!(output, &version.encryption);
    Ok(output)
}

/// The checksum of the whole in the headers; one that is made of the parts' ends in their number.
fn whole_checksum(input: &mut CompleteMultipartUploadRequest) -> Result<Option<Checksum>, AwsError> {
    let mut sent = sent_checksums!(input);
    let mut composite = false;
    for (_, value) in &mut sent {
        if let Some((sum, count)) = value.as_deref().and_then(|value| value.split_once('-')) {
            composite = count.bytes().all(|digit| digit.is_ascii_digit());
            if composite {
                *value = Some(sum.to_owned());
            }
        }
    }
    let asked = asked(sent, None)?;
    Ok(asked.algorithm.zip(asked.value).map(|(algorithm, value)| Checksum {
        algorithm,
        composite,
        value,
    }))
}

/// Reads the list of parts.
fn named(given: Vec<CompletedPart>) -> Result<Vec<Named>, AwsError> {
    let mut named = Vec::with_capacity(given.len());
    for mut part in given {
        let number = part.part_number.ok_or_else(errors::malformed_xml)?;
        if number < 1 {
            return Err(errors::invalid_argument_named("PartNumber must be >= 1", "PartNumber"));
        }
        let etag = part.e_tag.take().ok_or_else(errors::malformed_xml)?;
        let mut checksums = sent_checksums!(part).into_iter();
        let checksum = checksums.find_map(|(algorithm, value)| {
            Some(Checksum {
                algorithm,
                composite: false,
                value: value?,
            })
        });
        named.push(Named {
            number,
            etag: etag.trim().trim_matches('"').to_owned(),
            checksum,
        });
    }
    Ok(named)
}

impl Completion {
    fn run(&self, tx: &mut Tx<'_>, open: &Open, new_id: &str) -> Result<Version, AwsError> {
        let bucket = open.again(tx)?;
        let row = (bucket.id, self.key.as_str(), self.upload_id.as_str());
        let Some(upload) = tx.get(&UPLOADS, row)? else {
            let made = self.made_before(&tx.reading(), &bucket)?;
            return made.ok_or_else(|| errors::no_such_upload(&self.upload_id));
        };
        if self.named.is_empty() {
            return Err(errors::invalid_request("You must specify at least one part"));
        }
        self.check_order()?;
        let all = parts::list(&tx.reading(), &bucket, upload.number, 0, usize::MAX)?;
        let mut chosen = self.choose(&upload, &all)?;
        let version = self.version(&upload, &chosen)?;
        self.check_conditions(&tx.reading(), &bucket, &upload)?;
        parts::place(tx, &bucket, upload.number, &mut chosen, &all)?;
        tx.delete(&UPLOADS, row)?;
        let kept = versions::add(tx, &bucket, &self.key, version, new_id)?;
        let what = What::CreatedCompleteMultipartUpload;
        events::emit(tx, &open.home, &bucket, what, &self.key, &kept)?;
        Ok(kept)
    }

    /// What the same call has made before; its answer may never have arrived.
    fn made_before(&self, tx: &ReadTx<'_>, bucket: &Bucket) -> Result<Option<Version>, AwsError> {
        let Some(number) = id::number(&self.upload_id) else {
            return Ok(None);
        };
        let is_it = |version: &Version| version.content == Content::Parts(number);
        if let Some(current) = versions::current(tx, bucket, &self.key)?.filter(is_it) {
            return Ok(Some(current));
        }
        let older = tx
            .scan(&VERSIONS)
            .prefix((bucket.id, self.key.as_str()))
            .limit(limits::DELETE_MAX_OBJECTS);
        Ok(older.rows()?.into_iter().map(|(_, version)| version).find(is_it))
    }

    fn check_order(&self) -> Result<(), AwsError> {
        let rises = self.named.is_sorted_by(|one, next| one.number < next.number);
        if rises {
            return Ok(());
        }
        Err(errors::invalid_part_order(&self.upload_id))
    }

    /// The parts that are named, as they were uploaded.
    fn choose(&self, upload: &Upload, all: &[(u32, Part)]) -> Result<Vec<(u32, Part)>, AwsError> {
        self.check_type(upload)?;
        let mut chosen: Vec<(u32, Part)> = Vec::with_capacity(self.named.len());
        for named in &self.named {
            let not_found = || errors::invalid_part(&self.upload_id, named.number, &named.etag);
            let found = u32::try_from(named.number).ok().and_then(|number| {
                let at = all.binary_search_by_key(&number, |(number, _)| *number).ok()?;
                all.get(at)
            });
            let (number, part) = found
                .filter(|(_, part)| part.etag == named.etag)
                .ok_or_else(not_found)?;
            check_part_checksum(upload, named, part, not_found)?;
            chosen.push((*number, part.clone()));
        }
        if let Some((_, but_last)) = chosen.split_last() {
            let small = but_last.iter().find(|(_, part)| part.size < limits::PART_MIN_BYTES);
            if let Some((number, part)) = small {
                return Err(errors::entity_too_small(*number, part.size, &part.etag));
            }
        }
        Ok(chosen)
    }

    /// The checksum's type must be the one that the upload was begun with.
    fn check_type(&self, upload: &Upload) -> Result<(), AwsError> {
        let Some((_, expected)) = upload.checksum else {
            return Ok(());
        };
        let given = self
            .composite
            .or(self.checksum.as_ref().map(|checksum| checksum.composite));
        if given.is_some_and(|given| given != expected) {
            return Err(errors::invalid_request(&format!(
                "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
                checksums::type_name(expected)
            )));
        }
        Ok(())
    }

    fn version(&self, upload: &Upload, chosen: &[(u32, Part)]) -> Result<Version, AwsError> {
        let size: u64 = chosen.iter().map(|(_, part)| part.size).sum();
        if let Some(told) = self.size
            && u64::try_from(told) != Ok(size)
        {
            return Err(errors::invalid_request(&format!(
                "The provided 'x-amz-mp-object-size' header value {told} does not match what was computed: {size}"
            )));
        }
        if size > limits::OBJECT_MAX_BYTES {
            return Err(errors::entity_too_large(size));
        }
        let parts: Vec<Part> = chosen.iter().map(|(_, part)| part.clone()).collect();
        let checksum = checksums::of_parts(upload.checksum, &parts);
        if let Some(told) = &self.checksum {
            self.compare(upload, told, &checksum)?;
        }
        Ok(Version {
            size,
            etag: etag(&parts),
            // Of what is encrypted with a customer's key, S3 keeps only what it is told to.
            checksum: Some(checksum).filter(|_| upload.checksum.is_some() || !is_customers(upload)),
            parts: u32::try_from(parts.len()).ok(),
            content: Content::Parts(upload.number),
            modified: upload.initiated,
            ..upload.version.clone()
        })
    }

    /// Compares the checksum that the client tells with the one that was computed.
    fn compare(&self, upload: &Upload, told: &Checksum, computed: &Checksum) -> Result<(), AwsError> {
        if told.algorithm != computed.algorithm {
            // Without a choice at the beginning, S3 has only its own.
            let expected = upload.checksum.map_or(computed.algorithm, |(algorithm, _)| algorithm);
            return Err(errors::invalid_request(&format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                expected.name().to_lowercase(),
                told.algorithm.name().to_lowercase()
            )));
        }
        let value = computed.value.split('-').next().unwrap_or_default();
        if told.value == value {
            return Ok(());
        }
        Err(errors::bad_checksum(&told.algorithm.name().to_lowercase()))
    }

    /// Whether the key means what the caller thinks it does, and has since the upload was begun.
    fn check_conditions(&self, tx: &ReadTx<'_>, bucket: &Bucket, upload: &Upload) -> Result<(), AwsError> {
        let Some(header) = self.conditions.header() else {
            return Ok(());
        };
        let current = versions::current(tx, bucket, &self.key)?;
        self.conditions.check(&self.key, current.as_ref())?;
        if upload.is_disturbed || current.as_ref().map(met) != upload.met {
            return Err(errors::conditional_request_conflict(header, &self.key));
        }
        Ok(())
    }

    /// Notes that the key has changed since the upload was begun, which a later completion may not be able to see.
    fn note_disturbance(&self, tx: &mut Tx<'_>, open: &Open) -> Result<(), AwsError> {
        let bucket = open.again(tx)?;
        let row = (bucket.id, self.key.as_str(), self.upload_id.as_str());
        let Some(mut upload) = tx.get(&UPLOADS, row)? else {
            return Ok(());
        };
        let current = versions::current(&tx.reading(), &bucket, &self.key)?;
        if current.as_ref().map(met) != upload.met {
            upload.is_disturbed = true;
            tx.put(&UPLOADS, row, &upload)?;
        }
        Ok(())
    }
}

fn is_customers(upload: &Upload) -> bool {
    matches!(upload.version.encryption, Encryption::Customer { .. })
}

fn check_part_checksum(
    upload: &Upload,
    named: &Named,
    part: &Part,
    not_found: impl Fn() -> AwsError,
) -> Result<(), AwsError> {
    let told = named.checksum.as_ref();
    match (upload.checksum, told) {
        (Some((expected, _)), Some(told)) if told.algorithm != expected => Err(AwsError::new(
            "BadDigest",
            format!(
                "The {} you specified for part {} did not match what we received.",
                told.algorithm.name().to_lowercase(),
                named.number
            ),
        )
        .with_status(400)),
        (Some((algorithm, true)), None) => Err(errors::invalid_request(&format!(
            "The upload was created using a {} checksum. The complete request must include the checksum for each part. It \
             was missing for part {} in the request.",
            algorithm.name().to_lowercase(),
            named.number
        ))),
        (_, Some(told)) => {
            let kept = part.checksum.as_ref().filter(|kept| kept.algorithm == told.algorithm);
            match kept.is_some_and(|kept| kept.value != told.value) {
                true => Err(not_found()),
                false => Ok(()),
            }
        }
        (_, None) => Ok(()),
    }
}

/// The MD5 of the parts' MD5s, and their number.
fn etag(parts: &[Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        let digits: Vec<u8> = part
            .etag
            .bytes()
            .filter_map(|digit| char::from(digit).to_digit(16))
            .map(|d| d as u8)
            .collect();
        for pair in digits.chunks_exact(2) {
            md5.update([pair.iter().fold(0, |byte, digit| byte << 4 | digit)]);
        }
    }
    format!("{}-{}", hex(&md5.finalize()), parts.len())
}

/// The object's address, as the client would write it.
fn location(ctx: &Ctx, bucket: &Bucket, key: &str) -> String {
    let request = ctx.request();
    let scheme = if request.secure { "https" } else { "http" };
    let key = utf8_percent_encode(key, PLAIN);
    // Whoever came through an access point wrote its name.
    let name = match &bucket.through {
        Some(point) => format!("{}-{}", point.name, point.account),
        None => bucket.name.clone(),
    };
    match request.host() {
        Some(host)
            if host
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with('.')) =>
        {
            format!("{scheme}://{host}/{key}")
        }
        Some(host) => format!("{scheme}://{host}/{name}/{key}"),
        None => format!("https://{name}.s3.{}.amazonaws.com/{key}", bucket.region),
    }
}
