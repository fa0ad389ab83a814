//! Batch jobs: one operation for each object that a manifest names.

mod list;
mod manifest;
mod report;
mod run;
mod task;

pub use run::{STEP, step};

use super::wire::{
    CreateJobRequest, CreateJobResult, DeleteJobTaggingRequest, DeleteJobTaggingResult, DescribeJobRequest,
    DescribeJobResult, GetJobTaggingRequest, GetJobTaggingResult, JobDescriptor, JobFailure, JobListDescriptor,
    JobProgressSummary, JobTimers, ListJobsRequest, ListJobsResult, MODEL, PutJobTaggingRequest, PutJobTaggingResult,
    S3Tag, Tag, UpdateJobPriorityRequest, UpdateJobPriorityResult, UpdateJobStatusRequest, UpdateJobStatusResult,
};
use super::{check_account, page, tags};
use crate::configuration;
use crate::state::{JOBS, Job};
use virga_base::{Arn, AwsError};
use virga_service::{Ctx, Tx};

const PAGE_MAX: i32 = 1000;
const TAGS_MAX: usize = 50;
/// How a job can end.
const ENDS: [&str; 3] = ["Complete", "Failed", "Cancelled"];

pub async fn create(ctx: Ctx, input: CreateJobRequest) -> Result<CreateJobResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    check(&ctx, &input)?;
    let tags = read_tags(input.tags.clone().unwrap_or_default())?;
    let id = ctx.ids().uuid();
    let request = CreateJobRequest {
        account_id: None,
        tags: None,
        ..input.clone()
    };
    let job = Job {
        request: configuration::write_of(MODEL, request)
            .ok_or_else(|| AwsError::internal("a job cannot be written"))?,
        token: input.client_request_token.unwrap_or_default(),
        created: ctx.now(),
        status: "New".to_owned(),
        priority: input.priority.unwrap_or_default(),
        confirmed: !input.confirmation_required.unwrap_or(false),
        suspended: None,
        ended: None,
        total: 0,
        succeeded: 0,
        failed: 0,
        reason: None,
        failure: None,
        tags,
    };
    let made = ctx.write(|tx| make(tx, &ctx, &id, &job)).await?;
    Ok(CreateJobResult { job_id: Some(made) })
}

/// What must be there, and what Virga can do.
fn check(ctx: &Ctx, input: &CreateJobRequest) -> Result<(), AwsError> {
    let bad = |message: &str| Err(bad_request(message));
    let Some(operation) = &input.operation else {
        return bad("Operation is required");
    };
    task::check(operation)?;
    if input.manifest_generator.is_some() {
        return Err(not_implemented("jobs with a manifest generator"));
    }
    let Some(manifest) = &input.manifest else {
        return bad("Manifest or ManifestGenerator is required");
    };
    manifest::check(manifest)?;
    let role = input.role_arn.as_deref().and_then(|arn| Arn::parse(arn).ok());
    let own = |arn: &Arn| arn.service == "iam" && arn.account == ctx.account().to_string();
    if !role.is_some_and(|arn| own(&arn) && arn.resource.starts_with("role/")) {
        return bad("Invalid RoleArn");
    }
    if input.priority.is_none_or(|priority| priority < 0) {
        return bad("Priority must be a number from 0 on");
    }
    match &input.report {
        None => bad("Report is required"),
        Some(report) if report.enabled == Some(true) && report::place(report).is_none() => {
            bad("The report's bucket must be given by its ARN")
        }
        Some(_) => Ok(()),
    }
}

/// Keeps a job and has it begin; the same token makes it once.
fn make(tx: &mut Tx<'_>, ctx: &Ctx, id: &str, job: &Job) -> Result<String, AwsError> {
    let mut known = None;
    tx.reading().scan(&JOBS).each(|(id,), other: Job| {
        if other.token == job.token {
            known = Some((id, other));
        }
        page::until(known.is_some())
    })?;
    if let Some((id, other)) = known {
        if other.request == job.request {
            return Ok(id);
        }
        return Err(AwsError::new(
            "IdempotencyException",
            "The client request token was used by another job.",
        ));
    }
    tx.put(&JOBS, (id,), job)?;
    tx.schedule(ctx.now(), &ctx.due_row(STEP, id.as_bytes().to_vec()))?;
    Ok(id.to_owned())
}

