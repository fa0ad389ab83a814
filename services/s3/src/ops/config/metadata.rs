//! S3 Metadata: tables of a bucket's objects, whose configuration is kept. No table is made.

use crate::access::{self, Open};
use crate::config::{self, METADATA, METADATA_TABLE, wanted};
use crate::wire::{
    CreateBucketMetadataConfigurationRequest, CreateBucketMetadataTableConfigurationRequest,
    DeleteBucketMetadataConfigurationRequest, DeleteBucketMetadataTableConfigurationRequest, DestinationResult,
    GetBucketMetadataConfigurationOutput, GetBucketMetadataConfigurationRequest, GetBucketMetadataConfigurationResult,
    GetBucketMetadataTableConfigurationOutput, GetBucketMetadataTableConfigurationRequest,
    GetBucketMetadataTableConfigurationResult, InventoryTableConfigurationResult, JournalTableConfigurationResult,
    MetadataConfiguration, MetadataConfigurationResult, MetadataTableConfiguration, MetadataTableConfigurationResult,
    RecordExpiration, S3TablesDestinationResult, UpdateBucketMetadataInventoryTableConfigurationRequest,
    UpdateBucketMetadataJournalTableConfigurationRequest,
};
use crate::{errors, wire};
use virga_base::AwsError;
use virga_service::{Ctx, Service};
use virga_shape::Unit;

pub fn register(service: Service) -> Service {
    service
        .stored(wire::CREATE_BUCKET_METADATA_CONFIGURATION, create)
        .stored(wire::GET_BUCKET_METADATA_CONFIGURATION, get)
        .stored(wire::DELETE_BUCKET_METADATA_CONFIGURATION, delete)
        .stored(
            wire::UPDATE_BUCKET_METADATA_INVENTORY_TABLE_CONFIGURATION,
            update_inventory,
        )
        .stored(wire::UPDATE_BUCKET_METADATA_JOURNAL_TABLE_CONFIGURATION, update_journal)
        .stored(wire::CREATE_BUCKET_METADATA_TABLE_CONFIGURATION, create_table)
        .stored(wire::GET_BUCKET_METADATA_TABLE_CONFIGURATION, get_table)
        .stored(wire::DELETE_BUCKET_METADATA_TABLE_CONFIGURATION, delete_table)
}

fn not_found() -> AwsError {
    AwsError::new(
        "MetadataConfigurationNotFound",
        "The metadata configuration does not exist",
    )
    .with_status(404)
}

fn there_already() -> AwsError {
    AwsError::new(
        "MetadataConfigurationAlreadyExists",
        "A metadata configuration already exists for this bucket",
    )
    .with_status(409)
}

fn check_expiration(expiration: Option<&RecordExpiration>) -> Result<(), AwsError> {
    let fits = expiration.is_some_and(|expiration| match (expiration.expiration.as_deref(), expiration.days) {
        (Some("ENABLED"), Some(days)) => days >= 7,
        (Some("DISABLED"), None) => true,
        _ => false,
    });
    if fits { Ok(()) } else { Err(errors::malformed_xml()) }
}

fn check_state(state: Option<&str>) -> Result<(), AwsError> {
    match state {
        Some("ENABLED" | "DISABLED") => Ok(()),
        _ => Err(errors::malformed_xml()),
    }
}

async fn create(ctx: Ctx, input: CreateBucketMetadataConfigurationRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "CreateBucketMetadataTableConfiguration")).await?;
    let configuration = input.metadata_configuration.unwrap_or_default();
    let journal = configuration.journal_table_configuration.as_ref();
    check_expiration(journal.and_then(|journal| journal.record_expiration.as_ref()))?;
    if let Some(inventory) = &configuration.inventory_table_configuration {
        check_state(inventory.configuration_state.as_deref())?;
    }
    if stored::<MetadataConfiguration>(&open, METADATA)?.is_some() {
        return Err(there_already());
    }
    config::put(&open, METADATA, "", configuration).await?;
    Ok(Unit)
}

fn stored<T: virga_shape::Typed>(open: &Open, kind: config::Kind) -> Result<Option<T>, AwsError> {
    open.home.read(|tx| config::get(tx, &open.bucket, kind))
}

