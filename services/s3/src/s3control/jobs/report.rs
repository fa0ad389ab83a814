//! The report of a job: what became of each object, as CSV beside a manifest of its own.

use super::run::{Door, Failure};
use crate::hex::hex;
use crate::s3control::wire::JobReport;
use crate::state::JobLine;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::json;
use sha1::Sha1;
use virga_base::Arn;

const FORMAT: &str = "Report_CSV_20180820";
const SCHEMA: &str = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage";

/// The bucket that a report goes to, which is named by its ARN.
pub fn place(report: &JobReport) -> Option<String> {
    let arn = Arn::parse(report.bucket.as_deref()?).ok()?;
    Some(arn.resource).filter(|bucket| arn.service == "s3" && !bucket.contains('/'))
}

/// Writes what became of a job's objects.
pub async fn write(door: &Door<'_>, report: &JobReport, id: &str, lines: &[JobLine]) -> Result<(), Failure> {
    let Some(bucket) = place(report).filter(|_| report.enabled == Some(true)) else {
        return Ok(());
    };
    let prefix = report.prefix.as_deref().unwrap_or_default().trim_end_matches('/');
    let folder = match prefix {
        "" => format!("job-{id}"),
        prefix => format!("{prefix}/job-{id}"),
    };
    let mut results = Vec::new();
    for (status, wanted) in [("succeeded", true), ("failed", false)] {
        if wanted && report.report_scope.as_deref() == Some("FailedTasksOnly") {
            continue;
        }
        let chosen = lines.iter().filter(|line| line.succeeded == wanted);
        let text: String = chosen.map(|line| format!("{}\n", line.text)).collect();
        if text.is_empty() {
            continue;
        }
        let key = format!("{folder}/results/{}.csv", hex(&Sha1::digest(&text)));
        results.push(
            json!({ "TaskExecutionStatus": status, "Bucket": bucket, "MD5Checksum": hex(&Md5::digest(&text)),
            "Key": key }),
        );
        put(door, &bucket, &key, &text).await?;
    }
    let manifest = json!({ "Format": FORMAT, "ReportCreationDate": door.ctx.now().to_iso8601(), "Results": results,
        "ReportSchema": SCHEMA })
    .to_string();
    let key = format!("{folder}/manifest.json");
    put(door, &bucket, &key, &manifest).await?;
    put(door, &bucket, &format!("{key}.md5"), &hex(&Md5::digest(&manifest))).await
}

async fn put(door: &Door<'_>, bucket: &str, key: &str, text: &str) -> Result<(), Failure> {
    let input = json!({ "Bucket": bucket, "Key": key, "Body": STANDARD.encode(text) });
    let written = door.call("PutObject", &input).await;
    written.map(|_| ()).map_err(|error| Failure {
        code: error.code.to_string(),
        reason: format!("The report cannot be written: {}", error.message),
    })
}
