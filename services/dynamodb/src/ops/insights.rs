//! Contributor insights: kept as they are set; nothing is counted.

use crate::errors::validation;
use crate::features::{INSIGHTS, Insights};
use crate::state::Definition;
use crate::{errors, tables, wire};
use virga_base::{AwsError, Timestamp};
use virga_service::Ctx;

/// Table and index, and what is set for them.
type Row = ((String, String), Insights);

const LISTED_MAX: usize = 100;
const MODE: &str = "ACCESSED_AND_THROTTLED_KEYS";

fn check_index(table: &Definition, index: &str) -> Result<(), AwsError> {
    if index.is_empty() || table.index(index).is_some_and(|index| index.global.is_some()) {
        return Ok(());
    }
    Err(errors::no_resource())
}

pub async fn update(
    ctx: Ctx,
    input: wire::UpdateContributorInsightsInput,
) -> Result<wire::UpdateContributorInsightsOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let index = input.index_name.clone().unwrap_or_default();
    let enabled = input.contributor_insights_action.as_deref() == Some("ENABLE");
    let now = ctx.now();
    let insights = ctx
        .write(|tx| -> Result<Insights, AwsError> {
            let table = tables::find(tx, &name)?;
            check_index(&table, &index)?;
            let key = (name.as_str(), index.as_str());
            let before = tx.get(&INSIGHTS, key)?;
            if !enabled && !before.as_ref().is_some_and(|before| before.enabled) {
                return Err(validation("Contributor Insights is already disabled"));
            }
            let insights = Insights {
                enabled,
                mode: input
                    .contributor_insights_mode
                    .clone()
                    .or(before.and_then(|before| before.mode)),
                changed: now,
            };
            tx.put(&INSIGHTS, key, &insights)?;
            Ok(insights)
        })
        .await?;
    Ok(wire::UpdateContributorInsightsOutput {
        table_name: Some(name),
        index_name: input.index_name,
        contributor_insights_status: Some(if enabled { "ENABLING" } else { "DISABLING" }.to_owned()),
        contributor_insights_mode: insights.mode,
    })
}

pub async fn describe(
    ctx: Ctx,
    input: wire::DescribeContributorInsightsInput,
) -> Result<wire::DescribeContributorInsightsOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let index = input.index_name.clone().unwrap_or_default();
    let (created, found) = ctx.read(|tx| -> Result<(Timestamp, Option<Insights>), AwsError> {
        let table = tables::find(tx, &name)?;
        check_index(&table, &index)?;
        Ok((table.created, tx.get(&INSIGHTS, (name.as_str(), index.as_str()))?))
    })?;
    // What was set for an earlier table of the same name is not this one's.
    let found = found.filter(|found| found.changed >= created);
    let enabled = found.as_ref().is_some_and(|found| found.enabled);
    let rules = |name: &str| {
        let kinds = ["PKC", "SKC", "PKT", "SKT"];
        let id = created.as_millis();
        kinds
            .map(|kind| format!("DynamoDBContributorInsights-{kind}-{name}-{id}"))
            .to_vec()
    };
    Ok(wire::DescribeContributorInsightsOutput {
        contributor_insights_rule_list: enabled.then(|| rules(&name)),
        contributor_insights_status: Some(if enabled { "ENABLED" } else { "DISABLED" }.to_owned()),
        last_update_date_time: found.as_ref().map(|found| found.changed),
        failure_exception: None,
        contributor_insights_mode: found
            .filter(|found| found.enabled)
            .map(|found| found.mode.unwrap_or_else(|| MODE.to_owned())),
        table_name: Some(name),
        index_name: input.index_name,
    })
}

pub async fn list(
    ctx: Ctx,
    input: wire::ListContributorInsightsInput,
) -> Result<wire::ListContributorInsightsOutput, AwsError> {
    let table = match input.table_name.as_deref() {
        Some(given) => Some(tables::name(&ctx, Some(given))?),
        None => None,
    };
    let limit = input
        .max_results
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0)
        .unwrap_or(LISTED_MAX);
    let mut rows = ctx.read(|tx| -> Result<Vec<Row>, AwsError> {
        let scan = tx.scan(&INSIGHTS);
        let scan = match &table {
            Some(table) => scan.prefix((table.as_str(),)),
            None => scan,
        };
        let scan = match input.next_token.as_deref().and_then(|token| token.split_once('/')) {
            Some((table, index)) => scan.after((table, index)),
            None => scan,
        };
        Ok(scan.limit(limit + 1).rows()?)
    })?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_token = rows
        .last()
        .filter(|_| more)
        .map(|((table, index), _)| format!("{table}/{index}"));
    let summaries = rows
        .into_iter()
        .map(|((table, index), row)| wire::ContributorInsightsSummary {
            table_name: Some(table),
            index_name: (!index.is_empty()).then_some(index),
            contributor_insights_status: Some(if row.enabled { "ENABLED" } else { "DISABLED" }.to_owned()),
            contributor_insights_mode: row.mode,
        });
    Ok(wire::ListContributorInsightsOutput {
        contributor_insights_summaries: Some(summaries.collect()),
        next_token,
    })
}
