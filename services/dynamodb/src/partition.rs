//! What one partition key bears in a second, where capacity runs out: in either mode, and however much its table has.
//!
//! As with tables, a call is let in while anything is left, and then pays all that it costs. Nothing is kept for later.

use crate::features::{Bucket, PARTITIONS};
use crate::schema::KeySchema;
use crate::state::SpotHash;
use crate::throttle::{MICRO, MICRO_PER_MS, Pace, Way};
use virga_lang_dynamodb::AttributeValue;
use virga_service::{ReadTx, StoreError, Tx};
use virga_store::KeyPart;

const READ_UNITS_PER_S: i64 = 3_000;
const WRITE_UNITS_PER_S: i64 = 1_000;
/// How many rows that say nothing any more go with each that is written.
const FORGOTTEN: usize = 2;

/// A partition key of a table or of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// The data id of the table or the index.
    data: u64,
    hash: u64,
}

fn most_micro(way: Way) -> i64 {
    units_per_s(way).saturating_mul(MICRO as i64)
}

fn units_per_s(way: Way) -> i64 {
    match way {
        Way::Read => READ_UNITS_PER_S,
        Way::Write => WRITE_UNITS_PER_S,
    }
}

impl Bucket {
    /// What is left by now of what a partition had then.
    fn of_partition(self, way: Way, pace: &Pace) -> i64 {
        let passed_ms = pace.now.as_millis().saturating_sub(self.at.as_millis()).max(0);
        let back = passed_ms.saturating_mul(units_per_s(way).saturating_mul(MICRO_PER_MS));
        self.left_micro.saturating_add(back).min(most_micro(way))
    }
}

impl Partition {
    /// `values` are those of the partition key's attributes, in the schema's order.
    pub fn of(data: u64, values: &[AttributeValue]) -> Option<Partition> {
        let place = KeySchema::partition_of(values);
        let SpotHash(hash) = SpotHash::read(&mut place.as_slice())?;
        Some(Partition { data, hash })
    }

    /// What is left, in millionths of a unit; less than nothing where there is a debt.
    pub fn left_micro(self, tx: &ReadTx<'_>, way: Way, pace: &Pace) -> Result<i64, StoreError> {
        let kept = tx.get(&PARTITIONS, (self.data, way == Way::Write, self.hash))?;
        Ok(kept.map_or(most_micro(way), |kept| kept.of_partition(way, pace)))
    }

    /// Takes what a call has cost.
    pub fn pay(self, tx: &mut Tx<'_>, way: Way, units: f64, pace: &Pace) -> Result<(), StoreError> {
        let is_write = way == Way::Write;
        let left_micro = self.left_micro(&tx.reading(), way, pace)?;
        let bucket = Bucket {
            left_micro: left_micro.saturating_sub((units * MICRO) as i64),
            at: pace.now,
        };
        tx.put(&PARTITIONS, (self.data, is_write, self.hash), &bucket)?;
        let after = tx.scan(&PARTITIONS).prefix((self.data, is_write));
        let after = after
            .from((self.data, is_write, self.hash))
            .limit(1 + FORGOTTEN)
            .rows()?;
        for (key, kept) in after {
            if kept.of_partition(way, pace) == most_micro(way) {
                tx.delete(&PARTITIONS, key)?;
            }
        }
        Ok(())
    }
}
