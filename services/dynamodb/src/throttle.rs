//! Capacity that runs out, where the setting asks for it: what is provisioned comes back by the clock, and what is not used is
//! kept for some minutes.
//!
//! A call is let in while anything is left, and then pays all that it costs; so a large one may leave a debt behind.

use crate::describe;
use crate::features::{BUCKETS, Bucket, PARTITIONS};
use crate::schema::Index;
use crate::state::Definition;
use virga_base::{AwsError, Timestamp};
use virga_service::{Ctx, ReadTx, StoreError, Tx};

/// Name of the setting: whether capacity runs out.
pub const THROTTLE: &str = "throttle";
/// Name of the setting: for how many seconds unused capacity is kept.
pub const BURST: &str = "throttle_burst_s";
/// As AWS documents it.
pub const BURST_DEFAULT_S: &str = "300";

pub const MICRO: f64 = 1_000_000.0;
/// Micro-units that one unit a second brings in a millisecond.
pub const MICRO_PER_MS: i64 = 1_000;

/// What is asked of capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Read,
    Write,
}

/// What of a table is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Table,
    Index(&'a str),
}

/// When it is, and how long unused capacity is kept.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub now: Timestamp,
    burst_s: i64,
}

impl Pace {
    /// Nothing where capacity does not run out.
    pub fn of(ctx: &Ctx) -> Option<Pace> {
        ctx.setting(THROTTLE).filter(|text| *text == "true")?;
        let burst_s = ctx.setting(BURST).unwrap_or(BURST_DEFAULT_S);
        Some(Pace {
            now: ctx.now(),
            burst_s: burst_s.parse().unwrap_or(1).max(1),
        })
    }
}

/// What runs out of a table: its own capacity, or one of its global indexes'.
struct Meter<'t> {
    part: Part<'t>,
    data: u64,
    units_per_s: i64,
    /// Since when there is capacity.
    since: Timestamp,
}

/// All that has a bound. Tables on demand have one only where it was set.
fn meters(table: &Definition, way: Way) -> impl Iterator<Item = Meter<'_>> {
    let is_on_demand = table.billing.on_demand;
    let units = move |provisioned: &crate::state::Provisioned, bound: Option<crate::state::OnDemand>| {
        let units = match (is_on_demand, way) {
            (false, Way::Read) => Some(provisioned.read_units),
            (false, Way::Write) => Some(provisioned.write_units),
            (true, Way::Read) => bound.and_then(|bound| bound.read_units),
            (true, Way::Write) => bound.and_then(|bound| bound.write_units),
        };
        units.filter(|units| *units > 0)
    };
    let own = units(&table.billing.provisioned, table.on_demand).map(|units_per_s| Meter {
        part: Part::Table,
        data: table.data,
        units_per_s,
        since: table.created,
    });
    let of_index = move |index: &'_ Index| {
        let global = index.global.as_ref()?;
        let units_per_s = units(&global.provisioned, global.on_demand)?;
        Some((units_per_s, global.active_at))
    };
    let indexes = table.indexes.iter().filter_map(move |index| {
        let (units_per_s, since) = of_index(index)?;
        Some(Meter {
            part: Part::Index(&index.name),
            data: index.data,
            units_per_s,
            since,
        })
    });
    own.into_iter().chain(indexes)
}

impl Meter<'_> {
    /// What is left, in millionths of a unit; less than nothing where there is a debt.
    fn left_micro(&self, tx: &ReadTx<'_>, way: Way, pace: &Pace) -> Result<i64, StoreError> {
        let units_micro = self.units_per_s.saturating_mul(MICRO as i64);
        let kept = tx.get(&BUCKETS, (self.data, way == Way::Write))?.unwrap_or(Bucket {
            left_micro: units_micro,
            at: self.since,
        });
        let passed_ms = pace.now.as_millis().saturating_sub(kept.at.as_millis()).max(0);
        let back = passed_ms.saturating_mul(self.units_per_s.saturating_mul(MICRO_PER_MS));
        let most = units_micro.saturating_mul(pace.burst_s);
        Ok(kept.left_micro.saturating_add(back).min(most))
    }
}

/// What has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// What is provisioned.
    Provisioned,
    /// What a table on demand was bound to.
    MaxOnDemand,
    /// What one partition key bears.
    KeyRange,
}

/// Why a call is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    is_on_demand: bool,
    of_index: bool,
    limit: Limit,
    reason: String,
    resource: String,
}

