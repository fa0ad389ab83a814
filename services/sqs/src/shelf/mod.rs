//! A queue's messages within one transaction: where they stand, and how they move.
//!
//! Everything here costs a few look-ups, however many messages there are. Numbers are kept, not counted; what time
//! changes (messages becoming visible, or too old) is done when somebody looks, see [`upkeep`](Shelf::upkeep).

mod groups;
mod recall;
mod receive;
mod upkeep;

pub use receive::{DeadLetters, Delivered};
pub use upkeep::drop_rows;

use crate::queue::attributes::Counts;
use crate::queue::receipt::Receipt;
use crate::state::{COUNTERS, Counters, FLIGHTS, HIDDEN, MEMBERS, MESSAGES, Message, Queue, READY, Slot, topic};
use crate::{due, limits};
use virga_base::Timestamp;
use virga_service::{Ctx, StoreError, Tx};

/// The messages of one queue, opened in a transaction. What it counts is written by [`Shelf::close`].
pub struct Shelf {
    queue_id: u64,
    data: u64,
    name: String,
    fifo: bool,
    retention_s: i64,
    now: Timestamp,
    counters: Counters,
    loaded: Counters,
    /// Waiting receivers should look again.
    stirred: bool,
    passed_over: bool,
}

/// What became of a receipt handle's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Done,
    /// There is no such message any more.
    Gone,
    /// A FIFO queue takes a handle only while its receive hides the message.
    Expired,
    /// The message would be hidden for longer than twelve hours.
    TooLong,
}

impl Shelf {
    pub fn open(tx: &Tx<'_>, queue: &Queue, now: Timestamp) -> Result<Shelf, StoreError> {
        let counters = tx.get(&COUNTERS, (queue.data,))?.unwrap_or_default();
        Ok(Shelf {
            queue_id: queue.id,
            data: queue.data,
            name: queue.name.clone(),
            fifo: queue.settings.fifo.is_some(),
            retention_s: i64::from(queue.settings.retention_s),
            now,
            loaded: counters.clone(),
            counters,
            stirred: false,
            passed_over: false,
        })
    }

    /// Writes what has been counted, and sees to it that expiry and waiting receivers are served. `ctx` must be in the
    /// queue's account and region.
    pub fn close(mut self, tx: &mut Tx<'_>, ctx: &Ctx) -> Result<(), StoreError> {
        if let Some(expires) = self.counters.expires {
            // Whole seconds, so that a queue whose messages expire one by one is not swept for each.
            let at = Timestamp::from_secs(expires.as_secs() + 1);
            if self.counters.sweep.is_none_or(|sweep| at < sweep.at) {
                if let Some(sweep) = self.counters.sweep {
                    tx.unschedule(sweep)?;
                }
                let row = due::sweep_row(ctx, &self.name, self.data);
                self.counters.sweep = Some(tx.schedule(at, &row)?);
            }
        }
        if self.stirred {
            tx.notify(&topic(ctx, self.queue_id));
        }
        self.close_rows(tx)
    }

    /// Writes what has been counted, and nothing else.
    fn close_rows(self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        if self.counters != self.loaded {
            tx.put(&COUNTERS, (self.data,), &self.counters)?;
        }
        Ok(())
    }

    pub fn data(&self) -> u64 {
        self.data
    }

    pub fn counts(&self) -> Counts {
        Counts {
            visible: self.counters.visible,
            in_flight: self.counters.in_flight,
            delayed: self.counters.delayed,
        }
    }

    /// The sweep that was scheduled has come; the next is scheduled on closing. One that comes again, since the store could
    /// not be told that it was done, has scheduled the next already.
    pub fn sweep_has_come(&mut self) {
        self.counters.sweep = self.counters.sweep.filter(|sweep| sweep.at > self.now);
    }

    /// Takes back deferred work for messages that are given up.
    pub fn give_up(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.counters.sweep.map_or(Ok(()), |sweep| tx.unschedule(sweep))
    }

    /// Makes the next messages' sequences follow those of another shelf (after a purge).
    pub fn continue_after(&mut self, old: &Shelf) {
        self.counters.sequence = old.counters.sequence;
    }

    /// Puts a message at the end of the queue; answers its sequence.
    pub fn append(&mut self, tx: &mut Tx<'_>, message: &Message, slot: Slot) -> Result<u64, StoreError> {
        self.counters.sequence += 1;
        let sequence = self.counters.sequence;
        tx.put(&MESSAGES, (self.data, sequence), message)?;
        let group = if self.fifo {
            self.group_named(tx, message.group.as_deref().unwrap_or_default(), sequence)?
        } else {
            0
        };
        self.place(tx, group, sequence, slot)?;
        if self.fifo {
            self.settle_group(tx, group)?;
        }
        let expires = self.expires(message);
        if self.counters.expires.is_none_or(|earliest| expires < earliest) {
            self.counters.expires = Some(expires);
        }
        self.stirred = true;
        Ok(sequence)
    }

