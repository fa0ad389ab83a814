//! What follows a change of an item, where its table has more switched on than indexes and a stream: times to live,
//! the history for recovery, replicas in other regions.

use crate::change::By;
use crate::features::{Before, EXPIRIES, Expiry, Extras, HISTORY, HISTORY_ENDS, STAMPS, SWEEPS, Stamp};
use crate::state::{At, Definition, Spot, StoredItem};
use serde::{Deserialize, Serialize};
use virga_base::Timestamp;
use virga_lang_dynamodb::{AttributeValue, Item, stored};
use virga_service::{StoreError, Tx};

/// Kind of deferred work: deleting what has expired.
pub const EXPIRE: &str = "expire";
/// Kind of deferred work: bringing a change to another region.
pub const REPLICATE: &str = "replicate";

/// Times longer ago than this are taken for mistakes.
const EXPIRED_MAX_S: i64 = 5 * 365 * 86_400;
/// The end of the year 9999.
const TIME_MAX_S: i64 = 253_402_300_799;

/// One change on its way to another region.
#[derive(Debug, Serialize, Deserialize)]
pub struct Replication {
    pub table: String,
    /// The table's data id in the region where the change was made.
    pub data: u64,
    pub spot: Vec<u8>,
    pub target: String,
    pub stamp: Stamp,
}

/// When an item expires by its attribute, if it does.
pub fn expires_at(item: &Item, attribute: &str) -> Option<Timestamp> {
    let AttributeValue::N(number) = item.get(attribute)? else {
        return None;
    };
    // Fractions of seconds do not count.
    let text = number.to_string();
    let whole = text.split('.').next().unwrap_or_default();
    let seconds: i64 = whole.parse().ok()?;
    (0..=TIME_MAX_S)
        .contains(&seconds)
        .then(|| Timestamp::from_secs(seconds))
}

/// Does what follows the change of the item at `spot`.
pub fn changed(
    tx: &mut Tx<'_>,
    table: &Definition,
    spot: &[u8],
    (old, new): (Option<&StoredItem>, Option<&StoredItem>),
    (now, by): (Timestamp, By),
) -> Result<(), StoreError> {
    let extras = &table.extras;
    if let Some(attribute) = extras.expires_by() {
        let expires = |item: Option<&StoredItem>| item.and_then(|item| expires_at(&item.item, attribute));
        let (before, after) = (expires(old), expires(new));
        if before != after {
            if let Some(at) = before {
                tx.delete(&EXPIRIES, (table.data, at, At(spot)))?;
            }
            if let Some(at) = after {
                await_expiry(tx, table, spot, at, now)?;
            }
        }
    }
    let unchanged = old.map(|old| &old.item) == new.map(|new| &new.item);
    if unchanged {
        return Ok(());
    }
    if extras.recovery.is_some() || extras.lags {
        let number = tx.get(&HISTORY_ENDS, (table.data,))?.unwrap_or(0) + 1;
        let before = Before {
            at: now,
            spot: spot.to_vec(),
            item: old.map(|old| {
                let mut bytes = Vec::new();
                stored::encode_item(&old.item, old.size_bytes, &mut bytes);
                bytes
            }),
        };
        tx.put(&HISTORY, (table.data, number), &before)?;
        tx.put(&HISTORY_ENDS, (table.data,), &number)?;
    }
    if !extras.replicas.is_empty() && by != By::Replication {
        let stamp = Stamp {
            at: now,
            region: extras.home.1.clone(),
        };
        tx.put(&STAMPS, (table.data, At(spot)), &stamp)?;
        for replica in &extras.replicas {
            let replication = Replication {
                table: table.name.clone(),
                data: table.data,
                spot: spot.to_vec(),
                target: replica.region.clone(),
                stamp: stamp.clone(),
            };
            tx.schedule(now, &extras.due_row(REPLICATE, &replication))?;
        }
    }
    Ok(())
}

/// Has an item deleted at a time.
pub fn await_expiry(
    tx: &mut Tx<'_>,
    table: &Definition,
    spot: &[u8],
    at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    if at < now.plus_secs(-EXPIRED_MAX_S) {
        return Ok(());
    }
    tx.put(&EXPIRIES, (table.data, at, At(spot)), &())?;
    await_sweep(tx, table, at.max(now))
}

/// Sees to it that expired items are looked for at a time.
pub fn await_sweep(tx: &mut Tx<'_>, table: &Definition, at: Timestamp) -> Result<(), StoreError> {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    if tx.get(&SWEEPS, (table.data,))?.is_some_and(|next| next <= millis) {
        return Ok(());
    }
    tx.put(&SWEEPS, (table.data,), &millis)?;
    tx.schedule(at, &table.extras.due_row(EXPIRE, &(&table.name, table.data)))?;
    Ok(())
}

/// The items of a table that expire no later than `now`.
pub fn expired(tx: &Tx<'_>, data: u64, now: Timestamp, limit: usize) -> Result<Vec<(Timestamp, Spot)>, StoreError> {
    let rows = tx.scan(&EXPIRIES).prefix((data,)).limit(limit).keys()?;
    Ok(rows
        .into_iter()
        .map(|(_, at, spot)| (at, spot))
        .take_while(|(at, _)| *at <= now)
        .collect())
}

impl Extras {
    /// Whether writes have nothing to see to.
    pub fn is_idle(&self) -> bool {
        self.expires_by().is_none() && self.recovery.is_none() && self.replicas.is_empty() && !self.lags
    }

    pub fn set_expiry(&mut self, attribute: Option<String>, now: Timestamp) {
        self.expiry = Some(Expiry {
            attribute,
            changed: now,
        });
    }
}
