//! How a job runs: in steps, each a piece of deferred work. It acts as its role does.

use super::manifest::{self, Named};
use super::{ENDS, report, request, task};
use crate::call;
use crate::s3control::wire::{CreateJobRequest, JobManifest};
use crate::state::{JOB_LINES, JOBS, Job, JobLine};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use virga_base::{Arn, AwsError};
use virga_service::{Answer, Caller, Ctx, Principal, Tx};

/// The kind of deferred work.
pub const STEP: &str = "job";
/// Objects of one step.
const TASKS_MAX: usize = 500;
/// Bytes of a manifest.
const MANIFEST_MAX_BYTES: i64 = 64 * 1024 * 1024;

/// Why a job fails as a whole.
pub struct Failure {
    pub code: String,
    pub reason: String,
}

/// S3, as a job's role meets it.
pub struct Door<'a> {
    pub ctx: &'a Ctx,
    caller: Caller,
}

impl Door<'_> {
    fn new<'a>(ctx: &'a Ctx, id: &str, role: Option<&str>) -> Door<'a> {
        let resource = role.and_then(|arn| Arn::parse(arn).ok()).map(|arn| arn.resource);
        let path = resource.unwrap_or_default();
        let path = path.strip_prefix("role").unwrap_or(&path);
        let (before, name) = path.rsplit_once('/').unwrap_or(("", path));
        let letters = id
            .bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| byte.to_ascii_uppercase());
        let principal = Principal::AssumedRole {
            role: name.to_owned(),
            role_path: format!("{before}/"),
            role_id: "AROA".bytes().chain(letters.take(17)).map(char::from).collect(),
            session: format!("s3-batch-operations_{id}"),
        };
        let caller = Caller {
            account: ctx.account(),
            principal,
            access_key_id: None,
        };
        Door { ctx, caller }
    }

    pub async fn call(&self, operation: &str, input: &Json) -> Result<Answer, AwsError> {
        call::s3(self.ctx, self.caller.clone(), operation, input).await
    }
}

/// Goes on with the job that the work's payload names.
pub async fn step(ctx: Ctx, payload: Vec<u8>) -> Result<(), AwsError> {
    let id = String::from_utf8(payload).unwrap_or_default();
    let found = ctx.read(|tx| Ok::<_, AwsError>(tx.get(&JOBS, (id.as_str(),))?))?;
    let Some(job) = found.filter(is_running) else {
        return Ok(());
    };
    let made_of = request(&job)?;
    let door = Door::new(&ctx, &id, made_of.role_arn.as_deref());
    let objects = match read_manifest(&door, made_of.manifest.as_ref()).await {
        Ok(objects) => objects,
        Err(failure) => return end(&ctx, &id, Err(failure)).await,
    };
    if job.status == "New" {
        return begin(&ctx, &id, objects.len()).await;
    }
    let done = usize::try_from(job.succeeded + job.failed).unwrap_or(usize::MAX);
    let mut lines = Vec::new();
    for object in objects.iter().skip(done).take(TASKS_MAX) {
        lines.push(run(&door, &made_of, object).await);
    }
    let rest = objects.len().saturating_sub(done + lines.len());
    if !keep(&ctx, &id, done, &lines, rest > 0).await? || rest > 0 {
        return Ok(());
    }
    let lines = ctx.read(|tx| Ok::<_, AwsError>(tx.scan(&JOB_LINES).prefix((id.as_str(),)).rows()?))?;
    let lines: Vec<JobLine> = lines.into_iter().map(|(_, line)| line).collect();
    let written = match &made_of.report {
        Some(wanted) => report::write(&door, wanted, &id, &lines).await,
        None => Ok(()),
    };
    end(&ctx, &id, written).await
}

fn is_running(job: &Job) -> bool {
    job.status != "Suspended" && !ENDS.contains(&job.status.as_str())
}

