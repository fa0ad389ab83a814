//! What a row is to whoever takes rows from one world to another.

use crate::schedule::{CLAIMS, Claim, DUE, DUE_NUMBER, DueRow, NODES};
use crate::store::OPENINGS;
use crate::{Key, Place, StoreError, Table};
use virga_base::{Account, Timestamp};

/// One row, by what becomes of it in another world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Luggage {
    /// An account's, or the whole world's where there is none.
    Row { account: Option<Account>, table: u16 },
    /// Deferred work that runs in an account.
    Due { account: u64 },
    /// The same while somebody works on it: the row that it is where nobody does.
    Claimed { account: u64, key: Vec<u8>, value: Vec<u8> },
    /// The last number given to a row of work.
    DueNumber(u64),
    /// How often the rows have been opened.
    Openings(u64),
    /// A process that worked on the rows, which is of no concern elsewhere.
    Node,
}

/// Says what a row is.
pub fn luggage(key: &[u8], value: &[u8]) -> Result<Luggage, StoreError> {
    let (account, _, table, rest) = Place::split(key).ok_or(StoreError::Corrupt("unknown"))?;
    if account.is_some() {
        return Ok(Luggage::Row { account, table });
    }
    Ok(match table {
        _ if table == DUE.number => Luggage::Due {
            account: DUE.decode(value)?.account,
        },
        _ if table == CLAIMS.number => {
            let (_, number) = <(u64, u64) as Key>::read(&mut &*rest).ok_or(StoreError::Corrupt(CLAIMS.name))?;
            let Claim { at, mut row } = CLAIMS.decode(value)?;
            row.attempts = row.attempts.saturating_add(1);
            Luggage::Claimed {
                account: row.account,
                key: due_key(at, number),
                value: due_value(&row),
            }
        }
        _ if table == DUE_NUMBER.number => Luggage::DueNumber(DUE_NUMBER.decode(value)?),
        _ if table == OPENINGS.number => Luggage::Openings(OPENINGS.decode(value)?),
        _ if table == NODES.number => Luggage::Node,
        table => Luggage::Row { account: None, table },
    })
}

pub(crate) fn due_key(at: Timestamp, number: u64) -> Vec<u8> {
    let mut key = Place::world().key(DUE.number, 16);
    Key::write(&(at, number), &mut key);
    key
}

pub(crate) fn due_value(row: &DueRow) -> Vec<u8> {
    let mut value = Vec::new();
    Table::<(Timestamp, u64), DueRow>::encode(row, &mut value);
    value
}

/// When deferred work is due, and its number, by its key.
pub(crate) fn due_name(key: &[u8]) -> Option<(Timestamp, u64)> {
    let (_, _, _, rest) = Place::split(key)?;
    <(Timestamp, u64) as Key>::read(&mut &*rest)
}
