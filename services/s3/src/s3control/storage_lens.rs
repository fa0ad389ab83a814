//! Configurations of Storage Lens: kept and told. No metrics are made of them.

use super::wire::{
    DeleteStorageLensConfigurationRequest, DeleteStorageLensConfigurationTaggingRequest,
    DeleteStorageLensConfigurationTaggingResult, GetStorageLensConfigurationRequest, GetStorageLensConfigurationResult,
    GetStorageLensConfigurationTaggingRequest, GetStorageLensConfigurationTaggingResult,
    ListStorageLensConfigurationEntry, ListStorageLensConfigurationsRequest, ListStorageLensConfigurationsResult,
    MODEL, PutStorageLensConfigurationRequest, PutStorageLensConfigurationTaggingRequest,
    PutStorageLensConfigurationTaggingResult, StorageLensConfiguration, StorageLensTag, Tag,
};
use super::{check_account, page, tags};
use crate::state::{STORAGE_LENS, StorageLens};
use crate::{configuration, errors};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

const ID_MAX: usize = 64;
const PAGE_MAX: usize = 100;
const TAGS_MAX: usize = 50;

pub async fn put(ctx: Ctx, input: PutStorageLensConfigurationRequest) -> Result<Unit, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let id = input.config_id.unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if id.is_empty() || id.len() > ID_MAX || !id.bytes().all(plain) {
        return Err(AwsError::new("InvalidConfigId", "The configuration ID is not valid."));
    }
    let mut configuration = input.storage_lens_configuration.ok_or_else(errors::malformed_xml)?;
    if configuration.is_enabled.is_none() || configuration.account_level.is_none() {
        return Err(errors::malformed_xml());
    }
    if configuration.include.is_some() && configuration.exclude.is_some() {
        return Err(AwsError::new(
            "InvalidIncludeExcludeContainers",
            "You can specify either an Include container or an Exclude container in a configuration. You cannot specify \
             both in a configuration.",
        ));
    }
    configuration.storage_lens_arn = Some(arn(&ctx, &id));
    let bytes = configuration::write_of(MODEL, configuration)
        .ok_or_else(|| AwsError::internal("a configuration cannot be written"))?;
    let given = input.tags.map(read_tags).transpose()?;
    ctx.write(|tx| {
        let known = tx.get(&STORAGE_LENS, (id.as_str(),))?;
        let tags = given.clone().or(known.map(|known| known.tags)).unwrap_or_default();
        let configuration = bytes.clone();
        Ok::<(), AwsError>(tx.put(&STORAGE_LENS, (id.as_str(),), &StorageLens { configuration, tags })?)
    })
    .await?;
    Ok(Unit)
}

pub async fn get(
    ctx: Ctx,
    input: GetStorageLensConfigurationRequest,
) -> Result<GetStorageLensConfigurationResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let lens = find(&ctx, input.config_id.as_deref())?;
    Ok(GetStorageLensConfigurationResult {
        storage_lens_configuration: Some(read(&lens.configuration)?),
    })
}

pub async fn delete(ctx: Ctx, input: DeleteStorageLensConfigurationRequest) -> Result<Unit, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let id = input.config_id.unwrap_or_default();
    ctx.write(|tx| {
        if tx.get(&STORAGE_LENS, (id.as_str(),))?.is_none() {
            return Err(no_such_configuration());
        }
        Ok(tx.delete(&STORAGE_LENS, (id.as_str(),))?)
    })
    .await?;
    Ok(Unit)
}

pub async fn list(
    ctx: Ctx,
    input: ListStorageLensConfigurationsRequest,
) -> Result<ListStorageLensConfigurationsResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let after = page::read_token(input.next_token.as_deref())?;
    let mut found = ctx.read(|tx| -> Result<_, AwsError> {
        let scan = tx.scan(&STORAGE_LENS).after((after.as_str(),));
        Ok(scan.limit(PAGE_MAX + 1).rows()?)
    })?;
    let next_token = page::cut(&mut found, PAGE_MAX, |((id,), _)| id);
    let list = found.into_iter().map(|((id,), lens)| {
        Ok(ListStorageLensConfigurationEntry {
            storage_lens_arn: Some(arn(&ctx, &id)),
            id: Some(id),
            home_region: Some(ctx.region().to_string()),
            is_enabled: read(&lens.configuration)?.is_enabled,
        })
    });
    Ok(ListStorageLensConfigurationsResult {
        storage_lens_configuration_list: Some(list.collect::<Result<_, AwsError>>()?),
        next_token,
    })
}

pub async fn get_tags(
    ctx: Ctx,
    input: GetStorageLensConfigurationTaggingRequest,
) -> Result<GetStorageLensConfigurationTaggingResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let lens = find(&ctx, input.config_id.as_deref())?;
    let tags = lens.tags.into_iter().map(|(key, value)| StorageLensTag {
        key: Some(key),
        value: Some(value),
    });
    Ok(GetStorageLensConfigurationTaggingResult {
        tags: Some(tags.collect()),
    })
}

pub async fn put_tags(
    ctx: Ctx,
    input: PutStorageLensConfigurationTaggingRequest,
) -> Result<PutStorageLensConfigurationTaggingResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let tags = read_tags(input.tags.unwrap_or_default())?;
    keep_tags(&ctx, input.config_id.as_deref(), &tags).await?;
    Ok(PutStorageLensConfigurationTaggingResult {})
}

pub async fn delete_tags(
    ctx: Ctx,
    input: DeleteStorageLensConfigurationTaggingRequest,
) -> Result<DeleteStorageLensConfigurationTaggingResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    keep_tags(&ctx, input.config_id.as_deref(), &[]).await?;
    Ok(DeleteStorageLensConfigurationTaggingResult {})
}

async fn keep_tags(ctx: &Ctx, id: Option<&str>, tags: &[(String, String)]) -> Result<(), AwsError> {
    let id = id.unwrap_or_default();
    ctx.write(|tx| {
        let found = tx.get(&STORAGE_LENS, (id,))?;
        let mut lens = found.ok_or_else(no_such_configuration)?;
        lens.tags = tags.to_vec();
        Ok(tx.put(&STORAGE_LENS, (id,), &lens)?)
    })
    .await
}

fn read_tags(given: Vec<StorageLensTag>) -> Result<Vec<(String, String)>, AwsError> {
    if given.len() > TAGS_MAX {
        return Err(errors::invalid_request("A configuration has 50 tags at most"));
    }
    let plain = given
        .into_iter()
        .map(|StorageLensTag { key, value }| Tag { key, value });
    tags::read(plain.collect())
}

fn find(ctx: &Ctx, id: Option<&str>) -> Result<StorageLens, AwsError> {
    let found = ctx.read(|tx| Ok::<_, AwsError>(tx.get(&STORAGE_LENS, (id.unwrap_or_default(),))?))?;
    found.ok_or_else(no_such_configuration)
}

fn no_such_configuration() -> AwsError {
    AwsError::new("NoSuchConfiguration", "The specified configuration does not exist.").with_status(404)
}

fn arn(ctx: &Ctx, id: &str) -> String {
    ctx.arn(&format!("storage-lens/{id}"))
        .to_string()
        .replacen(":s3control:", ":s3:", 1)
}

fn read(bytes: &[u8]) -> Result<StorageLensConfiguration, AwsError> {
    configuration::read_of(MODEL, bytes).ok_or_else(|| AwsError::internal("a configuration cannot be read"))
}
