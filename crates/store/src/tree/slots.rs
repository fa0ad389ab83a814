//! One node's sorted items, searched without leaving the node.

use std::array;
use std::cmp::Ordering;

/// An item that is found by its key. Two items of one [`Slots`] never have the same.
pub(super) trait Keyed: Clone {
    fn key(&self) -> &[u8];

    /// Reads what a clone would write to, so that it comes into the cache.
    fn touch_for_clone(&self);
}

/// Shared bytes up to this many are also kept in the node; with the counters before them they fill a cache line.
const PREFIX: usize = 44;

/// Heads that are looked at together: a cache line.
const BLOCK: usize = 8;

/// At most `N` items in the order of their keys.
///
/// All keys share their first `skip` bytes, and the eight bytes behind these are kept beside the items as a number, the
/// head. A search compares heads, and looks at items only where these are equal (and at one where more bytes are shared
/// than the node has room for). Without heads each step of the search would wait for memory.
#[repr(C)]
pub(super) struct Slots<T, const N: usize> {
    length: u16,
    skip: u16,
    prefix: [u8; PREFIX],
    heads: [u64; N],
    items: [Option<T>; N],
}

/// Eight bytes of `key` from `skip` on, filled up with zeros, such that greater keys have no lesser heads.
fn head(key: &[u8], skip: usize) -> u64 {
    let rest = key.get(skip..).unwrap_or_default();
    let bytes = rest.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes[..rest.len()].copy_from_slice(rest);
        bytes
    });
    u64::from_be_bytes(bytes)
}

/// How many bytes two keys share at their beginning.
pub(super) fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

impl<T: Keyed, const N: usize> Default for Slots<T, N> {
    fn default() -> Self {
        Slots {
            length: 0,
            skip: 0,
            prefix: [0; PREFIX],
            heads: [0; N],
            items: [const { None }; N],
        }
    }
}

impl<T: Keyed, const N: usize> Clone for Slots<T, N> {
    fn clone(&self) -> Self {
        // A clone of an item counts up in memory that is most likely not cached. Reads wait for memory all at once, counts
        // one after the other.
        self.items.iter().flatten().for_each(T::touch_for_clone);
        Slots {
            length: self.length,
            skip: self.skip,
            prefix: self.prefix,
            heads: self.heads,
            items: self.items.clone(),
        }
    }
}

impl<T: Keyed, const N: usize> Slots<T, N> {
    pub(super) fn len(&self) -> usize {
        usize::from(self.length)
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() == N
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        self.items.get(index)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.items.get_mut(index)?.as_mut()
    }

    fn key(&self, index: usize) -> &[u8] {
        self.get(index).map(T::key).unwrap_or_default()
    }

