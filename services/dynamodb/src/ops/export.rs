//! ExportTableToPointInTime, DescribeExport, ListExports.
//!
//! Full exports in DynamoDB's JSON: one file of items, and the manifests that tell of it.

use super::backup::no_table;
use super::bucket::{Bucket, failure};
use super::recovery;
use crate::due::payload;
use crate::errors::validation;
use crate::features::{EXPORTS, Export, Progress};
use crate::state::Definition;
use crate::tables::{self, Rows};
use crate::value::{item_json, model_shape};
use crate::{describe, due, wire};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use serde_json::json;
use std::io::Write;
use virga_base::AwsError;
use virga_service::Ctx;

/// Kind of deferred work: writing an export.
pub const EXPORT: &str = "export";

const LISTED_MAX: usize = 25;

fn no_export(arn: &str) -> AwsError {
    AwsError::new("ExportNotFoundException", format!("Export not found: {arn}"))
}

/// The last part of an export's or import's ARN.
pub fn new_id(ctx: &Ctx) -> String {
    format!("{:014}-{}", ctx.now().as_millis(), ctx.ids().hex(8))
}

pub async fn start(
    ctx: Ctx,
    input: wire::ExportTableToPointInTimeInput,
) -> Result<wire::ExportTableToPointInTimeOutput, AwsError> {
    let name = tables::name(&ctx, input.table_arn.as_deref())?;
    if input.export_format.as_deref() == Some("ION") || input.export_type.as_deref() == Some("INCREMENTAL_EXPORT") {
        return Err(AwsError::not_implemented(
            "DynamoDB",
            "ExportTableToPointInTime for Ion and increments",
        ));
    }
    let now = ctx.now();
    let id = new_id(&ctx);
    let table =
        ctx.read(|tx| -> Result<Definition, AwsError> { Rows::definition(tx, &name)?.ok_or_else(|| no_table(&name)) })?;
    let Some(recovery) = &table.extras.recovery else {
        return Err(AwsError::new(
            "PointInTimeRecoveryUnavailableException",
            format!("Point in time recovery is not enabled for table '{name}'"),
        ));
    };
    let at = input.export_time.unwrap_or(now);
    if at > now || at < recovery.earliest(now) {
        return Err(AwsError::new(
            "InvalidExportTimeException",
            "The specified ExportTime is outside of the point in time recovery window.",
        ));
    }
    let export = Export {
        arn: format!("{}/export/{id}", describe::table_arn(&ctx, &name)),
        progress: Progress::new(now),
        table_arn: describe::table_arn(&ctx, &name),
        table_id: table.id.clone(),
        data: table.data,
        table: name,
        at,
        client_token: input.client_token,
        bucket: input.s3_bucket.unwrap_or_default(),
        bucket_owner: input.s3_bucket_owner.or_else(|| Some(ctx.account().to_string())),
        prefix: input.s3_prefix,
        sse_algorithm: input.s3_sse_algorithm,
        sse_key_id: input.s3_sse_kms_key_id,
        manifest: None,
    };
    let export = ctx
        .write(|tx| -> Result<Export, AwsError> {
            let token = export.client_token.as_ref();
            if let Some(token) = token {
                let rows = tx.scan(&EXPORTS).rows()?;
                let mut rows = rows.into_iter().map(|(_, row)| row);
                let same = rows.find(|row| row.client_token.as_ref() == Some(token));
                if let Some(same) = same {
                    return if (&same.table, &same.bucket) == (&export.table, &export.bucket) {
                        Ok(same)
                    } else {
                        Err(AwsError::new(
                            "ExportConflictException",
                            "There was a conflict when writing to the specified S3 bucket: the client token was used \
                             for another export.",
                        ))
                    };
                }
            }
            tx.put(&EXPORTS, (&id,), &export)?;
            tx.schedule(now, &due::row(&ctx, EXPORT, &(&id,)))?;
            Ok(export.clone())
        })
        .await?;
    Ok(wire::ExportTableToPointInTimeOutput {
        export_description: Some(description(&export)),
    })
}

fn description(export: &Export) -> wire::ExportDescription {
    let progress = &export.progress;
    let done = progress.status() == "COMPLETED";
    let whole = |number: u64| i64::try_from(number).ok().filter(|_| done);
    wire::ExportDescription {
        export_arn: Some(export.arn.clone()),
        export_status: Some(progress.status().to_owned()),
        start_time: Some(progress.started),
        end_time: progress.ended,
        export_manifest: export.manifest.clone(),
        table_arn: Some(export.table_arn.clone()),
        table_id: Some(export.table_id.clone()),
        export_time: Some(export.at),
        client_token: export.client_token.clone(),
        s3_bucket: Some(export.bucket.clone()),
        s3_bucket_owner: export.bucket_owner.clone(),
        s3_prefix: export.prefix.clone(),
        s3_sse_algorithm: Some(export.sse_algorithm.clone().unwrap_or_else(|| "AES256".to_owned())),
        s3_sse_kms_key_id: export.sse_key_id.clone(),
        failure_code: progress.failure.as_ref().map(|(code, _)| code.clone()),
        failure_message: progress.failure.as_ref().map(|(_, message)| message.clone()),
        export_format: Some("DYNAMODB_JSON".to_owned()),
        billed_size_bytes: whole(progress.bytes),
        item_count: whole(progress.items),
        export_type: Some("FULL_EXPORT".to_owned()),
        incremental_export_specification: None,
    }
}

fn id_of(arn: &str) -> Result<&str, AwsError> {
    let id = arn.rsplit_once("/export/").map(|(_, id)| id);
    id.ok_or_else(|| {
        validation(format!(
            "Invalid ExportArn: Invalid ResourceArn provided as input {arn}"
        ))
    })
}