async fn read_manifest(door: &Door<'_>, manifest: Option<&JobManifest>) -> Result<Vec<Named>, Failure> {
    let failure = |code: &str, reason: String| Failure {
        code: code.to_owned(),
        reason,
    };
    let location = manifest.and_then(|manifest| manifest.location.as_ref());
    let place = location.and_then(|at| manifest::place(at.object_arn.as_deref()?));
    let (bucket, key) = place.unwrap_or_default();
    let mut input = json!({ "Bucket": bucket, "Key": key });
    if let Some(id) = location.and_then(|at| at.object_version_id.as_deref()) {
        input["VersionId"] = json!(id);
    }
    let answer = door.call("GetObject", &input).await;
    let answer =
        answer.map_err(|error| failure(&error.code, format!("The manifest cannot be read: {}", error.message)))?;
    let told = answer.output.map_or(Json::Null, |output| output.to_json());
    let plain = |tag: &str| tag.trim_matches('"').to_owned();
    let wanted = location.and_then(|at| at.e_tag.as_deref()).map(plain);
    if told["ETag"].as_str().map(plain) != wanted {
        return Err(failure(
            "InvalidManifest",
            "The manifest's ETag is not the one that was given.".to_owned(),
        ));
    }
    if told["ContentLength"]
        .as_i64()
        .is_none_or(|length| length > MANIFEST_MAX_BYTES)
    {
        return Err(failure("InvalidManifest", "The manifest is too long.".to_owned()));
    }
    let bytes = match answer.body {
        Some(body) => body
            .collect()
            .await
            .map(|whole| whole.to_bytes())
            .map_err(|_| failure("InvalidManifest", "The manifest cannot be read to its end.".to_owned()))?,
        None => bytes::Bytes::new(),
    };
    let fields = manifest.and_then(|manifest| manifest.spec.as_ref()?.fields.as_deref());
    manifest::read(&String::from_utf8_lossy(&bytes), fields.unwrap_or_default())
        .map_err(|reason| failure("InvalidManifest", reason))
}

/// A job whose manifest is read waits to be confirmed, or goes on.
async fn begin(ctx: &Ctx, id: &str, total: usize) -> Result<(), AwsError> {
    ctx.write(|tx| {
        let Some(mut job) = tx.get(&JOBS, (id,))?.filter(is_running) else {
            return Ok(());
        };
        job.total = u64::try_from(total).unwrap_or(u64::MAX);
        if job.confirmed {
            job.status = "Active".to_owned();
            go_on(tx, ctx, id)?;
        } else {
            job.status = "Suspended".to_owned();
            job.suspended = Some(ctx.now());
        }
        Ok(tx.put(&JOBS, (id,), &job)?)
    })
    .await
}

/// Does what the job does with one object.
async fn run(door: &Door<'_>, made_of: &CreateJobRequest, object: &Named) -> JobLine {
    let wanted = made_of
        .operation
        .as_ref()
        .and_then(|operation| task::input(operation, object));
    let answer = match wanted {
        Some((operation, input)) => door.call(operation, &input).await,
        None => Err(AwsError::internal("a job has no operation")),
    };
    let (succeeded, status, code, message) = match answer {
        Ok(answer) => (
            true,
            answer.status.unwrap_or(200),
            String::new(),
            "Successful".to_owned(),
        ),
        Err(error) => (false, error.status, error.code.to_string(), error.message),
    };
    let word = if succeeded { "succeeded" } else { "failed" };
    let version = object.version_id.as_deref().unwrap_or_default();
    let message = message.replace('"', "\"\"");
    let line = format!(
        "{},{},{version},{word},{status},{code},\"{message}\"",
        object.bucket, object.key
    );
    JobLine { succeeded, text: line }
}

/// Keeps what became of some objects; false where the job was cancelled, or another run was here before.
async fn keep(ctx: &Ctx, id: &str, done: usize, lines: &[JobLine], more: bool) -> Result<bool, AwsError> {
    let done = u64::try_from(done).unwrap_or(u64::MAX);
    ctx.write(|tx| {
        let Some(mut job) = tx.get(&JOBS, (id,))?.filter(is_running) else {
            return Ok(false);
        };
        if job.succeeded + job.failed != done {
            return Ok(false);
        }
        for (line, at) in lines.iter().zip(done..) {
            tx.put(&JOB_LINES, (id, at), line)?;
            let counted = if line.succeeded {
                &mut job.succeeded
            } else {
                &mut job.failed
            };
            *counted += 1;
        }
        job.status = if more { "Active" } else { "Completing" }.to_owned();
        tx.put(&JOBS, (id,), &job)?;
        if more {
            go_on(tx, ctx, id)?;
        }
        Ok(true)
    })
    .await
}

fn go_on(tx: &mut Tx<'_>, ctx: &Ctx, id: &str) -> Result<(), AwsError> {
    tx.schedule(ctx.now(), &ctx.due_row(STEP, id.as_bytes().to_vec()))?;
    Ok(())
}

async fn end(ctx: &Ctx, id: &str, ended: Result<(), Failure>) -> Result<(), AwsError> {
    let failure = ended.err().map(|failure| (failure.code, failure.reason));
    ctx.write(|tx| {
        tx.delete_all(&JOB_LINES, (id,))?;
        let Some(mut job) = tx.get(&JOBS, (id,))?.filter(is_running) else {
            return Ok(());
        };
        job.status = if failure.is_some() { "Failed" } else { "Complete" }.to_owned();
        job.ended = Some(ctx.now());
        job.failure.clone_from(&failure);
        Ok(tx.put(&JOBS, (id,), &job)?)
    })
    .await
}
