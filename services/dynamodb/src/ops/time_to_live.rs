//! UpdateTimeToLive, DescribeTimeToLive.

use crate::errors::validation;
use crate::expire::{FORGET, LEARN};
use crate::state::{DEFINITIONS, Definition};
use crate::{tables, wire};
use virga_base::AwsError;
use virga_service::Ctx;

/// How long after a change another one is refused.
const CHANGE_WAIT_S: i64 = 3600;

pub async fn update(ctx: Ctx, input: wire::UpdateTimeToLiveInput) -> Result<wire::UpdateTimeToLiveOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let given = input.time_to_live_specification.unwrap_or_default();
    let attribute = given.attribute_name.clone().unwrap_or_default();
    let enabled = given.enabled == Some(true);
    let now = ctx.now();
    ctx.write(|tx| -> Result<(), AwsError> {
        let mut table = tables::find(tx, &name)?;
        let current = table.extras.expires_by().map(str::to_owned);
        match (&current, enabled) {
            (None, false) => return Err(validation("TimeToLive is already disabled")),
            (Some(current), _) if *current != attribute => {
                return Err(validation(format!(
                    "TimeToLive is active on a different AttributeName: current AttributeName is {current}"
                )));
            }
            (Some(_), true) => return Err(validation("TimeToLive is already enabled")),
            _ => {}
        }
        let last = table.extras.expiry.as_ref().map(|expiry| expiry.changed);
        if last.is_some_and(|last| now < last.plus_secs(CHANGE_WAIT_S)) {
            return Err(validation(
                "Time to live has been modified multiple times within a fixed interval",
            ));
        }
        table.extras.settle(&ctx);
        table.extras.set_expiry(enabled.then(|| attribute.clone()), now);
        let kind = if enabled { LEARN } else { FORGET };
        tx.schedule(now, &table.extras.due_row(kind, &(&name, table.data)))?;
        tx.put(&DEFINITIONS, (&name,), &table)?;
        Ok(())
    })
    .await?;
    Ok(wire::UpdateTimeToLiveOutput {
        time_to_live_specification: Some(wire::TimeToLiveSpecification {
            enabled: Some(enabled),
            attribute_name: Some(attribute),
        }),
    })
}

pub async fn describe(
    ctx: Ctx,
    input: wire::DescribeTimeToLiveInput,
) -> Result<wire::DescribeTimeToLiveOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let table = ctx.read(|tx| tables::find(tx, &name))?;
    Ok(wire::DescribeTimeToLiveOutput {
        time_to_live_description: Some(description(&table)),
    })
}

pub fn description(table: &Definition) -> wire::TimeToLiveDescription {
    let attribute = table.extras.expires_by();
    wire::TimeToLiveDescription {
        time_to_live_status: Some(if attribute.is_some() { "ENABLED" } else { "DISABLED" }.to_owned()),
        attribute_name: attribute.map(str::to_owned),
    }
}
