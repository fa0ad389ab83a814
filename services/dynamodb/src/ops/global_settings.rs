//! DescribeGlobalTableSettings, UpdateGlobalTableSettings: capacity of global tables of version 2017.11.29, region by region.

use super::global_table::{find, place};
use super::scaling::{described, settings};
use crate::errors::parameter;
use crate::features::{SCALING, Scaling};
use crate::quota;
use crate::state::{Billing, DEFINITIONS, Definition, Provisioned};
use crate::tables::Rows;
use crate::value::{Input, Output};
use serde_json::{Map, Value as Json, json};
use virga_base::{AwsError, Region, Timestamp};
use virga_service::{Ctx, Tx, Value};

/// What of one index is to be changed: units, and auto scaling as JSON.
struct IndexChange {
    name: String,
    units: Option<i64>,
    scaling: Option<String>,
}

/// What is to be changed in one region.
struct RegionChange {
    region: String,
    units: Option<i64>,
    scaling: Option<String>,
    class: Option<String>,
    indexes: Vec<IndexChange>,
}

/// What is to be changed: billing and writes everywhere, reads region by region.
struct Wanted {
    on_demand: Option<bool>,
    units: Option<i64>,
    scaling: Option<String>,
    indexes: Vec<IndexChange>,
    regions: Vec<RegionChange>,
}

fn read_index(mut input: Input, way: &str) -> IndexChange {
    IndexChange {
        name: input.take_text("IndexName").unwrap_or_default(),
        units: input.integer(&format!("Provisioned{way}CapacityUnits")),
        scaling: settings(
            &mut input,
            &format!("Provisioned{way}CapacityAutoScalingSettingsUpdate"),
        ),
    }
}

fn read_region(mut input: Input) -> RegionChange {
    let indexes = input.inputs("ReplicaGlobalSecondaryIndexSettingsUpdate");
    RegionChange {
        region: input.take_text("RegionName").unwrap_or_default(),
        units: input.integer("ReplicaProvisionedReadCapacityUnits"),
        scaling: settings(&mut input, "ReplicaProvisionedReadCapacityAutoScalingSettingsUpdate"),
        class: input.take_text("ReplicaTableClass"),
        indexes: indexes.into_iter().map(|index| read_index(index, "Read")).collect(),
    }
}

impl Wanted {
    fn read(input: &mut Input) -> Wanted {
        let indexes = input.inputs("GlobalTableGlobalSecondaryIndexSettingsUpdate");
        let regions = input.inputs("ReplicaSettingsUpdate");
        Wanted {
            on_demand: input
                .text("GlobalTableBillingMode")
                .map(|mode| mode == "PAY_PER_REQUEST"),
            units: input.integer("GlobalTableProvisionedWriteCapacityUnits"),
            scaling: settings(input, "GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate"),
            indexes: indexes.into_iter().map(|index| read_index(index, "Write")).collect(),
            regions: regions.into_iter().map(read_region).collect(),
        }
    }

    /// Changes one region's table.
    fn apply(&self, tx: &mut Tx<'_>, region: &str, table: &mut Definition, now: Timestamp) -> Result<(), AwsError> {
        let own = self.regions.iter().find(|change| change.region == region);
        let mut scaling = tx.get(&SCALING, (table.data,))?.unwrap_or_default();
        self.set_mode(table, now);
        let reads = own.and_then(|own| own.units);
        set_units(&mut table.billing.provisioned, reads, self.units, now);
        let (is_on_demand, units) = (table.billing.on_demand, &table.billing.provisioned);
        if !is_on_demand && (units.read_units == 0 || units.write_units == 0) {
            return Err(parameter(
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
            ));
        }
        if is_on_demand && (reads.is_some() || self.units.is_some()) {
            return Err(parameter(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            ));
        }
        if let Some(class) = own.and_then(|own| own.class.as_ref()) {
            table.class = Some((class.clone(), Some(now)));
        }
        for (change, is_read) in self.indexes.iter().map(|change| (change, false)).chain(
            own.into_iter()
                .flat_map(|own| &own.indexes)
                .map(|change| (change, true)),
        ) {
            let index = table.index_mut(&change.name).and_then(|index| index.global.as_mut());
            let global = index.ok_or_else(|| {
                AwsError::new(
                    "IndexNotFoundException",
                    format!("Index not found: {} in region {region}", change.name),
                )
            })?;
            if is_read {
                set_units(&mut global.provisioned, change.units, None, now);
            } else {
                set_units(&mut global.provisioned, None, change.units, now);
            }
            let Some(text) = &change.scaling else { continue };
            if is_read {
                let key = (region.to_owned(), change.name.clone());
                scaling.reads.insert(key, text.clone());
            } else {
                scaling.writes.insert(change.name.clone(), text.clone());
            }
        }
        if let Some(text) = &self.scaling {
            scaling.writes.insert(String::new(), text.clone());
        }
        if let Some(text) = own.and_then(|own| own.scaling.as_ref()) {
            scaling.reads.insert((region.to_owned(), String::new()), text.clone());
        }
        tx.put(&SCALING, (table.data,), &scaling)?;
        tx.put(&DEFINITIONS, (&table.name,), table)?;
        Ok(())
    }

    fn set_mode(&self, table: &mut Definition, now: Timestamp) {
        let Some(on_demand) = self.on_demand else { return };
        let billing = &mut table.billing;
        if on_demand && !billing.on_demand {
            billing.on_demand_since = Some(now);
            billing.provisioned = Provisioned::default();
            for global in table.indexes.iter_mut().filter_map(|index| index.global.as_mut()) {
                global.provisioned = Provisioned::default();
            }
        }
        billing.on_demand = on_demand;
        billing.told |= on_demand;
    }
}

