//! What a table may be declared as: CreateTable's and UpdateTable's checks of keys, indexes and capacity.

use crate::errors::{parameter, validation};
use crate::limits;
use crate::schema::{KeyAttribute, KeyKind, KeySchema, Projected};
use crate::state::{Billing, Definition, OnDemand, Provisioned, View, Warm};
use crate::wire;
use virga_base::{AwsError, Timestamp};

/// Names and types of `AttributeDefinitions`, in their order.
pub type Attributes = Vec<(String, KeyKind)>;

/// As AWS shows lists in errors: `[a, b]`.
fn shown<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", names.into_iter().collect::<Vec<_>>().join(", "))
}

/// The name of a new table.
pub fn check_table_name(name: &str) -> Result<(), AwsError> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if (3..=255).contains(&name.len()) && name.bytes().all(good) {
        return Ok(());
    }
    Err(validation(
        "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only \
         the characters a-z, A-Z, 0-9, '_', '-', and '.'",
    ))
}

pub fn attributes(given: Option<Vec<wire::AttributeDefinition>>) -> Result<Attributes, AwsError> {
    let mut attributes: Attributes = Vec::new();
    for definition in given.into_iter().flatten() {
        let name = definition.attribute_name.unwrap_or_default();
        let kind = KeyKind::from_name(definition.attribute_type.as_deref().unwrap_or_default());
        let kind = kind.ok_or_else(|| parameter("Member must satisfy enum value set: [B, N, S]"))?;
        if attributes.iter().any(|(other, _)| *other == name) {
            return Err(parameter(format!(
                "Duplicate AttributeName in AttributeDefinitions: {name}"
            )));
        }
        attributes.push((name, kind));
    }
    Ok(attributes)
}

/// The order and number of a schema's elements.
fn parts(elements: &[wire::KeySchemaElement], several: bool) -> Result<(Vec<&str>, Vec<&str>), AwsError> {
    let (mut partition, mut sort) = (Vec::new(), Vec::new());
    for (at, element) in elements.iter().enumerate() {
        let name = element.attribute_name.as_deref().unwrap_or_default();
        let is_hash = element.key_type.as_deref() == Some("HASH");
        match (is_hash, at) {
            (false, 0) => {
                return Err(validation(
                    "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
                ));
            }
            (true, 1) if !several => {
                return Err(validation(
                    "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
                ));
            }
            (true, _) if !sort.is_empty() => {
                return Err(validation(
                    "Invalid KeySchema: All HASH key elements must precede all RANGE key elements",
                ));
            }
            (true, _) => partition.push(name),
            (false, _) => sort.push(name),
        }
    }
    let all: Vec<&str> = partition.iter().chain(&sort).copied().collect();
    for (at, name) in all.iter().enumerate() {
        if all.iter().take(at).any(|other| other == name) {
            return Err(validation(
                "Both the Hash Key and the Range Key element in the KeySchema have the same name",
            ));
        }
    }
    if several && (partition.len() > limits::INDEX_KEY_PART_MAX || sort.len() > limits::INDEX_KEY_PART_MAX) {
        return Err(parameter(format!(
            "Invalid KeySchema: the number of HASH or RANGE key elements exceeds the limit of {}",
            limits::INDEX_KEY_PART_MAX
        )));
    }
    Ok((partition, sort))
}

fn with_kinds(names: &[&str], attributes: &Attributes) -> Result<Vec<KeyAttribute>, ()> {
    names
        .iter()
        .map(|name| {
            let found = attributes.iter().find(|(other, _)| other == name);
            found
                .map(|(name, kind)| KeyAttribute {
                    name: name.clone(),
                    kind: *kind,
                })
                .ok_or(())
        })
        .collect()
}

/// The table's own key.
pub fn table_schema(elements: &[wire::KeySchemaElement], attributes: &Attributes) -> Result<KeySchema, AwsError> {
    if elements.len() > 2 {
        return Err(validation(format!(
            "1 validation error detected: Value '{}' at 'keySchema' failed to satisfy constraint: Member must have \
             length less than or equal to 2",
            show_schema(elements)
        )));
    }
    let (partition, sort) = parts(elements, false)?;
    let undefined = |()| {
        let keys: Vec<&str> = partition.iter().chain(&sort).copied().collect();
        if keys.iter().all(|key| !attributes.iter().any(|(name, _)| name == key)) || attributes.is_empty() {
            parameter(format!(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: {}, AttributeDefinitions: {}",
                shown(keys.iter().copied()),
                shown(attributes.iter().map(|(name, _)| name.as_str()))
            ))
        } else {
            validation("Invalid KeySchema: Some index key attribute have no definition")
        }
    };
    Ok(KeySchema {
        partition: with_kinds(&partition, attributes).map_err(undefined)?,
        sort: with_kinds(&sort, attributes).map_err(undefined)?,
    })
}

fn show_schema(elements: &[wire::KeySchemaElement]) -> String {
    let shown: Vec<String> = elements
        .iter()
        .map(|element| {
            format!(
                "KeySchemaElement(attributeName={}, keyType={})",
                element.attribute_name.as_deref().unwrap_or_default(),
                element.key_type.as_deref().unwrap_or_default()
            )
        })
        .collect();
    format!("[{}]", shown.join(", "))
}

