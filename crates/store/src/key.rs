//! Order-keeping key bytes.
//!
//! Numbers are big-endian (signed ones with the sign bit flipped). Text and bytes end in `00 01`, and a zero byte within
//! them is written `00 FF`, so that a shorter text sorts before a longer one that begins with it.

use virga_base::{Account, Region, Timestamp};

/// One part of a key. `Owned` is what a scan gives back.
pub trait KeyPart {
    type Owned: 'static;
    fn write(&self, out: &mut Vec<u8>);
    /// Takes the part off the front; `None` where the bytes are no such part.
    fn read(input: &mut &[u8]) -> Option<Self::Owned>;
}

/// A whole key, or the first parts of one: a tuple of parts, or a single part.
pub trait Key {
    type Owned: 'static;
    fn write(&self, out: &mut Vec<u8>);
    fn read(input: &mut &[u8]) -> Option<Self::Owned>;
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*head)
}

macro_rules! unsigned {
    ($($type:ty)*) => {$(
        impl KeyPart for $type {
            type Owned = $type;
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn read(input: &mut &[u8]) -> Option<$type> {
                take(input).map(<$type>::from_be_bytes)
            }
        }
    )*};
}

unsigned!(u8 u16 u32 u64 u128);

impl KeyPart for i64 {
    type Owned = i64;
    fn write(&self, out: &mut Vec<u8>) {
        ((*self as u64) ^ (1 << 63)).write_part(out);
    }
    fn read(input: &mut &[u8]) -> Option<i64> {
        <u64 as KeyPart>::read(input).map(|n| (n ^ (1 << 63)) as i64)
    }
}

trait WritePart {
    fn write_part(&self, out: &mut Vec<u8>);
}

impl<P: KeyPart> WritePart for P {
    fn write_part(&self, out: &mut Vec<u8>) {
        KeyPart::write(self, out);
    }
}

impl KeyPart for bool {
    type Owned = bool;
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn read(input: &mut &[u8]) -> Option<bool> {
        take(input).map(|[b]: [u8; 1]| b != 0)
    }
}

impl KeyPart for Timestamp {
    type Owned = Timestamp;
    fn write(&self, out: &mut Vec<u8>) {
        self.as_millis().write_part(out);
    }
    fn read(input: &mut &[u8]) -> Option<Timestamp> {
        <i64 as KeyPart>::read(input).map(Timestamp::from_millis)
    }
}

impl KeyPart for [u8] {
    type Owned = Vec<u8>;
    fn write(&self, out: &mut Vec<u8>) {
        let mut rest = self;
        while let Some(zero) = rest.iter().position(|byte| *byte == 0) {
            let (before, after) = rest.split_at(zero + 1);
            out.extend_from_slice(before);
            out.push(0xff);
            rest = after;
        }
        out.extend_from_slice(rest);
        out.extend_from_slice(&TEXT_END);
    }
    fn read(input: &mut &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            let [byte] = take(input)?;
            if byte != 0 {
                out.push(byte);
                continue;
            }
            match take(input)? {
                [0xff] => out.push(0),
                [1] => return Some(out),
                _ => return None,
            }
        }
    }
}

impl KeyPart for str {
    type Owned = String;
    fn write(&self, out: &mut Vec<u8>) {
        self.as_bytes().write_part_unsized(out);
    }
    fn read(input: &mut &[u8]) -> Option<String> {
        String::from_utf8(<[u8] as KeyPart>::read(input)?).ok()
    }
}

trait WriteUnsized {
    fn write_part_unsized(&self, out: &mut Vec<u8>);
}

impl WriteUnsized for [u8] {
    fn write_part_unsized(&self, out: &mut Vec<u8>) {
        KeyPart::write(self, out);
    }
}

impl<P: KeyPart + ?Sized> KeyPart for &P {
    type Owned = P::Owned;
    fn write(&self, out: &mut Vec<u8>) {
        P::write(self, out);
    }
    fn read(input: &mut &[u8]) -> Option<P::Owned> {
        P::read(input)
    }
}

impl KeyPart for String {
    type Owned = String;
    fn write(&self, out: &mut Vec<u8>) {
        KeyPart::write(self.as_str(), out);
    }
    fn read(input: &mut &[u8]) -> Option<String> {
        <str as KeyPart>::read(input)
    }
}

impl KeyPart for Vec<u8> {
    type Owned = Vec<u8>;
    fn write(&self, out: &mut Vec<u8>) {
        KeyPart::write(self.as_slice(), out);
    }
    fn read(input: &mut &[u8]) -> Option<Vec<u8>> {
        <[u8] as KeyPart>::read(input)
    }
}

macro_rules! tuple {
    ($($part:ident $at:tt),*) => {
        impl<$($part: KeyPart),*> Key for ($($part,)*) {
            type Owned = ($($part::Owned,)*);
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$at.write(out);)*
                let _ = out;
            }
            fn read(input: &mut &[u8]) -> Option<Self::Owned> {
                let _ = &input;
                Some(($($part::read(input)?,)*))
            }
        }
    };
}

tuple!();
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);

/// Stands for the account in the keys of what the whole world shares.
const WORLD: u64 = (1 << 40) - 1;

