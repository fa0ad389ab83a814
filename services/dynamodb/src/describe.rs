//! A table as DescribeTable shows it.

use crate::definition::warm_of;
use crate::ops::replica;
use crate::schema::{Index, KeySchema, Projected};
use crate::state::{Definition, OnDemand, Provisioned, Warm};
use crate::wire;
use virga_base::Timestamp;
use virga_service::Ctx;

/// How many items there are in a table or an index, and what they count for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub items: u64,
    pub bytes: u64,
}

impl Definition {
    /// `CREATING`, `ACTIVE` and so on.
    pub fn status(&self, now: Timestamp) -> &'static str {
        if self.deleting {
            "DELETING"
        } else if now < self.active_at {
            "CREATING"
        } else if now < self.updated_at || self.indexes.iter().any(|index| index.status(now) != "ACTIVE") {
            "UPDATING"
        } else {
            "ACTIVE"
        }
    }
}

impl Index {
    pub fn status(&self, now: Timestamp) -> &'static str {
        match &self.global {
            None => "ACTIVE",
            Some(global) if global.deleting => "DELETING",
            Some(global) if global.backfilling || now < global.active_at => "CREATING",
            Some(global) if now < global.updated_at => "UPDATING",
            Some(_) => "ACTIVE",
        }
    }
}

pub fn table_arn(ctx: &Ctx, name: &str) -> String {
    ctx.arn(&format!("table/{name}")).to_string()
}

pub fn stream_arn(ctx: &Ctx, name: &str, label: &str) -> String {
    ctx.arn(&format!("table/{name}/stream/{label}")).to_string()
}

/// The whole description. `counts` are the table's and then its indexes'.
pub fn table(ctx: &Ctx, definition: &Definition, counts: &[Count], now: Timestamp) -> wire::TableDescription {
    let arn = table_arn(ctx, &definition.name);
    let status = definition.status(now);
    let count = counts.first().copied().unwrap_or_default();
    let (mut local, mut global) = (Vec::new(), Vec::new());
    for (at, index) in definition.indexes.iter().enumerate() {
        let count = counts.get(at + 1).copied().unwrap_or_default();
        if index.global.is_some() {
            global.push(global_index(&arn, definition, index, count, now));
        } else {
            local.push(wire::LocalSecondaryIndexDescription {
                index_name: Some(index.name.clone()),
                key_schema: Some(schema(&index.schema)),
                projection: Some(projection(&index.projected)),
                index_size_bytes: Some(whole(count.bytes)),
                item_count: Some(whole(count.items)),
                index_arn: Some(format!("{arn}/index/{}", index.name)),
            });
        }
    }
    let warm_status = if status == "CREATING" || status == "UPDATING" {
        "UPDATING"
    } else {
        "ACTIVE"
    };
    let billing = &definition.billing;
    let warm = definition.warm.unwrap_or_else(|| warm_of(billing));
    let replicas = replica::describe(definition, now);
    let restored = definition.extras.restored.as_ref();
    wire::TableDescription {
        attribute_definitions: Some(
            definition
                .attributes
                .iter()
                .map(|(name, kind)| wire::AttributeDefinition {
                    attribute_name: Some(name.clone()),
                    attribute_type: Some(kind.name().to_owned()),
                })
                .collect(),
        ),
        table_name: Some(definition.name.clone()),
        key_schema: Some(schema(&definition.schema)),
        table_status: Some(status.to_owned()),
        creation_date_time: Some(definition.created),
        provisioned_throughput: Some(throughput(&billing.provisioned, now)),
        table_size_bytes: Some(whole(count.bytes)),
        item_count: Some(whole(count.items)),
        table_id: Some(definition.id.clone()),
        billing_mode_summary: billing.told.then(|| wire::BillingModeSummary {
            billing_mode: Some(
                if billing.on_demand {
                    "PAY_PER_REQUEST"
                } else {
                    "PROVISIONED"
                }
                .to_owned(),
            ),
            last_update_to_pay_per_request_date_time: billing.on_demand_since,
        }),
        local_secondary_indexes: (!local.is_empty()).then_some(local),
        global_secondary_indexes: (!global.is_empty()).then_some(global),
        stream_specification: definition.stream.as_ref().map(|stream| wire::StreamSpecification {
            stream_enabled: Some(true),
            stream_view_type: Some(stream.view.name().to_owned()),
        }),
        latest_stream_arn: definition
            .latest_stream
            .as_ref()
            .map(|label| stream_arn(ctx, &definition.name, label)),
        latest_stream_label: definition.latest_stream.clone(),
        global_table_version: replicas.is_some().then(|| replica::VERSION.to_owned()),
        replicas,
        restore_summary: restored.map(|restored| wire::RestoreSummary {
            source_backup_arn: restored.backup_arn.clone(),
            source_table_arn: Some(restored.table_arn.clone()),
            restore_date_time: Some(restored.at),
            restore_in_progress: Some(status == "CREATING"),
        }),
        sse_description: definition.encryption.as_ref().map(|encryption| wire::SSEDescription {
            status: Some("ENABLED".to_owned()),
            sse_type: Some("KMS".to_owned()),
            kms_master_key_arn: Some(encryption.key_arn.clone()),
            ..wire::SSEDescription::default()
        }),
        table_class_summary: definition
            .class
            .as_ref()
            .map(|(class, updated)| wire::TableClassSummary {
                table_class: Some(class.clone()),
                last_update_date_time: *updated,
            }),
        deletion_protection_enabled: Some(definition.deletion_protection),
        on_demand_throughput: definition.on_demand.map(on_demand),
        warm_throughput: Some(wire::TableWarmThroughputDescription {
            read_units_per_second: Some(warm.read_units_per_s),
            write_units_per_second: Some(warm.write_units_per_s),
            status: Some(warm_status.to_owned()),
        }),
        table_arn: Some(arn),
        ..wire::TableDescription::default()
    }
}