fn set_units(units: &mut Provisioned, reads: Option<i64>, writes: Option<i64>, now: Timestamp) {
    let wanted = (reads.unwrap_or(units.read_units), writes.unwrap_or(units.write_units));
    *units = units.changed(wanted, now);
}

pub async fn update(ctx: Ctx, mut input: Input, out: Output) -> Result<Value, AwsError> {
    let name = input.take_text("GlobalTableName").unwrap_or_default();
    let wanted = Wanted::read(&mut input);
    let regions = find(&ctx, &name)?.regions;
    if let Some(change) = wanted.regions.iter().find(|change| !regions.contains(&change.region)) {
        return Err(AwsError::new(
            "ReplicaNotFoundException",
            format!("Replica not found: {}", change.region),
        ));
    }
    let now = ctx.now();
    ctx.write(|tx| -> Result<(), AwsError> {
        for region in &regions {
            // A global table is one table in each of its regions.
            let place = place(&ctx, region)?;
            let mut away = tx.elsewhere(&place);
            if let Some(before) = away.definition(&name)? {
                let mut table = before.clone();
                wanted.apply(&mut away, region, &mut table, now)?;
                let there = ctx.elsewhere(ctx.account(), Region::parse(region).unwrap_or_default());
                quota::check(&away.reading(), &there, Some(&before), &table)?;
            }
        }
        Ok(())
    })
    .await?;
    answer(&ctx, &name, &regions, "UPDATING", out)
}

pub async fn describe(ctx: Ctx, mut input: Input, out: Output) -> Result<Value, AwsError> {
    let name = input.take_text("GlobalTableName").unwrap_or_default();
    let regions = find(&ctx, &name)?.regions;
    answer(&ctx, &name, &regions, "ACTIVE", out)
}

fn set(map: &mut Map<String, Json>, name: &str, value: Option<Json>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), value);
    }
}

fn mode(billing: &Billing) -> Json {
    let mut summary = Map::new();
    let name = if billing.on_demand {
        "PAY_PER_REQUEST"
    } else {
        "PROVISIONED"
    };
    summary.insert("BillingMode".to_owned(), name.into());
    let since = billing.on_demand_since.map(|since| json!(since.as_secs_f64()));
    set(&mut summary, "LastUpdateToPayPerRequestDateTime", since);
    Json::Object(summary)
}

/// One region's settings.
fn shown(region: &str, status: &str, table: &Definition, scaling: &Scaling, now: Timestamp) -> Json {
    let reads = |index: &str| described(scaling.reads.get(&(region.to_owned(), index.to_owned())));
    let writes = |index: &str| described(scaling.writes.get(index));
    let units = &table.billing.provisioned;
    let mut replica = Map::new();
    replica.insert("RegionName".to_owned(), region.into());
    replica.insert("ReplicaStatus".to_owned(), status.into());
    replica.insert("ReplicaBillingModeSummary".to_owned(), mode(&table.billing));
    let of_reads = "ReplicaProvisionedReadCapacity";
    let of_writes = "ReplicaProvisionedWriteCapacity";
    replica.insert(format!("{of_reads}Units"), units.read_units.into());
    replica.insert(format!("{of_writes}Units"), units.write_units.into());
    set(&mut replica, &format!("{of_reads}AutoScalingSettings"), reads(""));
    set(&mut replica, &format!("{of_writes}AutoScalingSettings"), writes(""));
    let indexes = table.indexes.iter().filter_map(|index| {
        let global = index.global.as_ref()?;
        let mut shown = Map::new();
        shown.insert("IndexName".to_owned(), index.name.clone().into());
        shown.insert("IndexStatus".to_owned(), index.status(now).into());
        // The model has no index of no units.
        let some = |units: i64| (units > 0).then(|| Json::from(units));
        set(
            &mut shown,
            "ProvisionedReadCapacityUnits",
            some(global.provisioned.read_units),
        );
        set(
            &mut shown,
            "ProvisionedWriteCapacityUnits",
            some(global.provisioned.write_units),
        );
        set(
            &mut shown,
            "ProvisionedReadCapacityAutoScalingSettings",
            reads(&index.name),
        );
        set(
            &mut shown,
            "ProvisionedWriteCapacityAutoScalingSettings",
            writes(&index.name),
        );
        Some(Json::Object(shown))
    });
    let indexes: Vec<Json> = indexes.collect();
    let indexes = (!indexes.is_empty()).then_some(Json::Array(indexes));
    set(&mut replica, "ReplicaGlobalSecondaryIndexSettings", indexes);
    let class = table.class.as_ref().map(|(class, _)| json!({ "TableClass": class }));
    set(&mut replica, "ReplicaTableClassSummary", class);
    Json::Object(replica)
}

fn answer(ctx: &Ctx, name: &str, regions: &[String], status: &str, mut out: Output) -> Result<Value, AwsError> {
    let now = ctx.now();
    let replicas = ctx.read(|tx| -> Result<Vec<Json>, AwsError> {
        let mut replicas = Vec::new();
        for region in regions {
            // As above: each region tells of its own table.
            let place = place(ctx, region)?;
            let away = tx.elsewhere(&place);
            if let Some(table) = away.definition(name)? {
                let scaling = away.get(&SCALING, (table.data,))?.unwrap_or_default();
                replicas.push(shown(region, status, &table, &scaling, now));
            }
        }
        Ok(replicas)
    })?;
    let shape = out.of("ReplicaSettings");
    let value = Value::from_json(shape, &Json::Array(replicas))
        .map_err(|_| AwsError::internal("kept settings of a global table cannot be read"))?;
    out.set("GlobalTableName", Value::String(name.to_owned()));
    out.set("ReplicaSettings", value);
    Ok(out.done())
}