async fn get(
    ctx: Ctx,
    input: GetBucketMetadataConfigurationRequest,
) -> Result<GetBucketMetadataConfigurationOutput, AwsError> {
    let open = access::open(&ctx, wanted!(input, "GetBucketMetadataTableConfiguration")).await?;
    let kept = stored::<MetadataConfiguration>(&open, METADATA)?.ok_or_else(not_found)?;
    let (region, account) = (&open.bucket.region, open.bucket.owner);
    let partition = open.bucket.region().partition();
    let tables = format!("arn:{partition}:s3tables:{region}:{account}:bucket/aws-s3");
    let table = |name: &str| (Some(name.to_owned()), Some(format!("{tables}/table/{name}")));
    let journal = kept.journal_table_configuration.map(|journal| {
        let (table_name, table_arn) = table("journal");
        JournalTableConfigurationResult {
            table_status: Some("ACTIVE".to_owned()),
            table_name,
            table_arn,
            record_expiration: journal.record_expiration,
            ..JournalTableConfigurationResult::default()
        }
    });
    let inventory = kept.inventory_table_configuration.map(|inventory| {
        let enabled = inventory.configuration_state.as_deref() == Some("ENABLED");
        let (table_name, table_arn) = if enabled { table("inventory") } else { (None, None) };
        InventoryTableConfigurationResult {
            configuration_state: inventory.configuration_state,
            table_status: enabled.then(|| "ACTIVE".to_owned()),
            table_name,
            table_arn,
            ..InventoryTableConfigurationResult::default()
        }
    });
    let result = MetadataConfigurationResult {
        destination_result: Some(DestinationResult {
            table_bucket_type: Some("aws".to_owned()),
            table_bucket_arn: Some(tables.clone()),
            table_namespace: Some(format!("b_{}", open.bucket.name)),
        }),
        journal_table_configuration_result: journal,
        inventory_table_configuration_result: inventory,
    };
    Ok(GetBucketMetadataConfigurationOutput {
        get_bucket_metadata_configuration_result: Some(GetBucketMetadataConfigurationResult {
            metadata_configuration_result: Some(result),
        }),
    })
}

async fn delete(ctx: Ctx, input: DeleteBucketMetadataConfigurationRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "DeleteBucketMetadataTableConfiguration")).await?;
    config::delete(&open, METADATA, "").await?;
    Ok(Unit)
}

async fn update_inventory(
    ctx: Ctx,
    input: UpdateBucketMetadataInventoryTableConfigurationRequest,
) -> Result<Unit, AwsError> {
    let wanted = wanted!(input, "UpdateBucketMetadataInventoryTableConfiguration");
    let open = access::open(&ctx, wanted).await?;
    let updates = input.inventory_table_configuration.unwrap_or_default();
    check_state(updates.configuration_state.as_deref())?;
    let mut kept = stored::<MetadataConfiguration>(&open, METADATA)?.ok_or_else(not_found)?;
    kept.inventory_table_configuration = Some(wire::InventoryTableConfiguration {
        configuration_state: updates.configuration_state,
        encryption_configuration: updates.encryption_configuration,
    });
    config::put(&open, METADATA, "", kept).await?;
    Ok(Unit)
}

async fn update_journal(
    ctx: Ctx,
    input: UpdateBucketMetadataJournalTableConfigurationRequest,
) -> Result<Unit, AwsError> {
    let wanted = wanted!(input, "UpdateBucketMetadataJournalTableConfiguration");
    let open = access::open(&ctx, wanted).await?;
    let updates = input.journal_table_configuration.unwrap_or_default();
    check_expiration(updates.record_expiration.as_ref())?;
    let mut kept = stored::<MetadataConfiguration>(&open, METADATA)?.ok_or_else(not_found)?;
    let mut journal = kept.journal_table_configuration.unwrap_or_default();
    journal.record_expiration = updates.record_expiration;
    kept.journal_table_configuration = Some(journal);
    config::put(&open, METADATA, "", kept).await?;
    Ok(Unit)
}

async fn create_table(ctx: Ctx, input: CreateBucketMetadataTableConfigurationRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "CreateBucketMetadataTableConfiguration")).await?;
    let configuration = input.metadata_table_configuration.unwrap_or_default();
    let destination = configuration.s3_tables_destination.as_ref();
    let complete = destination.is_some_and(|to| to.table_bucket_arn.is_some() && to.table_name.is_some());
    if !complete {
        return Err(errors::malformed_xml());
    }
    if stored::<MetadataTableConfiguration>(&open, METADATA_TABLE)?.is_some() {
        return Err(there_already());
    }
    config::put(&open, METADATA_TABLE, "", configuration).await?;
    Ok(Unit)
}

async fn get_table(
    ctx: Ctx,
    input: GetBucketMetadataTableConfigurationRequest,
) -> Result<GetBucketMetadataTableConfigurationOutput, AwsError> {
    let open = access::open(&ctx, wanted!(input, "GetBucketMetadataTableConfiguration")).await?;
    let kept = stored::<MetadataTableConfiguration>(&open, METADATA_TABLE)?.ok_or_else(not_found)?;
    let destination = kept.s3_tables_destination.unwrap_or_default();
    let arn = destination.table_bucket_arn.as_deref().unwrap_or_default();
    let name = destination.table_name.as_deref().unwrap_or_default();
    let result = S3TablesDestinationResult {
        table_arn: Some(format!("{arn}/table/{name}")),
        table_namespace: Some("aws_s3_metadata".to_owned()),
        table_bucket_arn: destination.table_bucket_arn,
        table_name: destination.table_name,
    };
    Ok(GetBucketMetadataTableConfigurationOutput {
        get_bucket_metadata_table_configuration_result: Some(GetBucketMetadataTableConfigurationResult {
            metadata_table_configuration_result: Some(MetadataTableConfigurationResult {
                s3_tables_destination_result: Some(result),
            }),
            status: Some("ACTIVE".to_owned()),
            ..GetBucketMetadataTableConfigurationResult::default()
        }),
    })
}

async fn delete_table(ctx: Ctx, input: DeleteBucketMetadataTableConfigurationRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "DeleteBucketMetadataTableConfiguration")).await?;
    config::delete(&open, METADATA_TABLE, "").await?;
    Ok(Unit)
}
