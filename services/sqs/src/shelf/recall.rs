//! What a FIFO queue remembers for five minutes: messages by deduplication id, and receives by attempt id.

use super::{Delivered, Shelf};
use crate::limits;
use crate::state::{ATTEMPT_ENDS, ATTEMPTS, Attempt, DUPLICATE_ENDS, DUPLICATES, Duplicate, MEMBERS, MESSAGES, Slot};
use virga_base::Timestamp;
use virga_service::{StoreError, Tx};

/// Remembered things that are forgotten with each new one, so that they never pile up.
const FORGOTTEN_AT_ONCE: usize = 4;

impl Shelf {
    /// The message that was sent with the same deduplication id in the last five minutes.
    pub fn duplicate(&self, tx: &Tx<'_>, hash: u128) -> Result<Option<Duplicate>, StoreError> {
        let found = tx.get(&DUPLICATES, (self.data, hash))?;
        Ok(found.filter(|duplicate| duplicate.ends > self.now))
    }

    /// Remembers a message by its deduplication id.
    pub fn remember(&self, tx: &mut Tx<'_>, hash: u128, message: [u8; 16], sequence: u64) -> Result<(), StoreError> {
        let old = tx
            .scan(&DUPLICATE_ENDS)
            .prefix((self.data,))
            .before((self.data, self.now.plus_millis(1)))
            .limit(FORGOTTEN_AT_ONCE)
            .keys()?;
        for (data, ends, hash) in old {
            tx.delete(&DUPLICATE_ENDS, (data, ends, hash))?;
            if tx.get(&DUPLICATES, (data, hash))?.is_some_and(|kept| kept.ends == ends) {
                tx.delete(&DUPLICATES, (data, hash))?;
            }
        }
        let ends = self.ends();
        let duplicate = Duplicate {
            message,
            sequence,
            ends,
        };
        tx.put(&DUPLICATES, (self.data, hash), &duplicate)?;
        tx.put(&DUPLICATE_ENDS, (self.data, ends, hash), &())
    }

    /// Repeats a receive: the same messages under the same handles, hidden anew, if none of them has changed since.
    pub fn repeat(
        &mut self,
        tx: &mut Tx<'_>,
        hash: u128,
        visibility_s: u32,
    ) -> Result<Option<Vec<Delivered>>, StoreError> {
        let Some(attempt) = tx
            .get(&ATTEMPTS, (self.data, hash))?
            .filter(|kept| kept.ends > self.now)
        else {
            return Ok(None);
        };
        let mut delivered = Vec::with_capacity(attempt.messages.len());
        for (group, sequence, received) in attempt.messages {
            let slot = tx.get(&MEMBERS, (self.data, group, sequence))?;
            let Some(slot) = slot
                .filter(|slot| slot.received == received && slot.hidden_until.is_some_and(|until| until > self.now))
            else {
                return Ok(None);
            };
            let Some(message) = tx.get(&MESSAGES, (self.data, sequence))? else {
                return Ok(None);
            };
            delivered.push(Delivered {
                group,
                sequence,
                slot,
                message,
            });
        }
        let until = self.now.plus_secs(i64::from(visibility_s));
        for one in &mut delivered {
            let again = Slot {
                hidden_until: Some(until),
                ..one.slot
            };
            self.lift(tx, one.group, one.sequence, &one.slot)?;
            self.place(tx, one.group, one.sequence, again)?;
            one.slot = again;
            self.settle_group(tx, one.group)?;
        }
        // They may be visible sooner than whoever waits has set its alarm for.
        self.stirred = true;
        Ok(Some(delivered))
    }

    /// Remembers a receive by its attempt id.
    pub fn remember_receive(&self, tx: &mut Tx<'_>, hash: u128, delivered: &[Delivered]) -> Result<(), StoreError> {
        let old = tx
            .scan(&ATTEMPT_ENDS)
            .prefix((self.data,))
            .before((self.data, self.now.plus_millis(1)))
            .limit(FORGOTTEN_AT_ONCE)
            .keys()?;
        for (data, ends, hash) in old {
            tx.delete(&ATTEMPT_ENDS, (data, ends, hash))?;
            if tx.get(&ATTEMPTS, (data, hash))?.is_some_and(|kept| kept.ends == ends) {
                tx.delete(&ATTEMPTS, (data, hash))?;
            }
        }
        let ends = self.ends();
        let attempt = Attempt {
            ends,
            messages: delivered
                .iter()
                .map(|one| (one.group, one.sequence, one.slot.received))
                .collect(),
        };
        tx.put(&ATTEMPTS, (self.data, hash), &attempt)?;
        tx.put(&ATTEMPT_ENDS, (self.data, ends, hash), &())
    }

    fn ends(&self) -> Timestamp {
        self.now.plus_secs(limits::DEDUPLICATION_S)
    }
}
