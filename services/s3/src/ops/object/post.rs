//! PostObject: a browser's form with the file in it.

use super::put;
use crate::access;
use crate::errors;
use crate::form::signature::Signature;
use crate::form::{self, Fields, tagging};
use crate::object::key;
use crate::reply::{Reply, whole};
use crate::wire::{PostObjectRequest, PostResponse, PutObjectOutput, PutObjectRequest};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;
use virga_base::{Account, AwsError, Timestamp};
use virga_service::{Caller, Ctx};

const IN_ADDRESSES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub async fn post(ctx: Ctx, input: PostObjectRequest) -> Result<Reply<PostResponse>, AwsError> {
    let bucket = input.bucket.unwrap_or_default();
    let found = access::find(&ctx, &bucket)?.ok_or_else(|| errors::no_such_bucket(&bucket))?;
    let boundary = form::boundary(input.content_type.as_deref())?;
    let body = ctx.take_body().ok_or_else(errors::incomplete_body)?;
    let (mut fields, file) = form::read(body, &boundary).await?;
    fields.name_file();
    let key = fields.get("key").ok_or_else(|| errors::form_lacks("key"))?.to_owned();
    let caller = caller(&ctx, &fields, &found.region()).await?;
    let signed = caller.access_key_id.is_some();
    let limits = match fields.get("policy") {
        Some(policy) if signed => form::policy::check(policy, &fields, &bucket, client_now(&ctx, &fields))?,
        _ => None,
    };
    let limits = limits.unwrap_or((0, crate::limits::OBJECT_PUT_MAX_BYTES));
    let headers = headers(&fields);
    let request = request(&bucket, key::read(Some(key.clone()))?, &fields)?;
    let posted = ctx.recast(caller, found.region(), headers, file.within(Some(limits)).boxed());
    let output = put::post(posted, request).await?;
    Ok(answer(&ctx, &fields, &bucket, &key, output))
}

/// The time by which a form's life is measured. It was signed by the client's clock, so that is the machine's; but where it
/// tells the time of its signing, it has aged as its world has.
fn client_now(ctx: &Ctx, fields: &Fields) -> Timestamp {
    let clock = ctx.cloud().clock();
    match fields.get("x-amz-date").and_then(Timestamp::parse_compact) {
        Some(signed_at) => {
            let age_ms = clock.now().as_millis() - clock.shown_at(signed_at).as_millis();
            signed_at.plus_millis(age_ms)
        }
        None => clock.state().machine,
    }
}

/// Who the form says it comes from, where that can be told; else nobody.
async fn caller(ctx: &Ctx, fields: &Fields, region: &virga_base::Region) -> Result<Caller, AwsError> {
    let Some(signature) = Signature::read(fields)? else {
        return Ok(Caller::anonymous(Account::DEFAULT));
    };
    let id = signature.access_key_id;
    let root = |account: Account| Caller {
        access_key_id: Some(id.to_owned()),
        ..Caller::root(account)
    };
    if let Ok(account) = Account::parse(id) {
        return Ok(root(account));
    }
    // As the edge does for signatures in headers: whose secret nobody knows is the default account's root.
    let Some(credential) = ctx.cloud().find_credential(id, region).await? else {
        return Ok(root(Account::DEFAULT));
    };
    if !credential.active {
        return Err(errors::invalid_access_key(id));
    }
    if credential.session_token.as_deref() != fields.get("x-amz-security-token") {
        return Err(AwsError::new(
            "InvalidToken",
            "The provided token is malformed or otherwise invalid.",
        ));
    }
    if credential.expires.is_some_and(|expires| ctx.now() >= expires) {
        return Err(AwsError::new("ExpiredToken", "The provided token has expired."));
    }
    signature.verify(&credential.secret_access_key)?;
    Ok(credential.caller)
}

/// The fields as the headers that a PUT would have, for policies to ask after.
fn headers(fields: &Fields) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.iter() {
        let name = match name.to_ascii_lowercase().as_str() {
            "acl" => "x-amz-acl".to_owned(),
            other => other.to_owned(),
        };
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    headers
}

