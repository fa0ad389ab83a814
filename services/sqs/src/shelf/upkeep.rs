//! What time does to a queue: hidden messages become visible, old ones expire.

use super::Shelf;
use crate::state::{
    ATTEMPT_ENDS, ATTEMPTS, COUNTERS, DUPLICATE_ENDS, DUPLICATES, FLIGHTS, GROUP_NUMBERS, GROUPS, HIDDEN, MEMBERS,
    MESSAGES, READY, Slot, TURNS,
};
use std::ops::ControlFlow;
use virga_base::Timestamp;
use virga_service::{StoreError, Table, Tx};
use virga_store::{Key, Record};

/// Messages that one call handles of each kind.
const AT_ONCE: usize = 1_000;

impl Shelf {
    /// Catches up with time, as far as one transaction should; answers whether there is more.
    pub fn upkeep(&mut self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let shown = self.show_due(tx)?;
        let expired = match self.counters.expires {
            Some(at) if at <= self.now => self.expire(tx)?,
            _ => 0,
        };
        Ok(shown == AT_ONCE || expired == AT_ONCE)
    }

    /// Makes visible what was hidden until now or before.
    fn show_due(&mut self, tx: &mut Tx<'_>) -> Result<usize, StoreError> {
        let due = tx
            .scan(&HIDDEN)
            .prefix((self.data,))
            .before((self.data, self.now.plus_millis(1)))
            .limit(AT_ONCE)
            .rows()?;
        for ((data, until, sequence), group) in &due {
            match self.slot(tx, *group, *sequence)? {
                Some(slot) => {
                    self.lift(tx, *group, *sequence, &slot)?;
                    self.place(tx, *group, *sequence, slot)?;
                    if self.fifo {
                        self.settle_group(tx, *group)?;
                    }
                }
                None => tx.delete(&HIDDEN, (*data, *until, *sequence))?,
            }
        }
        Ok(due.len())
    }

    /// Removes messages that have been kept for too long; finds out when the next will have been.
    fn expire(&mut self, tx: &mut Tx<'_>) -> Result<usize, StoreError> {
        let mut old = Vec::new();
        let mut next: Option<Timestamp> = None;
        let unordered = self.counters.unordered;
        tx.scan(&MESSAGES).prefix((self.data,)).each(|(_, sequence), message| {
            let expires = self.expires(&message);
            if expires > self.now {
                next = Some(next.map_or(expires, |earliest| earliest.min(expires)));
                return if unordered {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                };
            }
            old.push((sequence, message.group));
            if old.len() == AT_ONCE {
                next = Some(self.now);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        for (sequence, group) in &old {
            let group = match group {
                Some(name) if self.fifo => {
                    let number = tx.get(&GROUP_NUMBERS, (self.data, name.as_str()))?;
                    number.unwrap_or(0)
                }
                _ => 0,
            };
            match self.slot(tx, group, *sequence)? {
                Some(slot) => self.remove(tx, group, *sequence, &slot)?,
                None => tx.delete(&MESSAGES, (self.data, *sequence))?,
            }
        }
        self.counters.expires = next;
        self.counters.unordered &= next.is_some();
        Ok(old.len())
    }

    /// Looks anew for the next message to expire, after a change of the retention period.
    pub fn retain_anew(&mut self) {
        // The next upkeep finds the true time; until then nothing may be taken for fresh.
        self.counters.expires = self.counters.expires.map(|_| self.now);
    }

    /// Gives messages that are not due yet another delay: in FIFO queues a change of the delay holds for them too.
    pub fn delay_anew(&mut self, tx: &mut Tx<'_>, delay_s: u32) -> Result<(), StoreError> {
        let hidden = tx.scan(&HIDDEN).prefix((self.data,)).rows()?;
        for ((_, _, sequence), group) in hidden {
            let Some(slot) = self.slot(tx, group, sequence)?.filter(|slot| slot.delayed) else {
                continue;
            };
            let Some(message) = tx.get(&MESSAGES, (self.data, sequence))? else {
                continue;
            };
            let changed = Slot {
                hidden_until: Some(message.sent.plus_secs(i64::from(delay_s))),
                ..slot
            };
            self.lift(tx, group, sequence, &slot)?;
            self.place(tx, group, sequence, changed)?;
            self.settle_group(tx, group)?;
        }
        self.stirred = true;
        Ok(())
    }
}

/// Removes the rows of a queue that is deleted or purged, some at a time; answers whether there may be more.
pub fn drop_rows(tx: &mut Tx<'_>, data: u64) -> Result<bool, StoreError> {
    fn some<K: Key, V: Record>(tx: &mut Tx<'_>, table: &Table<K, V>, data: u64) -> Result<bool, StoreError>
    where
        K::Owned: Key<Owned = K::Owned>,
    {
        let keys = tx.scan(table).prefix((data,)).limit(AT_ONCE).keys()?;
        let more = keys.len() == AT_ONCE;
        for key in keys {
            tx.delete(table, key)?;
        }
        Ok(more)
    }
    let more = [
        some(tx, &MESSAGES, data)?,
        some(tx, &READY, data)?,
        some(tx, &HIDDEN, data)?,
        some(tx, &FLIGHTS, data)?,
        some(tx, &GROUP_NUMBERS, data)?,
        some(tx, &GROUPS, data)?,
        some(tx, &MEMBERS, data)?,
        some(tx, &TURNS, data)?,
        some(tx, &DUPLICATES, data)?,
        some(tx, &DUPLICATE_ENDS, data)?,
        some(tx, &ATTEMPTS, data)?,
        some(tx, &ATTEMPT_ENDS, data)?,
    ];
    tx.delete(&COUNTERS, (data,))?;
    Ok(more.contains(&true))
}
