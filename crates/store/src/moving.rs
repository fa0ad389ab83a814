//! Rows on their way out of a store and into one, as they are.

use crate::engine::{Reader, Visit, Writer};
use crate::luggage::{Luggage, due_key, due_name, luggage};
use crate::schedule::{CLAIMS, DUE_NUMBER};
use crate::store::OPENINGS;
use crate::{Decision, Durable, Engine, Key, Place, Store, StoreError, Table};
use std::collections::BTreeSet;
use std::ops::{Bound, ControlFlow};
use virga_base::Account;

/// Rows that are read at once, and bytes of them. Nobody can write while they are read, where all is in one file.
const PAGE_MAX_ROWS: usize = 1024;
const PAGE_MAX_BYTES: usize = 1 << 20;

/// The rows of a moment, for as long as it is kept. Writers are not held up.
pub struct Frozen {
    engine: Box<dyn Engine>,
    name: String,
}

impl Frozen {
    /// Visits all rows in order.
    pub fn visit(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        let mut after: Option<Vec<u8>> = None;
        let mut page: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        loop {
            let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut scanned = Ok(());
            self.engine.read(&mut |rows| {
                page.clear();
                let mut bytes = 0;
                scanned = rows.scan(from, Bound::Unbounded, false, &mut |key, value| {
                    bytes += key.len() + value.len();
                    page.push((key.to_vec(), value.to_vec()));
                    match page.len() < PAGE_MAX_ROWS && bytes < PAGE_MAX_BYTES {
                        true => ControlFlow::Continue(()),
                        false => ControlFlow::Break(()),
                    }
                });
            })?;
            scanned?;
            for (key, value) in &page {
                if visit(key, value).is_break() {
                    return Ok(());
                }
            }
            match page.pop() {
                Some((key, _)) => after = Some(key),
                None => return Ok(()),
            }
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        if let Err(error) = self.engine.forget(&self.name) {
            log_failure(&self.name, &error);
        }
    }
}

fn log_failure(name: &str, error: &StoreError) {
    // It is given up at the next start.
    log::warn!("the copy {name:?} cannot be given up now: {error}");
}

/// Called with key and value of each row in turn; an error ends it.
pub type EachRow<'v> = &'v mut dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError>;

/// An account's rows from elsewhere, and what goes with them.
pub struct Incoming<'r> {
    pub account: Account,
    /// Whose a row of the whole world's is, by table and value.
    pub owner: &'r dyn Fn(u16, &[u8]) -> Option<Account>,
    /// Calls with each row in turn. It is called again where the transaction is run again.
    pub rows: &'r mut dyn FnMut(EachRow<'_>) -> Result<(), StoreError>,
    /// What those rows count.
    pub openings: u64,
    pub due_number: u64,
}

impl Incoming<'_> {
    fn is_ours(&self, luggage: &Luggage, value: &[u8]) -> bool {
        match luggage {
            Luggage::Row {
                account: Some(account), ..
            } => *account == self.account,
            Luggage::Row { account: None, table } => (self.owner)(*table, value) == Some(self.account),
            Luggage::Due { account } | Luggage::Claimed { account, .. } => *account == self.account.number(),
            Luggage::DueNumber(_) | Luggage::Openings(_) | Luggage::Node => false,
        }
    }
}

fn all(rows: &(impl Reader + ?Sized), visit: Visit<'_>) -> Result<(), StoreError> {
    rows.scan(Bound::Unbounded, Bound::Unbounded, false, visit)
}

