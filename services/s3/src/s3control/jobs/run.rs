//! How a job runs: in steps, each a piece of deferred work. It acts as its role does.

use super::list::{List, Spot};
use super::manifest::Named;
use super::{ENDS, report, request, task};
use crate::call;
use crate::s3control::wire::CreateJobRequest;
use crate::state::{JOB_LINES, JOBS, Job, JobLine};
use serde_json::Value as Json;
use virga_base::{Arn, AwsError};
use virga_service::{Answer, Caller, Ctx, Principal, Tx};

/// The kind of deferred work.
pub const STEP: &str = "job";

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

/// The job's id with how far it has come, so that no step reads more of a manifest than it does. A job that has not begun is
/// named alone.
fn payload(id: &str, spot: Spot) -> Vec<u8> {
    format!("{id} {} {}", spot.done, spot.bytes).into_bytes()
}

fn read_payload(payload: &str) -> (&str, Option<Spot>) {
    let mut words = payload.split(' ');
    let id = words.next().unwrap_or_default();
    let mut number = || words.next()?.parse().ok();
    let spot = number().zip(number()).map(|(done, bytes)| Spot { done, bytes });
    (id, spot)
}

/// Goes on with the job that the work's payload names.
pub async fn step(ctx: Ctx, payload: Vec<u8>) -> Result<(), AwsError> {
    let payload = String::from_utf8(payload).unwrap_or_default();
    let (id, spot) = read_payload(&payload);
    let found = ctx.read(|tx| Ok::<_, AwsError>(tx.get(&JOBS, (id,))?))?;
    let Some(job) = found.filter(is_running) else {
        return Ok(());
    };
    let made_of = request(&job)?;
    let door = Door::new(&ctx, id, made_of.role_arn.as_deref());
    let list = List::of(&door, made_of.manifest.as_ref());
    if job.status == "New" {
        return match list.pass(u64::MAX).await {
            Ok(all) => begin(&ctx, id, all.done).await,
            Err(failure) => end(&ctx, id, Err(failure)).await,
        };
    }
    let done = job.succeeded + job.failed;
    let spot = match spot {
        // Another run was here before.
        Some(spot) if spot.done != done => return Ok(()),
        Some(spot) => Ok(spot),
        None => list.pass(done).await,
    };
    let next = match spot {
        Ok(spot) if done < job.total => list.next(spot).await,
        Ok(spot) => Ok((Vec::new(), spot)),
        Err(failure) => Err(failure),
    };
    let (objects, after) = match next {
        Ok(next) => next,
        Err(failure) => return end(&ctx, id, Err(failure)).await,
    };
    let mut lines = Vec::new();
    for object in &objects {
        lines.push(run(&door, &made_of, object).await);
    }
    let more = after.done < job.total;
    if !keep(&ctx, id, done, &lines, more.then_some(after)).await? || more {
        return Ok(());
    }
    let lines = ctx.read(|tx| Ok::<_, AwsError>(tx.scan(&JOB_LINES).prefix((id,)).rows()?))?;
    let lines: Vec<JobLine> = lines.into_iter().map(|(_, line)| line).collect();
    let written = match &made_of.report {
        Some(wanted) => report::write(&door, wanted, id, &lines).await,
        None => Ok(()),
    };
    end(&ctx, id, written).await
}

fn is_running(job: &Job) -> bool {
    job.status != "Suspended" && !ENDS.contains(&job.status.as_str())
}

/// A job whose manifest is read waits to be confirmed, or goes on.
async fn begin(ctx: &Ctx, id: &str, total: u64) -> Result<(), AwsError> {
    ctx.write(|tx| {
        let Some(mut job) = tx.get(&JOBS, (id,))?.filter(is_running) else {
            return Ok(());
        };
        job.total = total;
        if job.confirmed {
            job.status = "Active".to_owned();
            go_on(tx, ctx, id, Spot::default())?;
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
async fn keep(ctx: &Ctx, id: &str, done: u64, lines: &[JobLine], more: Option<Spot>) -> Result<bool, AwsError> {
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
        job.status = if more.is_some() { "Active" } else { "Completing" }.to_owned();
        tx.put(&JOBS, (id,), &job)?;
        if let Some(after) = more {
            go_on(tx, ctx, id, after)?;
        }
        Ok(true)
    })
    .await
}

fn go_on(tx: &mut Tx<'_>, ctx: &Ctx, id: &str, spot: Spot) -> Result<(), AwsError> {
    tx.schedule(ctx.now(), &ctx.due_row(STEP, payload(id, spot)))?;
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

#[cfg(test)]
mod tests {
    use super::{Spot, payload, read_payload};

    #[test]
    fn work_knows_how_far_a_job_has_come() {
        let spot = Spot {
            done: 500,
            bytes: 12_345,
        };
        let written = String::from_utf8(payload("an-id", spot)).expect("text");
        assert_eq!(read_payload(&written), ("an-id", Some(spot)));
        assert_eq!(read_payload("an-id"), ("an-id", None));
    }
}