pub async fn describe(ctx: Ctx, input: DescribeJobRequest) -> Result<DescribeJobResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let id = input.job_id.unwrap_or_default();
    let job = find(&ctx, &id)?;
    let request = request(&job)?;
    Ok(DescribeJobResult {
        job: Some(JobDescriptor {
            job_arn: Some(arn(&ctx, &id)),
            job_id: Some(id),
            confirmation_required: request.confirmation_required,
            description: request.description,
            status: Some(job.status.clone()),
            manifest: request.manifest,
            operation: request.operation,
            priority: Some(job.priority),
            progress_summary: Some(progress(&job)),
            status_update_reason: job.reason,
            failure_reasons: job.failure.map(|(code, reason)| {
                vec![JobFailure {
                    failure_code: Some(code),
                    failure_reason: Some(reason),
                }]
            }),
            report: request.report,
            creation_time: Some(job.created),
            termination_date: job.ended,
            role_arn: request.role_arn,
            suspended_date: job.suspended,
            suspended_cause: job.suspended.map(|_| "Job is awaiting confirmation".to_owned()),
            manifest_generator: None,
            generated_manifest_descriptor: None,
        }),
    })
}

pub async fn list(ctx: Ctx, input: ListJobsRequest) -> Result<ListJobsResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let max = input.max_results.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let max = usize::try_from(max).unwrap_or(1);
    let after = page::read_token(input.next_token.as_deref())?;
    let statuses = input.job_statuses.unwrap_or_default();
    let mut found: Vec<(String, Job)> = Vec::new();
    ctx.read(|tx| -> Result<(), AwsError> {
        found.clear();
        let scan = tx.scan(&JOBS).after((after.as_str(),));
        scan.each(|(id,), job: Job| {
            if statuses.is_empty() || statuses.contains(&job.status) {
                found.push((id, job));
            }
            page::until(found.len() > max)
        })?;
        Ok(())
    })?;
    let next_token = page::cut(&mut found, max, |(id, _)| id);
    let jobs = found.into_iter().map(|(id, job)| {
        let request = request(&job)?;
        Ok(JobListDescriptor {
            job_id: Some(id),
            description: request.description,
            operation: request.operation.as_ref().and_then(task::name).map(str::to_owned),
            priority: Some(job.priority),
            status: Some(job.status.clone()),
            creation_time: Some(job.created),
            termination_date: job.ended,
            progress_summary: Some(progress(&job)),
        })
    });
    Ok(ListJobsResult {
        jobs: Some(jobs.collect::<Result<_, AwsError>>()?),
        next_token,
    })
}

fn progress(job: &Job) -> JobProgressSummary {
    let number = |number: u64| Some(i64::try_from(number).unwrap_or(i64::MAX));
    JobProgressSummary {
        total_number_of_tasks: number(job.total),
        number_of_tasks_succeeded: number(job.succeeded),
        number_of_tasks_failed: number(job.failed),
        timers: Some(JobTimers {
            elapsed_time_in_active_seconds: Some(0),
        }),
    }
}

pub async fn update_status(ctx: Ctx, input: UpdateJobStatusRequest) -> Result<UpdateJobStatusResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let id = input.job_id.unwrap_or_default();
    let wanted = input.requested_job_status.unwrap_or_default();
    let (reason, now) = (input.status_update_reason, ctx.now());
    let step = ctx.due_row(STEP, id.as_bytes().to_vec());
    ctx.write(|tx| {
        let mut job = tx.get(&JOBS, (id.as_str(),))?.ok_or_else(no_such_job)?;
        match wanted.as_str() {
            "Ready" if job.status == "Suspended" => {
                job.confirmed = true;
                job.suspended = None;
                tx.schedule(now, &step)?;
            }
            "Cancelled" if !ENDS.contains(&job.status.as_str()) => job.ended = Some(now),
            _ => {
                let message = format!("The job is {} and cannot become {wanted}.", job.status);
                return Err(AwsError::new("JobStatusException", message));
            }
        }
        job.status.clone_from(&wanted);
        job.reason.clone_from(&reason);
        Ok(tx.put(&JOBS, (id.as_str(),), &job)?)
    })
    .await?;
    Ok(UpdateJobStatusResult {
        job_id: Some(id),
        status: Some(wanted),
        status_update_reason: reason,
    })
}

