//! Receiving: whose turn it is, what is too old, and what has been received too often.

use super::Shelf;
use crate::limits;
use crate::state::{HIDDEN, MEMBERS, MESSAGES, Message, QUEUES, READY, Redrive, Slot, TURNS};
use std::ops::ControlFlow;
use virga_base::Timestamp;
use virga_service::{Ctx, StoreError, Tx};

/// Messages that one receive looks at before it gives up for now.
const LOOKS_MAX: usize = 1_000;

/// A received message.
pub struct Delivered {
    pub group: u64,
    pub sequence: u64,
    pub slot: Slot,
    pub message: Message,
}

/// A message that may be received.
struct Pick {
    group: u64,
    sequence: u64,
    slot: Slot,
}

/// Where messages go that have been received too often; opened when the first one does.
pub struct DeadLetters<'a> {
    policy: Option<&'a Redrive>,
    source_arn: &'a str,
    shelf: Option<Shelf>,
}

impl<'a> DeadLetters<'a> {
    pub fn new(policy: Option<&'a Redrive>, source_arn: &'a str) -> DeadLetters<'a> {
        DeadLetters {
            policy,
            source_arn,
            shelf: None,
        }
    }

    pub fn close(self, tx: &mut Tx<'_>, ctx: &Ctx) -> Result<(), StoreError> {
        self.shelf.map_or(Ok(()), |shelf| shelf.close(tx, ctx))
    }

    /// Takes a message in; answers whether it did. A target that is gone takes none, and the message stays where it is.
    fn take(
        &mut self,
        tx: &mut Tx<'_>,
        from: &mut Shelf,
        message: &mut Message,
        slot: &Slot,
    ) -> Result<bool, StoreError> {
        let Some(policy) = self.policy else {
            return Ok(false);
        };
        if slot.received - message.received_before.min(slot.received) < policy.receive_count_max {
            return Ok(false);
        }
        let Some(target) = tx.get(&QUEUES, (policy.target.as_str(),))? else {
            return Ok(false);
        };
        message.received_before = slot.received;
        message.source_arn = Some(self.source_arn.to_owned());
        if from.fifo {
            message.kept_from = from.now;
        }
        let fresh = Slot {
            received: slot.received,
            received_first: slot.received_first,
            ..Slot::default()
        };
        let to = if target.data == from.data {
            &mut *from
        } else {
            match &mut self.shelf {
                Some(shelf) => shelf,
                none => none.insert(Shelf::open(tx, &target, from.now)?),
            }
        };
        // Messages of a standard queue keep their age, so the first one need not be the oldest.
        to.counters.unordered |= !to.fifo;
        to.append(tx, message, fresh)?;
        Ok(true)
    }
}

impl Shelf {
    /// Receives up to `max` messages and hides them for so long. Call [`Shelf::upkeep`] first.
    pub fn receive(
        &mut self,
        tx: &mut Tx<'_>,
        dead_letters: &mut DeadLetters<'_>,
        max: usize,
        visibility_s: u32,
    ) -> Result<Vec<Delivered>, StoreError> {
        let room = limits::IN_FLIGHT_MAX.saturating_sub(self.counters.in_flight);
        let max = max.min(usize::try_from(room).unwrap_or(max));
        let mut delivered: Vec<Delivered> = Vec::with_capacity(max);
        let mut groups: Vec<u64> = Vec::new();
        let mut looks = 0;
        while delivered.len() < max && looks < LOOKS_MAX {
            let picks = self.pick(tx, max - delivered.len(), groups.len())?;
            if picks.is_empty() {
                break;
            }
            looks += picks.len();
            for pick in picks {
                // Lifted now and placed below, so that the next round cannot pick it again.
                self.lift(tx, pick.group, pick.sequence, &pick.slot)?;
                if self.fifo && !groups.contains(&pick.group) {
                    groups.push(pick.group);
                }
                let Some(mut message) = tx.get(&MESSAGES, (self.data, pick.sequence))? else {
                    continue;
                };
                if self.expires(&message) <= self.now || dead_letters.take(tx, self, &mut message, &pick.slot)? {
                    tx.delete(&MESSAGES, (self.data, pick.sequence))?;
                    continue;
                }
                let slot = Slot {
                    received: pick.slot.received.saturating_add(1),
                    received_first: pick.slot.received_first.or(Some(self.now)),
                    received_last: Some(self.now),
                    hidden_until: Some(self.now.plus_secs(i64::from(visibility_s))),
                    delayed: false,
                };
                delivered.push(Delivered {
                    group: pick.group,
                    sequence: pick.sequence,
                    slot,
                    message,
                });
            }
        }
        for one in &delivered {
            self.place(tx, one.group, one.sequence, one.slot)?;
        }
        self.passed_over = looks >= LOOKS_MAX;
        for group in groups {
            self.settle_group(tx, group)?;
            if visibility_s == 0 {
                self.send_to_end(tx, group)?;
            }
        }
        Ok(delivered)
    }

    /// Whether the last receive met so many expired and dead messages that it gave up before it had seen all.
    pub fn has_passed_over(&self) -> bool {
        self.passed_over
    }

    /// When the next hidden message becomes visible.
    pub fn next_visible(&self, tx: &Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
        let first = tx.scan(&HIDDEN).prefix((self.data,)).first()?;
        Ok(first.map(|((_, until, _), _)| until))
    }

    /// The messages that are next, at most `max`. `passed` groups at the head of the line may have none left.
    fn pick(&self, tx: &Tx<'_>, max: usize, passed: usize) -> Result<Vec<Pick>, StoreError> {
        let mut picks = Vec::with_capacity(max);
        if !self.fifo {
            let rows = tx.scan(&READY).prefix((self.data,)).limit(max).rows()?;
            picks.extend(rows.into_iter().map(|((_, sequence), slot)| Pick {
                group: 0,
                sequence,
                slot,
            }));
            return Ok(picks);
        }
        let line = tx.scan(&TURNS).prefix((self.data,)).limit(max + passed).rows()?;
        for (_, group) in line {
            if picks.len() == max {
                break;
            }
            let members = tx.scan(&MEMBERS).prefix((self.data, group)).limit(max - picks.len());
            members.each(|(_, _, sequence), slot| {
                if slot.hidden_until.is_some() {
                    return ControlFlow::Break(());
                }
                picks.push(Pick { group, sequence, slot });
                ControlFlow::Continue(())
            })?;
        }
        Ok(picks)
    }

    /// The first visible message.
    pub fn peek(&self, tx: &Tx<'_>) -> Result<Option<Message>, StoreError> {
        match self.pick(tx, 1, 0)?.pop() {
            Some(pick) => tx.get(&MESSAGES, (self.data, pick.sequence)),
            None => Ok(None),
        }
    }

    /// Takes the first visible message out of the queue for good.
    pub fn take_first(&mut self, tx: &mut Tx<'_>) -> Result<Option<Message>, StoreError> {
        let Some(pick) = self.pick(tx, 1, 0)?.pop() else {
            return Ok(None);
        };
        let message = tx.get(&MESSAGES, (self.data, pick.sequence))?;
        self.remove(tx, pick.group, pick.sequence, &pick.slot)?;
        Ok(message)
    }
}
