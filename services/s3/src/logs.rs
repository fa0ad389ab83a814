//! Access logs: a line for each request to a bucket that is logged, delivered as objects into the bucket that it names.

use crate::state::{Bucket, LOG_LINES, LOGGED, world};
use crate::wire::{BucketLoggingStatus, LoggingEnabled};
use crate::{access, call, config, owner};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::json;
use virga_base::{AwsError, Timestamp};
use virga_service::{Caller, Cloud, Ctx, Principal, Served, StoreError};

/// The kind of deferred work that delivers.
pub const DELIVER: &str = "deliver-logs";
/// How long lines are gathered for one object. AWS promises no more than hours.
const GATHER_S: i64 = 300;
/// Lines in one object.
const LINES_MAX: usize = 10_000;

/// A row of a line: its key and its text.
type Line = ((u64, u64, u64), Vec<u8>);

/// Whether a request to that path is to be told of.
pub fn wanted(cloud: &Cloud, path: &str) -> bool {
    let (name, _) = split(path);
    let found = cloud.store().read(world(), |tx| tx.get(&LOGGED, (name,)));
    found.is_ok_and(|found: Option<()>| found.is_some())
}

fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_once('/').unwrap_or((path, ""))
}

/// Writes down a request that was answered.
pub async fn note(ctx: Ctx, served: Served) {
    if let Err(error) = keep(&ctx, &served).await {
        log::warn!("a line of an access log is lost: {error}");
    }
}

async fn keep(ctx: &Ctx, served: &Served) -> Result<(), AwsError> {
    let (name, key) = split(&served.path);
    let Some(bucket) = access::find(ctx, name)? else {
        return Ok(());
    };
    let text = line(ctx, served, &bucket, key).into_bytes();
    let at = u64::try_from(ctx.now().as_millis()).unwrap_or_default();
    let place = (bucket.id, at, ctx.ids().u64());
    let home = access::home(ctx, &bucket);
    home.write(|tx| {
        let first = tx.scan(&LOG_LINES).prefix((bucket.id,)).limit(1).keys()?.is_empty();
        tx.put(&LOG_LINES, place, &text)?;
        if first {
            let row = home.due_row(DELIVER, bucket.name.clone().into_bytes());
            tx.schedule(ctx.now().plus_secs(GATHER_S), &row)?;
        }
        Ok::<(), StoreError>(())
    })
    .await?;
    Ok(())
}

/// A request in AWS's format of logs.
fn line(ctx: &Ctx, served: &Served, bucket: &Bucket, key: &str) -> String {
    let request = ctx.request();
    let caller = ctx.caller();
    let requester = match &caller.principal {
        Principal::Anonymous => "-".to_owned(),
        Principal::Root => owner::canonical_id(caller.account),
        _ => caller.arn(ctx.partition()),
    };
    let key = percent_decode_str(key).decode_utf8_lossy();
    let key = utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string();
    let key = key
        .replace("%2F", "/")
        .replace("%2E", ".")
        .replace("%2D", "-")
        .replace("%5F", "_");
    let or_dash = |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned());
    let quoted = |text: Option<&str>| format!("\"{}\"", text.unwrap_or("-").replace('"', "%22"));
    let number = |number: Option<u64>| or_dash(number.map(|number| number.to_string()));
    let address = request.uri.path_and_query().map_or("/", |address| address.as_str());
    [
        owner::canonical_id(bucket.owner),
        bucket.name.clone(),
        format!("[{}]", log_time(ctx.now())),
        or_dash(request.source_ip.as_deref().map(str::to_owned)),
        requester,
        request.id.as_str().to_owned(),
        format!("REST.{}.{}", verb(ctx, &served.operation), resource(&served.operation)),
        or_dash(Some(key)),
        quoted(Some(&format!("{} {address} HTTP/1.1", request.method))),
        served.status.to_string(),
        or_dash(served.error.clone()),
        number(served.sent.filter(|sent| *sent > 0)),
        number(object_size(ctx, served)),
        served.took_ms.to_string(),
        "-".to_owned(),
        quoted(served.referrer.as_deref()),
        quoted(request.user_agent()),
        or_dash(version_id(request.uri.query().unwrap_or_default())),
        crate::site::host_id(ctx),
        or_dash(served.signature.map(str::to_owned)),
        or_dash(request.secure.then(|| "TLS_AES_128_GCM_SHA256".to_owned())),
        or_dash(served.carrier.map(str::to_owned)),
        or_dash(request.host().map(str::to_owned)),
        or_dash(request.secure.then(|| "TLSv1.3".to_owned())),
        "-".to_owned(),
        "-".to_owned(),
    ]
    .join(" ")
}