/// An index's key; local ones share the table's partition key.
pub fn index_schema(
    name: &str,
    elements: &[wire::KeySchemaElement],
    attributes: &Attributes,
    local_to: Option<&KeySchema>,
) -> Result<KeySchema, AwsError> {
    if local_to.is_some() && elements.len() > 2 {
        return Err(validation(format!(
            "1 validation error detected: Value '{}' at 'localSecondaryIndexes.1.member.keySchema' failed to satisfy \
             constraint: Member must have length less than or equal to 2",
            show_schema(elements)
        )));
    }
    let (partition, sort) = parts(elements, local_to.is_none())?;
    let undefined = |()| {
        parameter(format!(
            "Some index key attributes are not defined in AttributeDefinitions. Keys: {}, AttributeDefinitions: {}",
            shown(partition.iter().chain(&sort).copied()),
            shown(attributes.iter().map(|(name, _)| name.as_str()))
        ))
    };
    let schema = KeySchema {
        partition: with_kinds(&partition, attributes).map_err(undefined)?,
        sort: with_kinds(&sort, attributes).map_err(undefined)?,
    };
    if let Some(table) = local_to {
        if schema.sort.is_empty() {
            return Err(parameter(format!(
                "Index KeySchema does not have a range key for index: {name}"
            )));
        }
        let own = schema
            .partition
            .first()
            .map(|key| key.name.as_str())
            .unwrap_or_default();
        let tables = table.partition.first().map(|key| key.name.as_str()).unwrap_or_default();
        if own != tables {
            return Err(parameter(format!(
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. index \
                 hash key: {own}, table hash key: {tables}"
            )));
        }
    }
    Ok(schema)
}