impl Refusal {
    /// For one partition key.
    pub fn of_partition(ctx: &Ctx, table: &Definition, of: (Way, Part<'_>)) -> Refusal {
        Refusal::new(ctx, table, of, Limit::KeyRange)
    }

    fn of_meter(ctx: &Ctx, table: &Definition, of: (Way, Part<'_>)) -> Refusal {
        let limit = if table.billing.on_demand {
            Limit::MaxOnDemand
        } else {
            Limit::Provisioned
        };
        Refusal::new(ctx, table, of, limit)
    }

    fn new(ctx: &Ctx, table: &Definition, (way, part): (Way, Part<'_>), limit: Limit) -> Refusal {
        let arn = describe::table_arn(ctx, &table.name);
        let (kind, resource) = match part {
            Part::Table => ("Table", arn),
            Part::Index(name) => ("Index", format!("{arn}/index/{name}")),
        };
        let exceeded = match limit {
            Limit::Provisioned => "ProvisionedThroughputExceeded",
            Limit::MaxOnDemand => "MaxOnDemandThroughputExceeded",
            Limit::KeyRange => "KeyRangeThroughputExceeded",
        };
        Refusal {
            is_on_demand: table.billing.on_demand,
            of_index: part != Part::Table,
            limit,
            reason: format!("{kind}{way:?}{exceeded}"),
            resource,
        }
    }

    pub fn message(&self) -> &'static str {
        match (self.is_on_demand, self.of_index) {
            (true, _) if self.limit != Limit::KeyRange => {
                "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
            }
            (true, false) => {
                "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your \
                 table or index so please try again shortly. If exceptions persist, check if you have a hot key: \
                 https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
            }
            (true, true) => {
                "Throughput exceeds the current capacity for one or more global secondary indexes. DynamoDB is \
                 automatically scaling your index so please try again shortly."
            }
            (false, false) => {
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
                 provisioning level with the UpdateTable API."
            }
            (false, true) => {
                "The level of configured provisioned throughput for one or more global secondary indexes of the table \
                 was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary \
                 indexes with the UpdateTable API"
            }
        }
    }

    /// Within a transaction or a batch of statements.
    pub fn code(&self) -> &'static str {
        if self.is_on_demand {
            "ThrottlingError"
        } else {
            "ProvisionedThroughputExceeded"
        }
    }

    pub fn error(&self) -> AwsError {
        let (code, member) = if self.is_on_demand {
            ("ThrottlingException", "throttlingReasons")
        } else {
            ("ProvisionedThroughputExceededException", "ThrottlingReasons")
        };
        let reasons = serde_json::json!([{ "reason": self.reason, "resource": self.resource }]);
        AwsError::new(code, self.message()).with_detail(member, reasons)
    }
}

/// Why a call is refused, if it is. A write needs something left of the table and of each of its global indexes.
pub fn refusal(
    tx: &ReadTx<'_>,
    ctx: &Ctx,
    table: &Definition,
    (way, part): (Way, Part<'_>),
    pace: &Pace,
) -> Result<Option<Refusal>, StoreError> {
    for meter in meters(table, way) {
        let is_asked = way == Way::Write || meter.part == part;
        if is_asked && meter.left_micro(tx, way, pace)? <= 0 {
            return Ok(Some(Refusal::of_meter(ctx, table, (way, meter.part))));
        }
    }
    Ok(None)
}

/// How many calls of at least `least_units` are let in one after another; nothing where there is no bound.
pub fn room(
    tx: &ReadTx<'_>,
    table: &Definition,
    (way, least_units): (Way, f64),
    pace: &Pace,
) -> Result<Option<usize>, StoreError> {
    let mut room: Option<usize> = None;
    for meter in meters(table, way) {
        if way == Way::Read && meter.part != Part::Table {
            continue;
        }
        let left = meter.left_micro(tx, way, pace)?.max(0) as f64 / MICRO;
        let calls = (left / least_units).ceil() as usize;
        room = Some(room.map_or(calls, |room| room.min(calls)));
    }
    Ok(room)
}

/// Takes what a call has cost.
pub fn pay(
    tx: &mut Tx<'_>,
    table: &Definition,
    way: Way,
    cost: &[(Part<'_>, f64)],
    pace: &Pace,
) -> Result<(), StoreError> {
    for meter in meters(table, way) {
        let units: f64 = cost
            .iter()
            .filter(|(part, _)| *part == meter.part)
            .map(|(_, units)| units)
            .sum();
        if units > 0.0 {
            let left_micro = meter.left_micro(&tx.reading(), way, pace)?;
            let bucket = Bucket {
                left_micro: left_micro.saturating_sub((units * MICRO) as i64),
                at: pace.now,
            };
            tx.put(&BUCKETS, (meter.data, way == Way::Write), &bucket)?;
        }
    }
    Ok(())
}

/// Forgets what is left of a table or an index that goes, by its data id.
pub fn forget(tx: &mut Tx<'_>, data: u64) -> Result<(), StoreError> {
    tx.delete_all(&BUCKETS, (data,))?;
    tx.delete_all(&PARTITIONS, (data,))?;
    Ok(())
}