    /// Deletes the message that a receipt handle names.
    pub fn delete(&mut self, tx: &mut Tx<'_>, receipt: &Receipt) -> Result<Change, StoreError> {
        let Some(slot) = self.slot_of(tx, receipt)? else {
            return Ok(Change::Gone);
        };
        if self.fifo && !self.holds(&slot, receipt) {
            return Ok(Change::Expired);
        }
        self.remove(tx, receipt.group, receipt.sequence, &slot)?;
        // In a FIFO queue the next message of the group may be waited for.
        self.stirred |= self.fifo;
        Ok(Change::Done)
    }

    /// Hides the message that a receipt handle names for so long from now on, or shows it at once.
    pub fn change_visibility(
        &mut self,
        tx: &mut Tx<'_>,
        receipt: &Receipt,
        timeout_s: u32,
    ) -> Result<Change, StoreError> {
        let Some(slot) = self.slot_of(tx, receipt)? else {
            return Ok(Change::Gone);
        };
        if self.fifo && !self.holds(&slot, receipt) {
            return Ok(Change::Expired);
        }
        let until = self.now.plus_secs(i64::from(timeout_s));
        let received = slot.received_last.unwrap_or(self.now);
        if timeout_s > 0 && until > received.plus_secs(i64::from(limits::VISIBILITY_MAX_S)) {
            return Ok(Change::TooLong);
        }
        let changed = Slot {
            hidden_until: Some(until),
            delayed: false,
            ..slot
        };
        self.lift(tx, receipt.group, receipt.sequence, &slot)?;
        self.place(tx, receipt.group, receipt.sequence, changed)?;
        if self.fifo {
            self.settle_group(tx, receipt.group)?;
        }
        // Whoever waits has set its alarm by the old time.
        self.stirred = true;
        Ok(Change::Done)
    }

    fn slot_of(&self, tx: &Tx<'_>, receipt: &Receipt) -> Result<Option<Slot>, StoreError> {
        if receipt.data != self.data {
            return Ok(None);
        }
        self.slot(tx, receipt.group, receipt.sequence)
    }

    /// Whether the receive that gave this handle still hides the message.
    fn holds(&self, slot: &Slot, receipt: &Receipt) -> bool {
        slot.received == receipt.received && slot.hidden_until.is_some_and(|until| until > self.now)
    }

    fn slot(&self, tx: &Tx<'_>, group: u64, sequence: u64) -> Result<Option<Slot>, StoreError> {
        if self.fifo {
            return tx.get(&MEMBERS, (self.data, group, sequence));
        }
        match tx.get(&FLIGHTS, (self.data, sequence))? {
            Some(slot) => Ok(Some(slot)),
            None => tx.get(&READY, (self.data, sequence)),
        }
    }

    /// Writes where a message stands. A time that has come already makes it visible.
    fn place(&mut self, tx: &mut Tx<'_>, group: u64, sequence: u64, mut slot: Slot) -> Result<(), StoreError> {
        match slot.hidden_until.filter(|until| *until > self.now) {
            Some(until) => {
                tx.put(&HIDDEN, (self.data, until, sequence), &group)?;
                if slot.delayed {
                    self.counters.delayed += 1;
                } else {
                    self.counters.in_flight += 1;
                }
            }
            None => {
                slot.hidden_until = None;
                slot.delayed = false;
                self.counters.visible += 1;
            }
        }
        if self.fifo {
            tx.put(&MEMBERS, (self.data, group, sequence), &slot)
        } else if slot.hidden_until.is_some() {
            tx.put(&FLIGHTS, (self.data, sequence), &slot)
        } else {
            tx.put(&READY, (self.data, sequence), &slot)
        }
    }

    /// Takes back what [`Shelf::place`] wrote.
    fn lift(&mut self, tx: &mut Tx<'_>, group: u64, sequence: u64, slot: &Slot) -> Result<(), StoreError> {
        let count = match slot.hidden_until {
            Some(until) => {
                tx.delete(&HIDDEN, (self.data, until, sequence))?;
                if slot.delayed {
                    &mut self.counters.delayed
                } else {
                    &mut self.counters.in_flight
                }
            }
            None => &mut self.counters.visible,
        };
        *count = count.saturating_sub(1);
        if self.fifo {
            tx.delete(&MEMBERS, (self.data, group, sequence))
        } else if slot.hidden_until.is_some() {
            tx.delete(&FLIGHTS, (self.data, sequence))
        } else {
            tx.delete(&READY, (self.data, sequence))
        }
    }

    fn remove(&mut self, tx: &mut Tx<'_>, group: u64, sequence: u64, slot: &Slot) -> Result<(), StoreError> {
        self.lift(tx, group, sequence, slot)?;
        tx.delete(&MESSAGES, (self.data, sequence))?;
        if self.fifo {
            self.settle_group(tx, group)?;
        }
        Ok(())
    }

    fn expires(&self, message: &Message) -> Timestamp {
        message.kept_from.plus_secs(self.retention_s)
    }
}
