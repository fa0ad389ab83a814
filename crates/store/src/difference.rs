//! What two stores do not have alike, found by walking both in step.

use crate::{Engine, Store, StoreError};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::{Bound, ControlFlow};

/// Rows that are read at once, and bytes of them.
const PAGE_MAX_ROWS: usize = 1024;
const PAGE_MAX_BYTES: usize = 1 << 20;

/// Where a row is, or is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    OnlyLeft,
    OnlyRight,
    Both,
}

/// The rows of one side, a page at a time.
struct Walk<'s> {
    engine: &'s dyn Engine,
    page: VecDeque<(Vec<u8>, Vec<u8>)>,
    after: Option<Vec<u8>>,
    ended: bool,
}

impl<'s> Walk<'s> {
    fn new(engine: &'s dyn Engine) -> Walk<'s> {
        Walk {
            engine,
            page: VecDeque::new(),
            after: None,
            ended: false,
        }
    }

    fn fill(&mut self) -> Result<(), StoreError> {
        if self.ended || !self.page.is_empty() {
            return Ok(());
        }
        let from = self.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let (page, mut bytes, mut failed) = (&mut self.page, 0, Ok(()));
        self.engine.read(&mut |rows| {
            page.clear();
            failed = rows.scan(from, Bound::Unbounded, false, &mut |key, value| {
                bytes += key.len() + value.len();
                page.push_back((key.to_vec(), value.to_vec()));
                match page.len() < PAGE_MAX_ROWS && bytes < PAGE_MAX_BYTES {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            });
        })?;
        failed?;
        self.ended = self.page.is_empty();
        self.after = self.page.back().map(|(key, _)| key.clone());
        Ok(())
    }
}

/// Calls `visit` with the key of each row that the two do not have alike, in the order of keys, until it breaks.
///
/// It sees the rows of a moment where they are in memory. Others are read a page at a time: what is written meanwhile may
/// be seen or not.
pub fn differences(
    left: &Store,
    right: &Store,
    visit: &mut dyn FnMut(Side, &[u8]) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let (still_left, still_right) = (left.still()?, right.still()?);
    let (mut left, mut right) = (Walk::new(&*still_left), Walk::new(&*still_right));
    loop {
        left.fill()?;
        right.fill()?;
        let order = match (left.page.front(), right.page.front()) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((left, _)), Some((right, _))) => left.cmp(right),
        };
        let from_left = if order.is_le() { left.page.pop_front() } else { None };
        let from_right = if order.is_ge() { right.page.pop_front() } else { None };
        let flow = match (from_left, from_right) {
            (Some((key, _)), None) => visit(Side::OnlyLeft, &key),
            (None, Some((key, _))) => visit(Side::OnlyRight, &key),
            (Some((key, a)), Some((_, b))) if a != b => visit(Side::Both, &key),
            _ => ControlFlow::Continue(()),
        };
        if flow.is_break() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Side, differences};
    use crate::{MemoryEngine, Place, Store, StoreError, Table};
    use std::ops::ControlFlow;

    const ROWS: Table<(u64,), u64> = Table::new(0x7f01, "test.rows");

    #[tokio::test]
    async fn what_differs_is_found_in_order_over_many_pages() -> Result<(), StoreError> {
        let left = Store::new(Box::new(MemoryEngine::default()));
        let place = Place::world();
        left.write(&place, |tx| (0..5000u64).try_for_each(|i| tx.put(&ROWS, (i,), &i)))
            .await?;
        let right = left.fork("right")?;
        let write = async |store: &Store, i: u64, value: Option<u64>| {
            let change = |tx: &mut crate::Tx<'_>| match value {
                Some(value) => tx.put(&ROWS, (i,), &value),
                None => tx.delete(&ROWS, (i,)),
            };
            store.write(&place, change).await
        };
        write(&left, 4321, None).await?;
        write(&left, 9000, Some(1)).await?;
        write(&right, 17, Some(0)).await?;
        write(&right, 18, Some(18)).await?;
        let mut found = Vec::new();
        differences(&left, &right, &mut |side, key| {
            let number = key.last_chunk().copied().map(u64::from_be_bytes);
            found.push((side, number.unwrap_or_default()));
            ControlFlow::Continue(())
        })?;
        assert_eq!(
            found,
            [(Side::Both, 17), (Side::OnlyRight, 4321), (Side::OnlyLeft, 9000)]
        );
        let mut count = 0;
        differences(&left, &right, &mut |_, _| {
            count += 1;
            ControlFlow::Break(())
        })?;
        assert_eq!(count, 1);
        Ok(())
    }
}
