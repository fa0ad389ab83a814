//! What reads and writes cost, and how answers tell it.

use crate::state::Definition;
use crate::wire;
use std::collections::BTreeMap;
use virga_shape::{IntoValue, Value};

use crate::value::{Input, Output};

const WRITE_UNIT_BYTES: usize = 1024;
const READ_UNIT_BYTES: usize = 4096;

/// Units for writing so many bytes.
pub fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(WRITE_UNIT_BYTES).max(1) as f64
}

/// Units for reading so many bytes in one go.
pub fn read_units(bytes: usize, consistent: bool) -> f64 {
    let units = bytes.div_ceil(READ_UNIT_BYTES).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

/// Units, of a table and of each of its indexes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    pub table: f64,
    pub local: BTreeMap<String, f64>,
    pub global: BTreeMap<String, f64>,
}

impl Cost {
    pub fn add_index(&mut self, name: &str, is_global: bool, units: f64) {
        let map = if is_global { &mut self.global } else { &mut self.local };
        *map.entry(name.to_owned()).or_default() += units;
    }

    pub fn add(&mut self, other: &Cost) {
        self.table += other.table;
        for (name, units) in &other.local {
            *self.local.entry(name.clone()).or_default() += units;
        }
        for (name, units) in &other.global {
            *self.global.entry(name.clone()).or_default() += units;
        }
    }

    #[must_use]
    pub fn times(mut self, factor: f64) -> Cost {
        self.table *= factor;
        self.local.values_mut().for_each(|units| *units *= factor);
        self.global.values_mut().for_each(|units| *units *= factor);
        self
    }

    pub fn total(&self) -> f64 {
        self.table + self.local.values().sum::<f64>() + self.global.values().sum::<f64>()
    }
}

/// Whether units are also told apart by reads and writes, as transactions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    Not,
    Reads,
    Writes,
}

/// `ReturnConsumedCapacity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Total,
    Indexes,
}

impl Told {
    pub fn read(input: &Input) -> Told {
        match input.text("ReturnConsumedCapacity") {
            Some("TOTAL") => Told::Total,
            Some("INDEXES") => Told::Indexes,
            _ => Told::Nothing,
        }
    }

    pub fn describe(self, name: &str, cost: &Cost, split: Split) -> Option<wire::ConsumedCapacity> {
        if self == Told::Nothing {
            return None;
        }
        let capacity = |units: f64| wire::Capacity {
            capacity_units: Some(units),
            read_capacity_units: (split == Split::Reads).then_some(units),
            write_capacity_units: (split == Split::Writes).then_some(units),
        };
        let total = capacity(cost.total());
        let map = |units: &BTreeMap<String, f64>| -> Option<BTreeMap<String, wire::Capacity>> {
            let map: BTreeMap<String, wire::Capacity> = units
                .iter()
                .map(|(name, units)| (name.clone(), capacity(*units)))
                .collect();
            (!map.is_empty() && self == Told::Indexes).then_some(map)
        };
        Some(wire::ConsumedCapacity {
            table_name: Some(name.to_owned()),
            capacity_units: total.capacity_units,
            read_capacity_units: total.read_capacity_units,
            write_capacity_units: total.write_capacity_units,
            table: (self == Told::Indexes).then(|| capacity(cost.table)),
            local_secondary_indexes: map(&cost.local),
            global_secondary_indexes: map(&cost.global),
        })
    }

    /// Sets `ConsumedCapacity` of an operation on one table.
    pub fn tell(self, out: &mut Output, table: &Definition, cost: &Cost) {
        if let Some(capacity) = self.describe(&table.name, cost, Split::Not) {
            let shape = out.of("ConsumedCapacity");
            out.set("ConsumedCapacity", capacity.into_value(shape));
        }
    }

    /// Sets the list of an operation on several tables.
    pub fn tell_all(self, out: &mut Output, costs: &[(String, Cost)], split: Split) {
        if self == Told::Nothing {
            return;
        }
        let shape = out.of("ConsumedCapacity");
        let element = shape.element().unwrap_or(shape);
        let told = costs
            .iter()
            .filter_map(|(name, cost)| self.describe(name, cost, split))
            .map(|capacity| capacity.into_value(element));
        let told = Value::List(told.collect());
        out.set("ConsumedCapacity", told);
    }
}