pub async fn describe(ctx: Ctx, input: wire::DescribeExportInput) -> Result<wire::DescribeExportOutput, AwsError> {
    let arn = input.export_arn.unwrap_or_default();
    let id = id_of(&arn)?;
    let export = ctx.read(|tx| -> Result<Export, AwsError> {
        let found = tx.get(&EXPORTS, (id,))?.filter(|export| export.arn == arn);
        found.ok_or_else(|| no_export(&arn))
    })?;
    Ok(wire::DescribeExportOutput {
        export_description: Some(description(&export)),
    })
}

pub async fn list(ctx: Ctx, input: wire::ListExportsInput) -> Result<wire::ListExportsOutput, AwsError> {
    let limit = input
        .max_results
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(LISTED_MAX);
    let mut found = ctx.read(|tx| -> Result<Vec<(String, Export)>, AwsError> {
        let scan = tx.scan(&EXPORTS);
        let scan = match &input.next_token {
            Some(after) => scan.after((after.as_str(),)),
            None => scan,
        };
        let rows = scan.rows()?.into_iter().map(|((id,), row)| (id, row));
        let wanted = |row: &Export| input.table_arn.as_ref().is_none_or(|arn| row.table_arn == *arn);
        Ok(rows.filter(|(_, row)| wanted(row)).take(limit + 1).collect())
    })?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|(id, _)| id.clone());
    let summaries = found.into_iter().map(|(_, row)| wire::ExportSummary {
        export_status: Some(row.progress.status().to_owned()),
        export_arn: Some(row.arn),
        export_type: Some("FULL_EXPORT".to_owned()),
    });
    Ok(wire::ListExportsOutput {
        export_summaries: Some(summaries.collect()),
        next_token,
    })
}

/// Writes an export, and how it went.
pub async fn run(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (id,): (String,) = payload(&bytes)?;
    let found = ctx.read(|tx| tx.get(&EXPORTS, (&id,)))?;
    let Some(mut export) = found.filter(|export: &Export| export.progress.ended.is_none()) else {
        return Ok(());
    };
    if let Err(error) = write(&ctx, &id, &mut export).await {
        export.progress.failure = Some(failure(&error));
    }
    export.progress.ended = Some(ctx.now());
    ctx.write(|tx| -> Result<(), AwsError> {
        tx.put(&EXPORTS, (&id,), &export)?;
        Ok(())
    })
    .await
}

fn base64_md5(bytes: &[u8]) -> String {
    BASE64.encode(Md5::digest(bytes))
}

async fn write(ctx: &Ctx, id: &str, export: &mut Export) -> Result<(), AwsError> {
    let bucket = Bucket::new(ctx, &export.bucket);
    let encryption = (export.sse_algorithm.as_deref(), export.sse_key_id.as_deref());
    let prefix = export.prefix.as_deref().filter(|prefix| !prefix.is_empty());
    let folder = match prefix {
        Some(prefix) => format!("{}/AWSDynamoDB/{id}", prefix.trim_end_matches('/')),
        None => format!("AWSDynamoDB/{id}"),
    };
    bucket.put(&format!("{folder}/_started"), &[], encryption).await?;
    let rows = ctx.write(|tx| recovery::items_at(tx, export.data, export.at)).await?;
    let shape = model_shape("AttributeValue")?;
    let broken = |_| AwsError::internal("an export cannot be compressed");
    let mut file = GzEncoder::new(Vec::new(), Compression::default());
    for (_, row) in rows {
        export.progress.items += 1;
        export.progress.bytes += row.size_bytes as u64;
        let line = json!({ "Item": item_json(row.item, shape) });
        writeln!(file, "{line}").map_err(broken)?;
    }
    let data = file.finish().map_err(broken)?;
    let data_key = format!("{folder}/data/{}.json.gz", ctx.ids().hex(26));
    bucket.put(&data_key, &data, encryption).await?;
    let (items, bytes) = (export.progress.items, export.progress.bytes);
    let files = format!(
        "{}\n",
        json!({
            "itemCount": items, "md5Checksum": base64_md5(&data), "etag": format!("{:x}", Md5::digest(&data)),
            "dataFileS3Key": data_key,
        })
    );
    let files_key = format!("{folder}/manifest-files.json");
    bucket.put(&files_key, files.as_bytes(), encryption).await?;
    let sum = base64_md5(files.as_bytes());
    bucket
        .put(&format!("{folder}/manifest-files.md5"), sum.as_bytes(), encryption)
        .await?;
    let summary = json!({
        "version": "2020-06-30", "exportArn": export.arn, "startTime": export.progress.started.to_iso8601_millis(),
        "endTime": ctx.now().to_iso8601_millis(), "tableArn": export.table_arn, "tableId": export.table_id,
        "exportTime": export.at.to_iso8601_millis(), "s3Bucket": export.bucket, "s3Prefix": export.prefix,
        "s3SseAlgorithm": encryption.0.unwrap_or("AES256"), "s3SseKmsKeyId": encryption.1,
        "manifestFilesS3Key": files_key, "billedSizeBytes": bytes, "itemCount": items,
        "outputFormat": "DYNAMODB_JSON", "outputView": null, "exportType": "FULL_EXPORT",
    })
    .to_string();
    let summary_key = format!("{folder}/manifest-summary.json");
    bucket.put(&summary_key, summary.as_bytes(), encryption).await?;
    let sum = base64_md5(summary.as_bytes());
    bucket
        .put(&format!("{folder}/manifest-summary.md5"), sum.as_bytes(), encryption)
        .await?;
    export.manifest = Some(summary_key);
    Ok(())
}