pub fn projected(given: Option<wire::Projection>) -> Result<Projected, AwsError> {
    let given = given.unwrap_or_default();
    let names = given.non_key_attributes;
    match given.projection_type.as_deref() {
        Some("ALL") | Some("KEYS_ONLY") if names.is_some() => Err(parameter(format!(
            "ProjectionType is {}, but NonKeyAttributes is specified",
            given.projection_type.as_deref().unwrap_or_default()
        ))),
        Some("ALL") => Ok(Projected::All),
        Some("KEYS_ONLY") => Ok(Projected::KeysOnly),
        Some("INCLUDE") => {
            let names =
                names.ok_or_else(|| parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified"))?;
            for (at, name) in names.iter().enumerate() {
                if names.iter().take(at).any(|other| other == name) {
                    return Err(parameter(format!("Duplicate NonKeyAttributes: {name}")));
                }
            }
            Ok(Projected::Include(names))
        }
        other => Err(parameter(format!(
            "Unknown ProjectionType: {}",
            other.unwrap_or("null")
        ))),
    }
}

/// The attributes that are declared must be those that keys use.
pub fn check_attributes(definition: &Definition) -> Result<(), AwsError> {
    let mut used: Vec<&str> = Vec::new();
    let schemas = std::iter::once(&definition.schema).chain(definition.indexes.iter().map(|index| &index.schema));
    for name in schemas.flat_map(KeySchema::names) {
        if !used.contains(&name) {
            used.push(name);
        }
    }
    if used.len() == definition.attributes.len() {
        return Ok(());
    }
    let mut declared: Vec<&str> = definition.attributes.iter().map(|(name, _)| name.as_str()).collect();
    declared.sort_unstable();
    used.sort_unstable();
    Err(if definition.indexes.is_empty() {
        parameter(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in \
             AttributeDefinitions",
        )
    } else {
        parameter(format!(
            "Some AttributeDefinitions are not used. AttributeDefinitions: {}, keys used: {}",
            shown(declared),
            shown(used)
        ))
    })
}

/// What holds for all indexes together.
pub fn check_indexes(definition: &Definition) -> Result<(), AwsError> {
    let indexes = &definition.indexes;
    for (at, index) in indexes.iter().enumerate() {
        if indexes.iter().take(at).any(|other| other.name == index.name) {
            return Err(parameter(format!("Duplicate index name: {}", index.name)));
        }
        if let Projected::Include(names) = &index.projected
            && names.len() > limits::NON_KEY_ATTRIBUTES_PER_INDEX_MAX
        {
            return Err(parameter(format!(
                "Number of NonKeyAttributes {} exceeds the limit of {} for index: {}",
                names.len(),
                limits::NON_KEY_ATTRIBUTES_PER_INDEX_MAX,
                index.name
            )));
        }
    }
    let included: usize = indexes
        .iter()
        .map(|index| match &index.projected {
            Projected::Include(names) => names.len(),
            _ => 0,
        })
        .sum();
    if included > limits::NON_KEY_ATTRIBUTES_MAX {
        return Err(parameter(format!(
            "Number of NonKeyAttributes exceeds the per-table limit of {}",
            limits::NON_KEY_ATTRIBUTES_MAX
        )));
    }
    let local = indexes.iter().filter(|index| index.global.is_none()).count();
    if local > limits::LOCAL_INDEXES_MAX {
        return Err(parameter(format!(
            "Number of LocalSecondaryIndexes exceeds per-table limit of {}",
            limits::LOCAL_INDEXES_MAX
        )));
    }
    if indexes.len() - local > limits::GLOBAL_INDEXES_MAX {
        return Err(parameter(format!(
            "Number of GlobalSecondaryIndexes exceeds per-table limit of {}",
            limits::GLOBAL_INDEXES_MAX
        )));
    }
    Ok(())
}

/// The mode and the capacity of a table.
pub fn billing(
    mode: Option<&str>,
    throughput: Option<&wire::ProvisionedThroughput>,
    now: Timestamp,
) -> Result<Billing, AwsError> {
    let on_demand = mode == Some("PAY_PER_REQUEST");
    if on_demand && throughput.is_some() {
        return Err(parameter(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ));
    }
    if !on_demand && throughput.is_none() {
        return Err(parameter(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ));
    }
    Ok(Billing {
        on_demand,
        told: on_demand,
        on_demand_since: on_demand.then_some(now),
        provisioned: provisioned(throughput),
    })
}

pub fn provisioned(throughput: Option<&wire::ProvisionedThroughput>) -> Provisioned {
    Provisioned {
        read_units: throughput.and_then(|units| units.read_capacity_units).unwrap_or(0),
        write_units: throughput.and_then(|units| units.write_capacity_units).unwrap_or(0),
        ..Provisioned::default()
    }
}

/// The capacity of a global index, which must go with its table's mode.
pub fn index_provisioned(
    name: &str,
    on_demand: bool,
    throughput: Option<&wire::ProvisionedThroughput>,
) -> Result<Provisioned, AwsError> {
    if on_demand && throughput.is_some() {
        return Err(parameter(format!(
            "ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        )));
    }
    if !on_demand && throughput.is_none() {
        return Err(parameter(format!(
            "ProvisionedThroughput must be specified for index: {name}"
        )));
    }
    Ok(provisioned(throughput))
}

pub fn on_demand(given: Option<&wire::OnDemandThroughput>) -> Option<OnDemand> {
    given.map(|given| OnDemand {
        read_units: given.max_read_request_units,
        write_units: given.max_write_request_units,
    })
}

/// What the table or an index (`of`) shall serve at once: never less than it does.
pub fn warm(
    of: &str,
    given: Option<&wire::WarmThroughput>,
    before: Option<Warm>,
    billing: &Billing,
) -> Result<Option<Warm>, AwsError> {
    let Some(given) = given else { return Ok(before) };
    if given.read_units_per_second.is_none() && given.write_units_per_second.is_none() {
        return Err(parameter(
            "Both ReadUnitsPerSecond and WriteUnitsPerSecond for WarmThroughput cannot be null",
        ));
    }
    let least = before.unwrap_or_else(|| warm_of(billing));
    let wanted = Warm {
        read_units_per_s: given.read_units_per_second.unwrap_or(least.read_units_per_s),
        write_units_per_s: given.write_units_per_second.unwrap_or(least.write_units_per_s),
    };
    let too_low = match (before, billing.on_demand) {
        (Some(_), _) => "current WarmThroughput, decreasing WarmThroughput is not supported",
        (None, true) => "initial throughput for OnDemand",
        (None, false) => "initial throughput for Provisioned",
    };
    for (name, wanted, least) in [
        ("ReadUnitsPerSecond", wanted.read_units_per_s, least.read_units_per_s),
        ("WriteUnitsPerSecond", wanted.write_units_per_s, least.write_units_per_s),
    ] {
        if wanted < least {
            return Err(parameter(format!(
                "Requested {name} for WarmThroughput for {of} is lower than {too_low}"
            )));
        }
    }
    Ok(Some(wanted))
}

/// What every table can serve at once: recorded for five provisioned units, and documented for tables on demand.
pub fn warm_of(billing: &Billing) -> Warm {
    let (read, write) = if billing.on_demand {
        (12_000, 4_000)
    } else {
        (1_000, 1_200)
    };
    Warm {
        read_units_per_s: read.max(billing.provisioned.read_units),
        write_units_per_s: write.max(billing.provisioned.write_units),
    }
}

/// Whether a stream is asked for, and which.
pub fn stream_view(given: Option<&wire::StreamSpecification>) -> Result<Option<View>, AwsError> {
    let Some(given) = given else { return Ok(None) };
    match (given.stream_enabled, given.stream_view_type.as_deref()) {
        (Some(true), Some(view)) => View::from_name(view)
            .map(Some)
            .ok_or_else(|| parameter("Unknown StreamViewType")),
        (Some(true), None) => Err(parameter(
            "StreamViewType must be specified when StreamEnabled is set to true",
        )),
        (_, Some(_)) => Err(parameter(
            "StreamSpecification.StreamViewType should not be specified when StreamEnabled is false",
        )),
        (_, None) => Ok(None),
    }
}