fn request(bucket: &str, key: String, fields: &Fields) -> Result<PutObjectRequest, AwsError> {
    let text = |name: &str| fields.get(name).map(str::to_owned);
    let metadata: BTreeMap<String, String> = fields
        .iter()
        .filter_map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            Some((name.strip_prefix("x-amz-meta-")?.to_owned(), value.to_owned()))
        })
        .collect();
    let until = fields.get("x-amz-object-lock-retain-until-date");
    Ok(PutObjectRequest {
        acl: text("acl").or_else(|| text("x-amz-acl")),
        bucket: Some(bucket.to_owned()),
        cache_control: text("Cache-Control"),
        content_disposition: text("Content-Disposition"),
        content_encoding: text("Content-Encoding"),
        content_language: text("Content-Language"),
        content_md5: text("Content-MD5"),
        content_type: text("Content-Type"),
        checksum_algorithm: text("x-amz-checksum-algorithm"),
        checksum_crc32: text("x-amz-checksum-crc32"),
        checksum_crc32c: text("x-amz-checksum-crc32c"),
        checksum_crc64nvme: text("x-amz-checksum-crc64nvme"),
        checksum_sha1: text("x-amz-checksum-sha1"),
        checksum_sha256: text("x-amz-checksum-sha256"),
        expires: text("Expires"),
        grant_full_control: text("x-amz-grant-full-control"),
        grant_read: text("x-amz-grant-read"),
        grant_read_acp: text("x-amz-grant-read-acp"),
        grant_write_acp: text("x-amz-grant-write-acp"),
        key: Some(key),
        metadata: Some(metadata),
        server_side_encryption: text("x-amz-server-side-encryption"),
        storage_class: text("x-amz-storage-class"),
        website_redirect_location: text("x-amz-website-redirect-location"),
        sse_customer_algorithm: text("x-amz-server-side-encryption-customer-algorithm"),
        sse_customer_key: text("x-amz-server-side-encryption-customer-key"),
        sse_customer_key_md5: text("x-amz-server-side-encryption-customer-key-MD5"),
        ssekms_key_id: text("x-amz-server-side-encryption-aws-kms-key-id"),
        ssekms_encryption_context: text("x-amz-server-side-encryption-context"),
        bucket_key_enabled: fields
            .get("x-amz-server-side-encryption-bucket-key-enabled")
            .map(|text| text.eq_ignore_ascii_case("true")),
        tagging: fields.get("tagging").map(tagging::read).transpose()?,
        object_lock_mode: text("x-amz-object-lock-mode"),
        object_lock_retain_until_date: until.and_then(Timestamp::parse_iso8601),
        object_lock_legal_hold_status: text("x-amz-object-lock-legal-hold"),
        ..PutObjectRequest::default()
    })
}

/// What the form asks to be answered.
fn answer(ctx: &Ctx, fields: &Fields, bucket: &str, key: &str, output: PutObjectOutput) -> Reply<PostResponse> {
    let etag = output.e_tag.clone().unwrap_or_default();
    let location = location(ctx, bucket, key);
    let mut headers = vec![("etag".to_owned(), etag.clone())];
    let mut tell = |name: &str, value: Option<String>| {
        headers.extend(value.map(|value| (name.to_owned(), value)));
    };
    tell("x-amz-version-id", output.version_id);
    tell("x-amz-server-side-encryption", output.server_side_encryption);
    tell("x-amz-server-side-encryption-aws-kms-key-id", output.ssekms_key_id);
    tell("x-amz-checksum-crc32", output.checksum_crc32);
    tell("x-amz-checksum-crc32c", output.checksum_crc32c);
    tell("x-amz-checksum-crc64nvme", output.checksum_crc64nvme);
    tell("x-amz-checksum-sha1", output.checksum_sha1);
    tell("x-amz-checksum-sha256", output.checksum_sha256);
    tell("x-amz-checksum-type", output.checksum_type);
    let asked = fields.get("success_action_redirect").or_else(|| fields.get("redirect"));
    let redirect = asked.filter(|to| to.starts_with("http://") || to.starts_with("https://"));
    if let Some(to) = redirect {
        let encode = |text: &str| utf8_percent_encode(text, IN_ADDRESSES).to_string();
        let sign = if to.contains('?') { '&' } else { '?' };
        let to = format!(
            "{to}{sign}bucket={}&key={}&etag={}",
            encode(bucket),
            encode(key),
            encode(&etag)
        );
        headers.push(("location".to_owned(), to));
        return empty(303, headers);
    }
    headers.push(("location".to_owned(), location.clone()));
    match fields.get("success_action_status") {
        Some("200") => empty(200, headers),
        Some("201") => Reply {
            output: PostResponse {
                location: Some(location),
                bucket: Some(bucket.to_owned()),
                key: Some(key.to_owned()),
                e_tag: Some(etag),
            },
            body: None,
            headers,
            status: Some(201),
        },
        _ => empty(204, headers),
    }
}

fn empty(status: u16, headers: Vec<(String, String)>) -> Reply<PostResponse> {
    Reply {
        output: PostResponse::default(),
        body: Some(whole(Bytes::new())),
        headers,
        status: Some(status),
    }
}

/// Where the object is now, in the way that the bucket was addressed.
fn location(ctx: &Ctx, bucket: &str, key: &str) -> String {
    let request = ctx.request();
    let scheme = if request.secure { "https" } else { "http" };
    let host = request.host().unwrap_or("s3.amazonaws.com");
    let key = utf8_percent_encode(key, IN_ADDRESSES);
    let by_path = request.path().trim_start_matches('/').split('/').next() == Some(bucket);
    match by_path {
        true => format!("{scheme}://{host}/{bucket}/{key}"),
        false => format!("{scheme}://{host}/{key}"),
    }
}