/// Visits the rows of an account, then those of the world.
fn around(rows: &(impl Reader + ?Sized), account: Account, visit: EachRow<'_>) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    for from in [Place::account(account), Place::world()] {
        let first = from.number_bytes();
        let next = first.iter().rposition(|byte| *byte != 0xff).map(|last| {
            let mut next = first.get(..=last).unwrap_or_default().to_vec();
            if let Some(byte) = next.last_mut() {
                *byte += 1;
            }
            next
        });
        let to = next.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        rows.scan(Bound::Included(&first), to, false, &mut |key, value| {
            outcome = visit(key, value);
            match outcome {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        outcome.clone()?;
    }
    Ok(())
}

impl Store {
    /// The rows of this moment, kept under `name` until that is dropped. `None` where that would cost as much as all rows
    /// do: there [`Store::visit_all`] sees one moment and holds nobody up.
    pub fn freeze(&self, name: &str) -> Result<Option<Frozen>, StoreError> {
        if self.is_shared() {
            return Ok(None);
        }
        Ok(Some(Frozen {
            engine: self.engine.fork(name)?,
            name: name.to_owned(),
        }))
    }

    /// Visits all rows in order, in one view. `began` is called before: again where the view is lost and all begins anew.
    pub fn visit_all(&self, began: &mut dyn FnMut(), visit: Visit<'_>) -> Result<(), StoreError> {
        let mut scanned = Ok(());
        self.engine.read(&mut |rows| {
            began();
            scanned = all(rows, visit);
        })?;
        scanned
    }

    /// Writes rows as they are.
    pub fn fill(&self, page: &[(Vec<u8>, Vec<u8>)]) -> Result<Durable, StoreError> {
        let mut put = Ok(());
        let durable = self.engine.write(&mut |tx| {
            put = page.iter().try_for_each(|(key, value)| tx.put(key, value));
            match put {
                Ok(()) => Decision::Commit,
                Err(_) => Decision::Abort,
            }
        })?;
        put.map(|()| durable)
    }

    /// Says that the rows have been opened so often at least, and that so many numbers were given to deferred work.
    pub fn count_from(&self, openings: u64, due_number: u64) -> Result<Durable, StoreError> {
        let mut outcome = Ok(());
        let durable = self.engine.write(&mut |tx| {
            outcome = raise(tx, openings, due_number);
            match outcome {
                Ok(()) => Decision::Commit,
                Err(_) => Decision::Abort,
            }
        })?;
        outcome.map(|()| durable)
    }

    /// How often the rows have been opened, and the last number given to deferred work.
    pub fn counted(&self) -> Result<(u64, u64), StoreError> {
        self.read(&Place::world(), |tx| {
            Ok((
                tx.get(&OPENINGS, ())?.unwrap_or(0),
                tx.get(&DUE_NUMBER, ())?.unwrap_or(0),
            ))
        })
    }

    /// Gives up all rows for those of `fork`, which is one of this store's of that name, in one step, and wakes all who
    /// wait.
    pub fn adopt(&self, name: &str, fork: &Store) -> Result<Durable, StoreError> {
        let durable = self.engine.adopt(name, &*fork.engine)?;
        self.wake_all();
        Ok(durable)
    }

    /// Whether there is a row that is not the world's own bookkeeping; `is_own` names further tables of that kind.
    pub fn is_used(&self, is_own: &dyn Fn(u16) -> bool) -> Result<bool, StoreError> {
        let mut found = Ok(false);
        self.visit_all(&mut || {}, &mut |key, value| {
            found = luggage(key, value).map(|luggage| match luggage {
                Luggage::Row { account: None, table } => !is_own(table),
                Luggage::Row { .. } | Luggage::Due { .. } | Luggage::Claimed { .. } => true,
                Luggage::DueNumber(_) | Luggage::Openings(_) | Luggage::Node => false,
            });
            match found {
                Ok(false) => ControlFlow::Continue(()),
                Ok(true) | Err(_) => ControlFlow::Break(()),
            }
        })?;
        found
    }

    /// Whether an account has any row here.
    pub fn has_account(&self, account: Account) -> Result<bool, StoreError> {
        let first = Place::account(account).number_bytes();
        let mut found = false;
        self.engine.read(&mut |rows| {
            let _ = rows.scan(Bound::Included(&first), Bound::Unbounded, false, &mut |key, _| {
                found = key.starts_with(&first);
                ControlFlow::Break(())
            });
        })?;
        Ok(found)
    }

    /// Replaces all rows of an account by others, with its deferred work and what it has among the world's rows, in one
    /// transaction. Other accounts keep theirs. Wakes all who wait.
    pub fn replace_account(&self, mut incoming: Incoming<'_>) -> Result<Durable, StoreError> {
        let mut outcome = Ok(());
        let durable = self.engine.write(&mut |tx| {
            outcome = replace_account(tx, &mut incoming);
            match outcome {
                Ok(()) => Decision::Commit,
                Err(_) => Decision::Abort,
            }
        })?;
        outcome?;
        self.wake_all();
        Ok(durable)
    }
}

fn replace_account(tx: &mut dyn Writer, incoming: &mut Incoming<'_>) -> Result<(), StoreError> {
    // Numbers of work that stays: a claim is found by its number alone.
    let (mut gone, mut taken) = (Vec::new(), BTreeSet::new());
    around(&*tx, incoming.account, &mut |key, value| {
        let luggage = luggage(key, value)?;
        if incoming.is_ours(&luggage, value) {
            gone.push(key.to_vec());
            return Ok(());
        }
        let name = match &luggage {
            Luggage::Due { .. } => due_name(key),
            Luggage::Claimed { key, .. } => due_name(key),
            _ => None,
        };
        taken.extend(name.map(|(_, number)| number));
        Ok(())
    })?;
    gone.iter().try_for_each(|key| tx.delete(key))?;
    raise(tx, incoming.openings, incoming.due_number)?;
    let mut last = read_count(&*tx, &DUE_NUMBER)?;
    let Incoming {
        account, owner, rows, ..
    } = incoming;
    let ours = Incoming {
        account: *account,
        owner: *owner,
        rows: &mut |_| Ok(()),
        openings: 0,
        due_number: 0,
    };
    rows(&mut |key, value| {
        let luggage = luggage(key, value)?;
        if !ours.is_ours(&luggage, value) {
            return Ok(());
        }
        match luggage {
            Luggage::Due { .. } => {
                let (at, number) = due_name(key).ok_or(StoreError::Corrupt(CLAIMS.name))?;
                if !taken.contains(&number) {
                    return tx.put(key, value);
                }
                last += 1;
                tx.put(&due_key(at, last), value)
            }
            _ => tx.put(key, value),
        }
    })?;
    write_count(tx, &DUE_NUMBER, last)
}

fn key_of(table: &Table<(), u64>) -> Vec<u8> {
    let mut key = Place::world().key(table.number, 0);
    Key::write(&(), &mut key);
    key
}

fn read_count(tx: &(impl Reader + ?Sized), table: &Table<(), u64>) -> Result<u64, StoreError> {
    let mut count = Ok(0);
    tx.get(&key_of(table), &mut |value| count = table.decode(value))?;
    count
}

fn write_count(tx: &mut dyn Writer, table: &Table<(), u64>, count: u64) -> Result<(), StoreError> {
    let mut value = Vec::new();
    Table::<(), u64>::encode(&count, &mut value);
    tx.put(&key_of(table), &value)
}

fn raise(tx: &mut dyn Writer, openings: u64, due_number: u64) -> Result<(), StoreError> {
    for (table, least) in [(&OPENINGS, openings), (&DUE_NUMBER, due_number)] {
        if read_count(&*tx, table)? < least {
            write_count(tx, table, least)?;
        }
    }
    Ok(())
}