pub async fn update_priority(ctx: Ctx, input: UpdateJobPriorityRequest) -> Result<UpdateJobPriorityResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let id = input.job_id.unwrap_or_default();
    let priority = input.priority.filter(|priority| *priority >= 0);
    let priority = priority.ok_or_else(|| bad_request("Priority must be a number from 0 on"))?;
    change(&ctx, &id, |job| job.priority = priority).await?;
    Ok(UpdateJobPriorityResult {
        job_id: Some(id),
        priority: Some(priority),
    })
}

pub async fn get_tags(ctx: Ctx, input: GetJobTaggingRequest) -> Result<GetJobTaggingResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let job = find(&ctx, &input.job_id.unwrap_or_default())?;
    let tags = job.tags.into_iter().map(|(key, value)| S3Tag {
        key: Some(key),
        value: Some(value),
    });
    Ok(GetJobTaggingResult {
        tags: Some(tags.collect()),
    })
}

pub async fn put_tags(ctx: Ctx, input: PutJobTaggingRequest) -> Result<PutJobTaggingResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let tags = read_tags(input.tags.unwrap_or_default())?;
    change(&ctx, &input.job_id.unwrap_or_default(), |job| {
        job.tags.clone_from(&tags)
    })
    .await?;
    Ok(PutJobTaggingResult {})
}

pub async fn delete_tags(ctx: Ctx, input: DeleteJobTaggingRequest) -> Result<DeleteJobTaggingResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    change(&ctx, &input.job_id.unwrap_or_default(), |job| job.tags.clear()).await?;
    Ok(DeleteJobTaggingResult {})
}

fn read_tags(given: Vec<S3Tag>) -> Result<Vec<(String, String)>, AwsError> {
    if given.len() > TAGS_MAX {
        return Err(AwsError::new("TooManyTagsException", "A job has 50 tags at most."));
    }
    let plain = given.into_iter().map(|S3Tag { key, value }| Tag { key, value });
    tags::read(plain.collect())
}

fn find(ctx: &Ctx, id: &str) -> Result<Job, AwsError> {
    let found = ctx.read(|tx| Ok::<_, AwsError>(tx.get(&JOBS, (id,))?))?;
    found.ok_or_else(no_such_job)
}

async fn change(ctx: &Ctx, id: &str, change: impl Fn(&mut Job) + Send + Sync) -> Result<(), AwsError> {
    ctx.write(|tx| {
        let mut job = tx.get(&JOBS, (id,))?.ok_or_else(no_such_job)?;
        change(&mut job);
        Ok(tx.put(&JOBS, (id,), &job)?)
    })
    .await
}

/// What a job was made of.
fn request(job: &Job) -> Result<CreateJobRequest, AwsError> {
    configuration::read_of(MODEL, &job.request).ok_or_else(|| AwsError::internal("a job cannot be read"))
}

fn arn(ctx: &Ctx, id: &str) -> String {
    format!("arn:{}:s3:{}:{}:job/{id}", ctx.partition(), ctx.region(), ctx.account())
}

fn no_such_job() -> AwsError {
    AwsError::new("NotFoundException", "The specified job does not exist.").with_status(404)
}

fn bad_request(message: &str) -> AwsError {
    AwsError::new("BadRequestException", message.to_owned())
}

fn not_implemented(what: &str) -> AwsError {
    AwsError::new("NotImplemented", format!("Virga does not implement {what} yet.")).with_status(501)
}
