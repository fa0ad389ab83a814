//! TagResource, UntagResource, ListTagsOfResource.

use crate::errors::{parameter, validation};
use crate::state::{TAGS, Tags};
use crate::tables::Rows;
use crate::wire;
use virga_base::{Arn, AwsError};
use virga_service::Ctx;
use virga_shape::Unit;

const TAGS_MAX: usize = 50;
const KEY_MAX: usize = 128;
const VALUE_MAX: usize = 256;

/// The name of the table that an ARN leads to, a stream's being its table's.
fn table_name(ctx: &Ctx, given: Option<&str>) -> Result<String, AwsError> {
    let text = given.unwrap_or_default();
    if !text.starts_with("arn:") {
        return Err(parameter(format!("ARNs must start with 'arn:': {text}")));
    }
    let bad = || {
        validation(format!(
            "Invalid TableArn: Invalid ResourceArn provided as input {text}"
        ))
    };
    let arn = Arn::parse(text).map_err(|_| bad())?;
    let mut parts = arn.resource.split('/');
    let (Some("table"), Some(name), None | Some("stream")) = (parts.next(), parts.next(), parts.next()) else {
        return Err(bad());
    };
    if arn.account != ctx.account().to_string() || arn.region != ctx.region().as_str() {
        return Err(AwsError::new(
            "AccessDeniedException",
            format!("User is not authorized to perform this operation on resource: {text}"),
        ));
    }
    Ok(name.to_owned())
}

fn no_resource(arn: &str) -> AwsError {
    // The misspelling is AWS's.
    AwsError::new(
        "ResourceNotFoundException",
        format!("Requested resource not found: ResourcArn: {arn} not found"),
    )
}

/// Letters, digits, blanks and a few signs, as AWS allows them.
fn is_good(text: &str) -> bool {
    text.chars()
        .all(|one| one.is_alphanumeric() || one.is_whitespace() || "+-=._:/@".contains(one))
}

fn check(key: &str, value: &str) -> Result<(), AwsError> {
    if key.is_empty() || key.chars().count() > KEY_MAX {
        return Err(parameter(format!(
            "TagKey must have length between 1 and {KEY_MAX}: '{key}'"
        )));
    }
    if value.chars().count() > VALUE_MAX {
        return Err(parameter(format!("TagValue must not be longer than {VALUE_MAX}")));
    }
    if !is_good(key) || !is_good(value) {
        return Err(parameter(
            "Tag keys and values can only contain letters, whitespace, numbers and the characters + - = . _ : / @",
        ));
    }
    if key.starts_with("aws:") {
        return Err(parameter(format!("Tag keys must not begin with aws: '{key}'")));
    }
    Ok(())
}

/// Tags as they were given, checked.
pub fn read(tags: Vec<wire::Tag>) -> Result<Vec<(String, String)>, AwsError> {
    let mut given: Vec<(String, String)> = Vec::new();
    for tag in tags {
        let (key, value) = (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        check(&key, &value)?;
        if given.iter().any(|(other, _)| *other == key) {
            return Err(parameter(format!("Duplicate tag keys found: {key}")));
        }
        given.push((key, value));
    }
    check_count(given.len())?;
    Ok(given)
}

fn check_count(count: usize) -> Result<(), AwsError> {
    if count > TAGS_MAX {
        return Err(validation(
            "The number of tags exceeds the limit: Too many tags for the resource",
        ));
    }
    Ok(())
}

pub async fn add(ctx: Ctx, input: wire::TagResourceInput) -> Result<Unit, AwsError> {
    let arn = input.resource_arn.unwrap_or_default();
    let name = table_name(&ctx, Some(&arn))?;
    let given = read(input.tags.unwrap_or_default())?;
    if given.is_empty() {
        return Err(validation("Atleast one Tag needs to be provided as Input."));
    }
    ctx.write(|tx| -> Result<(), AwsError> {
        let table = tx.definition(&name)?.ok_or_else(|| no_resource(&arn))?;
        let mut tags = tx.get(&TAGS, (table.data,))?.unwrap_or_default();
        tags.0.extend(given.iter().cloned());
        check_count(tags.0.len())?;
        tx.put(&TAGS, (table.data,), &tags)?;
        Ok(())
    })
    .await?;
    Ok(Unit)
}

pub async fn remove(ctx: Ctx, input: wire::UntagResourceInput) -> Result<Unit, AwsError> {
    let arn = input.resource_arn.unwrap_or_default();
    let name = table_name(&ctx, Some(&arn))?;
    let keys = input.tag_keys.unwrap_or_default();
    if keys.is_empty() {
        return Err(validation("Atleast one Tag Key needs to be provided as Input."));
    }
    ctx.write(|tx| -> Result<(), AwsError> {
        let table = tx.definition(&name)?.ok_or_else(|| no_resource(&arn))?;
        let mut tags = tx.get(&TAGS, (table.data,))?.unwrap_or_default();
        tags.0.retain(|key, _| !keys.contains(key));
        tx.put(&TAGS, (table.data,), &tags)?;
        Ok(())
    })
    .await?;
    Ok(Unit)
}

pub async fn list(ctx: Ctx, input: wire::ListTagsOfResourceInput) -> Result<wire::ListTagsOfResourceOutput, AwsError> {
    let arn = input.resource_arn.unwrap_or_default();
    let name = table_name(&ctx, Some(&arn))?;
    let tags = ctx.read(|tx| -> Result<Tags, AwsError> {
        let table = tx.definition(&name)?.ok_or_else(|| no_resource(&arn))?;
        Ok(tx.get(&TAGS, (table.data,))?.unwrap_or_default())
    })?;
    let tags = tags.0.into_iter().map(|(key, value)| wire::Tag {
        key: Some(key),
        value: Some(value),
    });
    Ok(wire::ListTagsOfResourceOutput {
        tags: Some(tags.collect()),
        next_token: None,
    })
}
