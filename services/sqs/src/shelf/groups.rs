//! Message groups of FIFO queues.
//!
//! A group is in line for receivers while its first message is visible. It leaves the line when that message is
//! received, and comes to its end when the first message is visible again.

use super::Shelf;
use crate::state::{GROUP_NUMBERS, GROUPS, Group, MEMBERS, TURNS};
use virga_service::{StoreError, Tx};

impl Shelf {
    /// The number of the group with that name, which is made with number `new` where there is none.
    pub(super) fn group_named(&self, tx: &mut Tx<'_>, name: &str, new: u64) -> Result<u64, StoreError> {
        if let Some(number) = tx.get(&GROUP_NUMBERS, (self.data, name))? {
            return Ok(number);
        }
        tx.put(&GROUP_NUMBERS, (self.data, name), &new)?;
        let group = Group {
            name: name.to_owned(),
            turn: None,
        };
        tx.put(&GROUPS, (self.data, new), &group)?;
        Ok(new)
    }

    /// Puts a group into the line or takes it out, as its first message demands; forgets it when it is empty.
    pub(super) fn settle_group(&mut self, tx: &mut Tx<'_>, number: u64) -> Result<(), StoreError> {
        let Some(mut group) = tx.get(&GROUPS, (self.data, number))? else {
            return Ok(());
        };
        let first = tx.scan(&MEMBERS).prefix((self.data, number)).first()?;
        let is_visible = first.as_ref().is_some_and(|(_, slot)| slot.hidden_until.is_none());
        match group.turn {
            Some(turn) if !is_visible => {
                tx.delete(&TURNS, (self.data, turn))?;
                group.turn = None;
            }
            None if is_visible => {
                group.turn = Some(self.next_turn());
                tx.put(&TURNS, (self.data, self.counters.turn), &number)?;
            }
            _ if first.is_some() => return Ok(()),
            _ => {}
        }
        if first.is_some() {
            return tx.put(&GROUPS, (self.data, number), &group);
        }
        tx.delete(&GROUP_NUMBERS, (self.data, group.name.as_str()))?;
        tx.delete(&GROUPS, (self.data, number))
    }

    /// Sends a group that is in line to the line's end.
    pub(super) fn send_to_end(&mut self, tx: &mut Tx<'_>, number: u64) -> Result<(), StoreError> {
        let Some(mut group) = tx.get(&GROUPS, (self.data, number))? else {
            return Ok(());
        };
        let Some(turn) = group.turn else {
            return Ok(());
        };
        tx.delete(&TURNS, (self.data, turn))?;
        group.turn = Some(self.next_turn());
        tx.put(&TURNS, (self.data, self.counters.turn), &number)?;
        tx.put(&GROUPS, (self.data, number), &group)
    }

    fn next_turn(&mut self) -> u64 {
        self.counters.turn += 1;
        self.counters.turn
    }
}