fn global_index(
    table_arn: &str,
    definition: &Definition,
    index: &Index,
    count: Count,
    now: Timestamp,
) -> wire::GlobalSecondaryIndexDescription {
    let status = index.status(now);
    let mut described = wire::GlobalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(schema(&index.schema)),
        projection: Some(projection(&index.projected)),
        index_status: Some(status.to_owned()),
        index_size_bytes: Some(whole(count.bytes)),
        item_count: Some(whole(count.items)),
        index_arn: Some(format!("{table_arn}/index/{}", index.name)),
        ..wire::GlobalSecondaryIndexDescription::default()
    };
    if let Some(global) = &index.global {
        described.backfilling = global.backfilling.then_some(true);
        described.provisioned_throughput = Some(throughput(&global.provisioned, now));
        described.on_demand_throughput = global.on_demand.map(on_demand);
        let warm: Warm = global.warm.unwrap_or_else(|| warm_of(&definition.billing));
        described.warm_throughput = Some(wire::GlobalSecondaryIndexWarmThroughputDescription {
            read_units_per_second: Some(warm.read_units_per_s),
            write_units_per_second: Some(warm.write_units_per_s),
            status: Some(if status == "ACTIVE" { "ACTIVE" } else { "UPDATING" }.to_owned()),
        });
    }
    described
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn schema(schema: &KeySchema) -> Vec<wire::KeySchemaElement> {
    let element = |name: &str, kind: &str| wire::KeySchemaElement {
        attribute_name: Some(name.to_owned()),
        key_type: Some(kind.to_owned()),
    };
    let partition = schema.partition.iter().map(|key| element(&key.name, "HASH"));
    partition
        .chain(schema.sort.iter().map(|key| element(&key.name, "RANGE")))
        .collect()
}

pub fn projection(projected: &Projected) -> wire::Projection {
    let (kind, names) = match projected {
        Projected::All => ("ALL", None),
        Projected::KeysOnly => ("KEYS_ONLY", None),
        Projected::Include(names) => ("INCLUDE", Some(names.clone())),
    };
    wire::Projection {
        projection_type: Some(kind.to_owned()),
        non_key_attributes: names,
    }
}

fn throughput(provisioned: &Provisioned, now: Timestamp) -> wire::ProvisionedThroughputDescription {
    wire::ProvisionedThroughputDescription {
        last_increase_date_time: provisioned.increased,
        last_decrease_date_time: provisioned.decreased,
        number_of_decreases_today: Some(i64::from(provisioned.decreases_today(now))),
        read_capacity_units: Some(provisioned.read_units),
        write_capacity_units: Some(provisioned.write_units),
    }
}

fn on_demand(limits: OnDemand) -> wire::OnDemandThroughput {
    wire::OnDemandThroughput {
        max_read_request_units: limits.read_units,
        max_write_request_units: limits.write_units,
    }
}