/// `06/Feb/2026:00:00:38 +0000`
fn log_time(at: Timestamp) -> String {
    let date = Timestamp::from_secs(at.as_secs()).to_http_date();
    let words: Vec<&str> = date.split(' ').collect();
    match words.as_slice() {
        [_, day, month, year, time, _] => format!("{day}/{month}/{year}:{time} +0000"),
        _ => date,
    }
}

/// The size of the object itself, which is the body that went one way or the other.
fn object_size(ctx: &Ctx, served: &Served) -> Option<u64> {
    match served.operation.as_str() {
        "GetObject" if served.status == 200 => served.sent,
        "PutObject" | "UploadPart" if served.status == 200 => {
            let header = |name| ctx.request().header(name);
            let told = header("x-amz-decoded-content-length").or_else(|| header("content-length"));
            told?.parse().ok()
        }
        _ => None,
    }
}

fn version_id(query: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut ids = pairs.filter(|(name, _)| *name == "versionId");
    ids.next().map(|(_, id)| id.to_owned())
}

/// The method, but of copies.
fn verb<'a>(ctx: &'a Ctx, operation: &str) -> &'a str {
    match operation {
        "CopyObject" | "UploadPartCopy" => "COPY",
        _ => ctx.request().method.as_str(),
    }
}