/// The account and region that a handle is narrowed to; the first bytes of every key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Zeros behind the `length` that count. Every call has a place, so it is kept without an allocation.
    bytes: [u8; PLACE_MAX_BYTES],
    length: u8,
}

/// Behind a text in a key.
const TEXT_END: [u8; 2] = [0, 1];
/// An account, the longest region and its end.
const PLACE_MAX_BYTES: usize = 5 + 32 + 2;

impl Place {
    /// What one account keeps in one region.
    pub fn new(account: Account, region: &Region) -> Place {
        Place::of(account.number(), region.as_str())
    }

    /// What an account keeps in no region (IAM).
    pub fn account(account: Account) -> Place {
        Place::of(account.number(), "")
    }

    /// What the whole world shares (names of buckets, deferred work).
    pub fn world() -> Place {
        // Above every account, so that a scan over an account never meets it.
        Place::of(WORLD, "")
    }

    fn of(account: u64, region: &str) -> Place {
        let mut bytes = [0; PLACE_MAX_BYTES];
        // Twelve digits fit 40 bits.
        bytes[..5].copy_from_slice(&account.to_be_bytes()[3..]);
        // No region has a zero byte, nor more bytes than there is room for.
        let end = 5 + region.len().min(PLACE_MAX_BYTES - 5 - TEXT_END.len());
        bytes[5..end].copy_from_slice(&region.as_bytes()[..end - 5]);
        bytes[end..end + TEXT_END.len()].copy_from_slice(&TEXT_END);
        let length = (end + TEXT_END.len()) as u8;
        Place { bytes, length }
    }

    /// The parts of a whole key: account (`None` for what the world shares), region, table, and the table's own.
    pub fn split(key: &[u8]) -> Option<(Option<Account>, String, u16, &[u8])> {
        let mut rest = key;
        let [a, b, c, d, e] = take(&mut rest)?;
        let number = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
        let region = <str as KeyPart>::read(&mut rest)?;
        let table = take(&mut rest).map(u16::from_be_bytes)?;
        let account = (number != WORLD).then(|| Account::from_number(number));
        Some((account, region, table, rest))
    }

    /// The whole key of a row, for who asks an engine past its transactions.
    pub fn key_of<K: Key, V: crate::Record>(&self, table: &crate::Table<K, V>, key: K) -> Vec<u8> {
        let mut bytes = self.key(table.number, 32);
        key.write(&mut bytes);
        bytes
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The first bytes of all keys of the same account, whatever the region.
    pub(crate) fn number_bytes(&self) -> Vec<u8> {
        self.bytes.get(..5).unwrap_or_default().to_vec()
    }

    pub(crate) fn key(&self, table: u16, capacity: usize) -> Vec<u8> {
        let mut key = Vec::with_capacity(usize::from(self.length) + 2 + capacity);
        self.begin_key(table, &mut key);
        key
    }

    pub(crate) fn begin_key(&self, table: u16, key: &mut Vec<u8>) {
        key.extend_from_slice(self.bytes());
        key.extend_from_slice(&table.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Place};
    use proptest::prelude::{any, proptest};
    use virga_base::{Account, Region};

    fn bytes(key: impl Key) -> Vec<u8> {
        let mut out = Vec::new();
        key.write(&mut out);
        out
    }

    type Parts = (String, i64, Vec<u8>, u64);

    proptest! {
        #[test]
        fn keys_read_back(a in any::<String>(), b in any::<i64>(), c in any::<Vec<u8>>(), d in any::<u64>()) {
            let key: Parts = (a, b, c, d);
            let written = bytes(key.clone());
            let mut input = written.as_slice();
            assert_eq!(<Parts as Key>::read(&mut input), Some(key));
            assert!(input.is_empty());
        }

        #[test]
        fn keys_sort_as_their_parts_do(
            x in (proptest::collection::vec(0u8..3, 0..5), any::<i64>()),
            y in (proptest::collection::vec(0u8..3, 0..5), any::<i64>()),
        ) {
            assert_eq!(bytes(x.clone()).cmp(&bytes(y.clone())), x.cmp(&y));
        }

        #[test]
        fn no_bytes_make_reading_panic(junk in any::<Vec<u8>>()) {
            let _ = <Parts as Key>::read(&mut junk.as_slice());
        }
    }

    #[test]
    fn a_whole_key_tells_its_parts() {
        let account = Account::from_number(42);
        let region = Region::parse("eu-west-1").unwrap_or_default();
        let mut key = Place::new(account, &region).key(0x0203, 0);
        key.extend_from_slice(b"rest");
        assert_eq!(
            Place::split(&key),
            Some((Some(account), "eu-west-1".to_owned(), 0x0203, b"rest".as_slice()))
        );
        let key = Place::world().key(7, 0);
        assert_eq!(Place::split(&key), Some((None, String::new(), 7, b"".as_slice())));
        assert_eq!(Place::split(b"\0\0"), None);
    }

    #[test]
    fn places_do_not_overlap() {
        let place = |account, region: &str| {
            Place::new(
                Account::from_number(account),
                &Region::parse(region).unwrap_or_default(),
            )
        };
        assert_ne!(place(1, "us-east-1"), place(1, "us-east-2"));
        assert!(place(1, "us-east-1").bytes < place(2, "eu-west-1").bytes);
        assert!(place(999_999_999_999, "us-east-1").bytes < Place::world().bytes);
    }
}