    /// Where `key` is, or where it would be put.
    pub(super) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        let (length, skip) = (self.len(), usize::from(self.skip));
        if length == 0 {
            return Err(0);
        }
        let head = head(key, skip);
        let heads = &self.heads[..length];
        // Looking at the last of every block, then at one block, does not wait for one before it knows the next, as halving
        // does. Plain loops: vectors of the oldest processors know no unsigned numbers of eight bytes.
        let (blocks, _) = heads.as_chunks::<BLOCK>();
        let passed = BLOCK * blocks.iter().take_while(|block| block[BLOCK - 1] < head).count();
        let low = passed + heads[passed..].iter().take_while(|other| **other < head).count();
        match self.compare_shared(key, low) {
            Ordering::Less => return Err(0),
            Ordering::Greater => return Err(length),
            Ordering::Equal => {}
        }
        let equal = heads[low..].iter().take_while(|other| **other == head).count();
        if equal == 0 {
            return Err(low);
        }
        let rest = &key[skip..];
        self.items[low..low + equal]
            .binary_search_by(|item| item.as_ref().map(|item| &item.key()[skip..]).cmp(&Some(rest)))
            .map(|index| low + index)
            .map_err(|index| low + index)
    }

    /// Compares the beginning of `key` with what all keys share; an item near `index` is looked at if need be.
    fn compare_shared(&self, key: &[u8], index: usize) -> Ordering {
        let skip = usize::from(self.skip);
        let all = match self.prefix.get(..skip) {
            Some(prefix) => prefix,
            None => &self.key(index.min(self.len().saturating_sub(1)))[..skip],
        };
        key[..skip.min(key.len())].cmp(all)
    }

    /// Puts an item with another key where [`Slots::search`] said. There must be room.
    pub(super) fn insert(&mut self, index: usize, item: T) {
        let length = self.len();
        self.fit(item.key(), index);
        self.heads[length] = head(item.key(), usize::from(self.skip));
        self.items[length] = Some(item);
        self.heads[index..=length].rotate_right(1);
        self.items[index..=length].rotate_right(1);
        self.length += 1;
        // Now and then, so that the cost is shared by many insertions.
        if self.length.is_power_of_two() {
            self.tighten();
        }
    }

    /// Puts an item in the place of another. Its key must fit there.
    pub(super) fn replace(&mut self, index: usize, item: T) -> Option<T> {
        self.fit(item.key(), index);
        self.heads[index] = head(item.key(), usize::from(self.skip));
        self.items[index].replace(item)
    }

    pub(super) fn remove(&mut self, index: usize) -> Option<T> {
        let length = self.len();
        self.heads[index..length].rotate_left(1);
        self.items[index..length].rotate_left(1);
        self.length -= 1;
        self.items[length - 1].take()
    }

    /// Takes out all items from `index` on.
    pub(super) fn split_off(&mut self, index: usize) -> Self {
        let length = self.len();
        let mut right = Slots {
            skip: self.skip,
            prefix: self.prefix,
            ..Slots::default()
        };
        right.heads[..length - index].copy_from_slice(&self.heads[index..length]);
        for (to, from) in right.items.iter_mut().zip(&mut self.items[index..length]) {
            *to = from.take();
        }
        right.length = (length - index) as u16;
        self.length = index as u16;
        self.tighten();
        right.tighten();
        right
    }

    /// Takes in items that all have greater keys. There must be room.
    pub(super) fn append(&mut self, mut right: Self) {
        let (length, more) = (self.len(), right.len());
        for (to, from) in self.items[length..].iter_mut().zip(&mut right.items[..more]) {
            *to = from.take();
        }
        self.length += right.length;
        self.set_skip(self.shared_by_all());
    }

    /// The bytes that all keys share: as the keys are sorted, those that the outermost share.
    fn shared_by_all(&self) -> usize {
        shared(self.key(0), self.key(self.len().saturating_sub(1)))
    }

    /// Makes `skip` short enough for a key that comes to lie at or before `index`.
    fn fit(&mut self, key: &[u8], index: usize) {
        let Some(last) = self.len().checked_sub(1) else {
            self.skip = 0;
            return;
        };
        if self.compare_shared(key, index) != Ordering::Equal {
            self.set_skip(shared(key, self.key(index.min(last))));
        }
    }

    /// Makes `skip` longer where half of the heads' bytes tell nothing.
    fn tighten(&mut self) {
        let last = self.len().saturating_sub(1);
        if (self.heads[0] ^ self.heads[last]).leading_zeros() >= 32 {
            let skip = self.shared_by_all();
            if skip > usize::from(self.skip) {
                self.set_skip(skip);
            }
        }
    }

    fn set_skip(&mut self, skip: usize) {
        // No key is longer than two bytes can say, see `Row`.
        self.skip = skip as u16;
        let mut prefix = [0; PREFIX];
        for (to, from) in prefix.iter_mut().zip(&self.key(0)[..skip]) {
            *to = *from;
        }
        self.prefix = prefix;
        self.heads = array::from_fn(|index| match self.get(index) {
            Some(item) => head(item.key(), skip),
            None => 0,
        });
    }

    /// The items from one index to another, all there.
    pub(super) fn range(&self, from: usize, to: usize) -> &[Option<T>] {
        self.items[..self.len()].get(from..to).unwrap_or_default()
    }
}