/// What an operation is about, as logs call it.
fn resource(operation: &str) -> String {
    match operation {
        "GetObject" | "PutObject" | "HeadObject" | "DeleteObject" | "CopyObject" | "PostObject" => {
            return "OBJECT".to_owned();
        }
        "GetObjectAcl" | "PutObjectAcl" => return "ACL".to_owned(),
        "GetBucketPolicy" | "PutBucketPolicy" | "DeleteBucketPolicy" => return "BUCKETPOLICY".to_owned(),
        "GetBucketLogging" | "PutBucketLogging" => return "LOGGING_STATUS".to_owned(),
        "RestoreObject" => return "RESTORE".to_owned(),
        "ListObjects" | "ListObjectsV2" | "HeadBucket" | "CreateBucket" | "DeleteBucket" => return "BUCKET".to_owned(),
        "ListObjectVersions" => return "BUCKETVERSIONS".to_owned(),
        "DeleteObjects" => return "MULTI_OBJECT_DELETE".to_owned(),
        "CreateMultipartUpload" | "ListMultipartUploads" => return "UPLOADS".to_owned(),
        "CompleteMultipartUpload" | "AbortMultipartUpload" | "ListParts" => return "UPLOAD".to_owned(),
        "UploadPart" | "UploadPartCopy" => return "PART".to_owned(),
        _ => {}
    }
    let rest = ["Get", "Put", "Delete", "List"]
        .iter()
        .find_map(|verb| operation.strip_prefix(verb))
        .unwrap_or(operation);
    let rest = rest.strip_prefix("Bucket").unwrap_or(rest);
    let rest = rest.strip_suffix("Configuration").unwrap_or(rest);
    let mut name = String::new();
    for letter in rest.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// Delivers the lines of a bucket, which the work's payload names.
pub async fn deliver(ctx: Ctx, payload: Vec<u8>) -> Result<(), AwsError> {
    let name = String::from_utf8(payload).unwrap_or_default();
    let Some(bucket) = access::find(&ctx, &name)? else {
        return Ok(());
    };
    loop {
        let (target, lines) = ctx.read(|tx| -> Result<_, AwsError> {
            let status = config::get::<BucketLoggingStatus>(tx, &bucket, config::LOGGING)?;
            let lines = tx.scan(&LOG_LINES).prefix((bucket.id,)).limit(LINES_MAX).rows()?;
            Ok((status.and_then(|status| status.logging_enabled), lines))
        })?;
        let Some((((_, last, _), _), target)) = lines.last().zip(target) else {
            return clear(&ctx, &bucket, &lines).await;
        };
        let at = Timestamp::from_millis(i64::try_from(*last).unwrap_or_default());
        let mut body = String::new();
        for (_, line) in &lines {
            body.push_str(&String::from_utf8_lossy(line));
            body.push('\n');
        }
        let key = object_key(&ctx, &bucket, &target, at);
        put(&ctx, &bucket, &target, &key, body).await?;
        clear(&ctx, &bucket, &lines).await?;
    }
}

async fn clear(ctx: &Ctx, bucket: &Bucket, lines: &[Line]) -> Result<(), AwsError> {
    if lines.is_empty() {
        return Ok(());
    }
    ctx.write(|tx| {
        for ((_, at, number), _) in lines {
            tx.delete(&LOG_LINES, (bucket.id, *at, *number))?;
        }
        Ok::<(), StoreError>(())
    })
    .await?;
    Ok(())
}

/// Where the lines go: `PREFIX2026-02-06-00-00-38-0123456789ABCDEF`, in folders by source and day where it is asked for.
fn object_key(ctx: &Ctx, bucket: &Bucket, target: &LoggingEnabled, last: Timestamp) -> String {
    let prefix = target.target_prefix.as_deref().unwrap_or_default();
    let time = |at: Timestamp| {
        Timestamp::from_secs(at.as_secs())
            .to_iso8601()
            .trim_end_matches('Z')
            .replace(['T', ':'], "-")
    };
    let unique = format!("{:016X}", ctx.ids().u64());
    let format = target.target_object_key_format.as_ref();
    let Some(partitioned) = format.and_then(|format| format.partitioned_prefix.as_ref()) else {
        return format!("{prefix}{}-{unique}", time(ctx.now()));
    };
    // By the time of events, an object holds one day's, and its own time is midnight.
    let (day, shown) = match partitioned.partition_date_source.as_deref() {
        Some("EventTime") => {
            let day = last.to_iso8601().get(..10).unwrap_or_default().to_owned();
            let shown = format!("{day}-00-00-00");
            (day, shown)
        }
        _ => (
            ctx.now().to_iso8601().get(..10).unwrap_or_default().to_owned(),
            time(ctx.now()),
        ),
    };
    let (owner, region, name) = (bucket.owner, &bucket.region, &bucket.name);
    format!(
        "{prefix}{owner}/{region}/{name}/{}/{shown}-{unique}",
        day.replace('-', "/")
    )
}

async fn put(ctx: &Ctx, bucket: &Bucket, target: &LoggingEnabled, key: &str, body: String) -> Result<(), AwsError> {
    use base64::Engine as _;
    let input = json!({
        "Bucket": target.target_bucket,
        "Key": key,
        "ContentType": "text/plain",
        "Body": base64::engine::general_purpose::STANDARD.encode(body),
    });
    match call::s3(ctx, Caller::root(bucket.owner), "PutObject", &input).await {
        Ok(_) => Ok(()),
        // The bucket is gone, or takes none: as on AWS, the lines are lost.
        Err(error) if error.status < 500 => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{resource, version_id};

    #[test]
    fn operations_are_named_by_what_they_are_about() {
        for (operation, name) in [
            ("CopyObject", "OBJECT"),
            ("UploadPart", "PART"),
            ("GetObjectAcl", "ACL"),
            ("GetBucketAcl", "ACL"),
            ("PutBucketLogging", "LOGGING_STATUS"),
            ("GetBucketPolicy", "BUCKETPOLICY"),
            ("GetBucketVersioning", "VERSIONING"),
            ("GetObjectTagging", "OBJECT_TAGGING"),
            ("PutBucketLifecycleConfiguration", "LIFECYCLE"),
            ("GetPublicAccessBlock", "PUBLIC_ACCESS_BLOCK"),
        ] {
            assert_eq!(resource(operation), name, "{operation}");
        }
    }

    #[test]
    fn the_version_is_the_one_that_was_asked_for() {
        assert_eq!(version_id("x=1&versionId=abc").as_deref(), Some("abc"));
        assert_eq!(version_id("versions"), None);
    }
}
