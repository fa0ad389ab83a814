//! The rows that count who holds a file.

use crate::{Content, Fresh, Name};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ops::ControlFlow;
use virga_base::Account;
use virga_store::{Owned, Place, Store, StoreError, Table, TableInfo, Tx, record};

/// How often rows of an account name a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    account: u64,
    count: u64,
}

record!(Hold, 1);

impl Owned for Hold {
    fn owner(&self) -> Account {
        Account::from_number(self.account)
    }
}

/// Lifetime: while a row of the account names the file. Key: the file, the account. Of the whole world, so that a file's
/// holders are found by its name.
pub(crate) const HOLDS: Table<(u128, u64), Hold> = Table::new(0x000a, "blob.holds");

/// The tables, as people are shown them.
pub const TABLES: [TableInfo; 1] = [HOLDS.owned_info()];

/// How many files one transaction looks up.
pub(crate) const LOOK_UP_MAX: usize = 256;

fn add(tx: &mut Tx<'_>, account: Account, name: Name) -> Result<(), StoreError> {
    let key = (name.number(), account.number());
    let count = tx.get(&HOLDS, key)?.map_or(0, |hold| hold.count) + 1;
    let account = account.number();
    tx.put(&HOLDS, key, &Hold { account, count })
}

/// Says that one more row of `account` names content that was just written.
pub fn hold(tx: &mut Tx<'_>, account: Account, fresh: &Fresh) -> Result<(), StoreError> {
    if !fresh.is_safe() {
        return Err(StoreError::Unreachable(
            "this node was cut off for so long that others may have given up what it had written".to_owned(),
        ));
    }
    match fresh.name() {
        Some(name) => add(&mut tx.elsewhere(&Place::world()), account, name),
        None => Ok(()),
    }
}

/// Says that one more row of `account` names content that a row of this world names already. False, and nothing is done,
/// where no row does: it has been deleted meanwhile.
pub fn share(tx: &mut Tx<'_>, account: Account, content: &Content) -> Result<bool, StoreError> {
    let Some(name) = content.name() else { return Ok(true) };
    let world = Place::world();
    let mut tx = tx.elsewhere(&world);
    if !is_held(&tx, name)? {
        return Ok(false);
    }
    add(&mut tx, account, name)?;
    Ok(true)
}

/// Says that one row of `account` less names this content. What nobody holds then is removed after the commit.
pub fn release(tx: &mut Tx<'_>, account: Account, content: &Content) -> Result<(), StoreError> {
    let Some(name) = content.name() else { return Ok(()) };
    let world = Place::world();
    let mut tx = tx.elsewhere(&world);
    let key = (name.number(), account.number());
    match tx.get(&HOLDS, key)? {
        Some(Hold { account, count }) if count > 1 => {
            let count = count - 1;
            tx.put(&HOLDS, key, &Hold { account, count })
        }
        Some(_) => {
            tx.delete(&HOLDS, key)?;
            tx.leave(&name.0);
            Ok(())
        }
        None => Ok(()),
    }
}

fn is_held(tx: &Tx<'_>, name: Name) -> Result<bool, StoreError> {
    Ok(tx.scan(&HOLDS).prefix((name.number(),)).first()?.is_some())
}

/// Those of the files that this world does not hold, for good: no crash brings a hold back.
pub async fn unheld(store: &Store, names: &[Name]) -> Result<Vec<Name>, StoreError> {
    let (world, mut unheld) = (Place::world(), Vec::new());
    for some in names.chunks(LOOK_UP_MAX) {
        let found = store.write(&world, |tx| -> Result<Vec<Name>, StoreError> {
            let mut found = Vec::new();
            for name in some {
                if !is_held(tx, *name)? {
                    found.push(*name);
                }
            }
            Ok(found)
        });
        unheld.extend(found.await?);
    }
    Ok(unheld)
}

/// The range of the keys of the rows that count a file, in every world: the first, and the first behind them.
pub fn keys_of_holds(name: Name) -> (Vec<u8>, Vec<u8>) {
    let place = Place::world();
    let from = place.key_of(&HOLDS, (name.number(), 0));
    let to = place.key_of(&HOLDS, (name.number(), u64::MAX));
    (from, to)
}

/// All files that this world holds.
pub fn held(store: &Store) -> Result<HashSet<Name>, StoreError> {
    store.read(&Place::world(), |tx| {
        let mut names = HashSet::new();
        tx.scan(&HOLDS).each(|(name, _), _| {
            names.insert(Name::of(name));
            ControlFlow::Continue(())
        })?;
        Ok(names)
    })
}

/// The file that a row counts, by its table and key; `None` for other rows.
pub fn held_by_row(table: u16, key: &[u8]) -> Option<Name> {
    if table != HOLDS.number {
        return None;
    }
    let (_, _, _, rest) = Place::split(key)?;
    let (name, _) = <(u128, u64) as virga_store::Key>::read(&mut &*rest)?;
    Some(Name::of(name))
}
