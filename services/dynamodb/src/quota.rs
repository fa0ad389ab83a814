//! How much capacity a table and all tables of an account may be given.

use crate::limits::{ACCOUNT_UNITS_MAX, TABLE_UNITS_MAX};
use crate::schema::Global;
use crate::state::{DEFINITIONS, Definition};
use crate::throttle::Way;
use virga_base::AwsError;
use virga_service::{Ctx, ReadTx};

fn globals(table: &Definition) -> impl Iterator<Item = &Global> {
    table.indexes.iter().filter_map(|index| index.global.as_ref())
}

/// Units of a table, then of each of its global indexes.
type OfEach = fn(&Definition, Way) -> Vec<i64>;

/// Units that are provisioned for a table, then for each of its global indexes.
fn provisioned(table: &Definition, way: Way) -> Vec<i64> {
    let own = std::iter::once(&table.billing.provisioned);
    let all = own.chain(globals(table).map(|global| &global.provisioned));
    all.map(|units| match way {
        Way::Read => units.read_units,
        Way::Write => units.write_units,
    })
    .collect()
}

/// To how many units a table on demand is bound, then each of its global indexes.
fn bounds(table: &Definition, way: Way) -> Vec<i64> {
    let all = std::iter::once(table.on_demand).chain(globals(table).map(|global| global.on_demand));
    all.map(|bound| {
        let units = bound.and_then(|bound| match way {
            Way::Read => bound.read_units,
            Way::Write => bound.write_units,
        });
        units.unwrap_or(0)
    })
    .collect()
}

fn sum(table: &Definition, way: Way) -> i64 {
    provisioned(table, way).into_iter().fold(0, i64::saturating_add)
}

/// Fails where `table` asks for more than there may be. What it has had `before`, it may keep.
pub fn check(tx: &ReadTx<'_>, ctx: &Ctx, before: Option<&Definition>, table: &Definition) -> Result<(), AwsError> {
    for way in [Way::Read, Way::Write] {
        let each: [(OfEach, &str, &str); 2] = [
            (provisioned, "", "CapacityUnits for ProvisionedThroughput"),
            (bounds, "Max", "RequestUnits for OnDemandThroughput"),
        ];
        for (units, max, what) in each {
            let most_before = before.and_then(|before| units(before, way).into_iter().max());
            let most = most_before.unwrap_or(0).max(TABLE_UNITS_MAX);
            if let Some(at) = units(table, way).iter().position(|units| *units > most) {
                let of = if at == 0 { "table" } else { "index" };
                return Err(exceeded(ctx, &format!("{max}{way:?}{what} for {of}"), "Table", way));
            }
        }
        let wanted = sum(table, way);
        if wanted <= before.map_or(0, |before| sum(before, way)) {
            continue;
        }
        let all = tx.scan(&DEFINITIONS).rows()?;
        let others = all.iter().filter(|(_, other)| other.name != table.name);
        let together = others.fold(wanted, |units, (_, other)| units.saturating_add(sum(other, way)));
        if together > ACCOUNT_UNITS_MAX {
            let what = format!("{way:?}CapacityUnits for ProvisionedThroughput for table");
            return Err(exceeded(ctx, &what, "Account", way));
        }
    }
    Ok(())
}

fn exceeded(ctx: &Ctx, what: &str, whose: &str, way: Way) -> AwsError {
    let region = ctx.region().as_str();
    AwsError::new(
        "LimitExceededException",
        format!(
            "Subscriber limit exceeded: Requested {what} exceeds {whose}Max{way:?}CapacityUnits of the account in region \
             {region}"
        ),
    )
}
