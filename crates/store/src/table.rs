//! Declared tables and the records they hold.

use crate::{Key, StoreError};
use std::fmt::Debug;
use std::marker::PhantomData;
use virga_base::Account;

/// A stored value: a version marker, then the bytes of that version.
///
/// Implement it with [`record!`](crate::record), which writes the present version and reads each older one through a
/// conversion.
pub trait Record: Sized {
    const VERSION: u8;
    fn encode(&self, out: &mut Vec<u8>);
    /// Reads any version up to the present; `None` where the bytes are no such record.
    fn decode(version: u8, bytes: &[u8]) -> Option<Self>;
}

/// Implements [`Record`] for a serde type.
///
/// `record!(Queue, 1)` for the first version. After a change of the stored form keep the old type as `QueueV1` with
/// `From<QueueV1> for Queue` and write `record!(Queue, 2, 1 => QueueV1)`.
#[macro_export]
macro_rules! record {
    ($type:ty, $version:literal $(, $old:literal => $old_type:ty)* $(,)?) => {
        impl $crate::Record for $type {
            const VERSION: u8 = $version;
            fn encode(&self, out: &mut Vec<u8>) {
                $crate::encode_record(self, out);
            }
            fn decode(version: u8, bytes: &[u8]) -> Option<Self> {
                match version {
                    $version => $crate::decode_record(bytes),
                    $($old => $crate::decode_record::<$old_type>(bytes).map(Into::into),)*
                    _ => None,
                }
            }
        }
    };
}

#[doc(hidden)]
pub fn encode_record<T: serde::Serialize>(value: &T, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail; a type that refuses to be serialized leaves no bytes, and is found on reading.
    if let Ok(bytes) = postcard::to_extend(value, std::mem::take(out)) {
        *out = bytes;
    }
}

#[doc(hidden)]
pub fn decode_record<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

/// A kind of row: its number, which is on disk and never changes, and its types. A row's key is its account, region and
/// table number, then `K`.
pub struct Table<K, V> {
    pub number: u16,
    pub name: &'static str,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Record> Table<K, V> {
    /// Numbers are unique over all services: high byte the service (see its `service.toml`), low byte the table.
    pub const fn new(number: u16, name: &'static str) -> Table<K, V> {
        Table {
            number,
            name,
            types: PhantomData,
        }
    }

    pub(crate) fn encode(value: &V, out: &mut Vec<u8>) {
        out.push(V::VERSION);
        value.encode(out);
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<V, StoreError> {
        bytes
            .split_first()
            .and_then(|(version, rest)| V::decode(*version, rest))
            .ok_or(StoreError::Corrupt(self.name))
    }
}

/// A table as people are shown it.
#[derive(Clone, Copy)]
pub struct TableInfo {
    pub number: u16,
    pub name: &'static str,
    key: fn(&[u8]) -> Option<String>,
    owner: Option<OwnerOf>,
}

/// Says by its value whose a row is.
type OwnerOf = fn(&[u8]) -> Option<Account>;

/// A value that says whose it is, in a table of what the whole world shares.
pub trait Owned {
    fn owner(&self) -> Account;
}

impl TableInfo {
    /// Whose a row is that is stored for the whole world, by its value; `None` where it is nobody's.
    pub fn owner(&self, value: &[u8]) -> Option<Account> {
        self.owner.and_then(|owner| owner(value))
    }

    /// The table's own parts of a key, such as `"mail", 7`; `None` where the bytes are no such key.
    pub fn key(&self, bytes: &[u8]) -> Option<String> {
        (self.key)(bytes)
    }
}

impl<K: Key, V: Record> Table<K, V>
where
    K::Owned: Debug,
{
    pub const fn info(&self) -> TableInfo {
        TableInfo {
            number: self.number,
            name: self.name,
            key: show_key::<K>,
            owner: None,
        }
    }

    /// The same for a table of the world's whose rows belong to accounts: they go where their account is saved, loaded or
    /// removed.
    pub const fn owned_info(&self) -> TableInfo
    where
        V: Owned,
    {
        TableInfo {
            owner: Some(owner_of::<V>),
            ..self.info()
        }
    }
}

fn owner_of<V: Record + Owned>(value: &[u8]) -> Option<Account> {
    let (version, rest) = value.split_first()?;
    V::decode(*version, rest).map(|value| value.owner())
}

fn show_key<K: Key>(mut bytes: &[u8]) -> Option<String>
where
    K::Owned: Debug,
{
    let key = K::read(&mut bytes).filter(|_| bytes.is_empty())?;
    let text = format!("{key:?}");
    let parts = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    Some(parts.map_or(text.clone(), |parts| parts.trim_end_matches(',').to_owned()))
}

/// For tables that are sets or indexes: the key says everything.
impl Record for () {
    const VERSION: u8 = 0;
    fn encode(&self, _out: &mut Vec<u8>) {}
    fn decode(version: u8, bytes: &[u8]) -> Option<()> {
        (version == 0 && bytes.is_empty()).then_some(())
    }
}

impl Record for u64 {
    const VERSION: u8 = 0;
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn decode(version: u8, bytes: &[u8]) -> Option<u64> {
        if version != 0 {
            return None;
        }
        bytes.try_into().ok().map(u64::from_be_bytes)
    }
}

impl Record for Vec<u8> {
    const VERSION: u8 = 0;
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn decode(version: u8, bytes: &[u8]) -> Option<Vec<u8>> {
        (version == 0).then(|| bytes.to_vec())
    }
}
