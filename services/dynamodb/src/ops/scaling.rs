//! Auto scaling of replicas: kept as it is set; capacity never moves by itself.

use crate::features::{SCALING, Scaling};
use crate::state::Definition;
use crate::value::{Input, Output};
use crate::{errors, tables};
use virga_base::AwsError;
use virga_service::{Ctx, ReadTx, Value};
use virga_shape::ShapeRef;

/// The settings of an update as JSON, if it has any.
pub fn settings(input: &mut Input, name: &str) -> Option<String> {
    input.take(name).map(|value| value.to_json().to_string())
}

pub async fn update(ctx: Ctx, mut input: Input, out: Output) -> Result<Value, AwsError> {
    let name = tables::name(&ctx, input.text("TableName"))?;
    let writes = settings(&mut input, "ProvisionedWriteCapacityAutoScalingUpdate");
    let mut indexes = Vec::new();
    for mut update in input.inputs("GlobalSecondaryIndexUpdates") {
        let index = update.take_text("IndexName").unwrap_or_default();
        if let Some(settings) = settings(&mut update, "ProvisionedWriteCapacityAutoScalingUpdate") {
            indexes.push((index, settings));
        }
    }
    let mut reads = Vec::new();
    for mut replica in input.inputs("ReplicaUpdates") {
        let region = replica.take_text("RegionName").unwrap_or_default();
        if let Some(settings) = settings(&mut replica, "ReplicaProvisionedReadCapacityAutoScalingUpdate") {
            reads.push(((region.clone(), String::new()), settings));
        }
        for mut update in replica.inputs("ReplicaGlobalSecondaryIndexUpdates") {
            let index = update.take_text("IndexName").unwrap_or_default();
            if let Some(settings) = settings(&mut update, "ProvisionedReadCapacityAutoScalingUpdate") {
                reads.push(((region.clone(), index), settings));
            }
        }
    }
    let (table, scaling) = ctx
        .write(|tx| -> Result<(Definition, Scaling), AwsError> {
            let table = tables::find(tx, &name)?;
            if let Some((index, _)) = indexes.iter().find(|(index, _)| table.index(index).is_none()) {
                return Err(errors::validation(format!(
                    "The table does not have the specified index: {index}"
                )));
            }
            let mut scaling = tx.get(&SCALING, (table.data,))?.unwrap_or_default();
            if let Some(writes) = &writes {
                scaling.writes.insert(String::new(), writes.clone());
            }
            scaling.writes.extend(indexes.iter().cloned());
            scaling.reads.extend(reads.iter().cloned());
            tx.put(&SCALING, (table.data,), &scaling)?;
            Ok((table, scaling))
        })
        .await?;
    answer(&ctx, &table, &scaling, out)
}

pub async fn describe(ctx: Ctx, input: Input, out: Output) -> Result<Value, AwsError> {
    let name = tables::name(&ctx, input.text("TableName"))?;
    let (table, scaling) = ctx.read(|tx: &ReadTx<'_>| -> Result<(Definition, Scaling), AwsError> {
        let table = tables::find(tx, &name)?;
        let scaling = tx.get(&SCALING, (table.data,))?.unwrap_or_default();
        Ok((table, scaling))
    })?;
    answer(&ctx, &table, &scaling, out)
}

/// An `AutoScalingSettingsUpdate` as an `AutoScalingSettingsDescription`.
pub fn described(update: Option<&String>) -> Option<serde_json::Value> {
    let mut settings: serde_json::Value = serde_json::from_str(update?).ok()?;
    let map = settings.as_object_mut()?;
    if let Some(policy) = map.remove("ScalingPolicyUpdate") {
        map.insert("ScalingPolicies".to_owned(), serde_json::Value::Array(vec![policy]));
    }
    Some(settings)
}

fn answer(ctx: &Ctx, table: &Definition, scaling: &Scaling, mut out: Output) -> Result<Value, AwsError> {
    let own = ctx.region().as_str();
    let others = table.extras.replicas.iter().map(|replica| replica.region.as_str());
    let mut replicas = Vec::new();
    for region in std::iter::once(own).chain(others) {
        let read = |index: &str| described(scaling.reads.get(&(region.to_owned(), index.to_owned())));
        let mut replica = serde_json::Map::new();
        replica.insert("RegionName".to_owned(), region.into());
        replica.insert("ReplicaStatus".to_owned(), "ACTIVE".into());
        let mut set = |name: &str, value: Option<serde_json::Value>| {
            if let Some(value) = value {
                replica.insert(name.to_owned(), value);
            }
        };
        set("ReplicaProvisionedReadCapacityAutoScalingSettings", read(""));
        set(
            "ReplicaProvisionedWriteCapacityAutoScalingSettings",
            described(scaling.writes.get("")),
        );
        let indexes = table.indexes.iter().filter(|index| index.global.is_some());
        let indexes: Vec<serde_json::Value> = indexes
            .map(|index| {
                let mut shown = serde_json::Map::new();
                shown.insert("IndexName".to_owned(), index.name.clone().into());
                shown.insert("IndexStatus".to_owned(), index.status(ctx.now()).into());
                if let Some(read) = read(&index.name) {
                    shown.insert("ProvisionedReadCapacityAutoScalingSettings".to_owned(), read);
                }
                if let Some(write) = described(scaling.writes.get(&index.name)) {
                    shown.insert("ProvisionedWriteCapacityAutoScalingSettings".to_owned(), write);
                }
                serde_json::Value::Object(shown)
            })
            .collect();
        set(
            "GlobalSecondaryIndexes",
            (!indexes.is_empty()).then_some(serde_json::Value::Array(indexes)),
        );
        replicas.push(serde_json::Value::Object(replica));
    }
    let json = serde_json::json!({
        "TableName": table.name,
        "TableStatus": table.status(ctx.now()),
        "Replicas": replicas,
    });
    let shape: ShapeRef = out.of("TableAutoScalingDescription");
    let value = Value::from_json(shape, &json)
        .map_err(|_| AwsError::internal("kept settings of auto scaling cannot be read"))?;
    out.set("TableAutoScalingDescription", value);
    Ok(out.done())
}
