//! Room that reads share. Reads run on many threads, and what each frees the allocator would keep for that thread.

use crate::PIECE_BYTES;
use bytes::Bytes;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that are kept while nobody uses them.
const KEPT_MAX: usize = 16;

/// Buffers of [`PIECE_BYTES`], used again and again.
#[derive(Clone, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// A buffer that goes back when the last of its bytes is dropped.
struct Lent {
    room: Vec<u8>,
    filled: usize,
    home: Buffers,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.room.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut kept = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX {
            kept.push(std::mem::take(&mut self.room));
        }
    }
}

impl Buffers {
    /// Fills at most `count` bytes of a buffer, and never more than it has room for.
    pub(crate) fn fill(&self, count: usize, fill: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut lent = Lent {
            room: kept.unwrap_or_else(|| vec![0; PIECE_BYTES]),
            filled: 0,
            home: self.clone(),
        };
        let count = count.min(lent.room.len());
        lent.filled = fill(lent.room.get_mut(..count).unwrap_or_default())?;
        Ok(Bytes::from_owner(lent))
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffers, KEPT_MAX};
    use crate::PIECE_BYTES;

    #[test]
    fn rooms_are_used_again_and_few_are_kept() {
        let buffers = Buffers::default();
        let fill = |count, byte| {
            let filled = buffers.fill(count, |room| {
                room.fill(byte);
                Ok(room.len())
            });
            filled.expect("filled")
        };
        let first = fill(10, 1);
        assert_eq!(first, vec![1; 10]);
        let place = first.as_ptr();
        drop(first);
        let again = fill(PIECE_BYTES + 1, 2);
        assert_eq!((again.as_ptr(), again.len()), (place, PIECE_BYTES));
        let many: Vec<_> = (0..KEPT_MAX + 5).map(|_| fill(3, 3)).collect();
        assert_eq!(again, vec![2; PIECE_BYTES]);
        drop((many, again));
        assert_eq!(buffers.0.lock().expect("a lock").len(), KEPT_MAX);
        assert!(buffers.fill(1, |_| Err(std::io::ErrorKind::Other.into())).is_err());
        assert_eq!(buffers.0.lock().expect("a lock").len(), KEPT_MAX);
    }
}
