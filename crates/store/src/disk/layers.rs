//! Rows in three layers: what was changed of late, what is being written to the base, and the base. The upper hides the
//! lower; a removed row is hidden by a mark.

use super::base::{Found, Snapshot};
use crate::StoreError;
use crate::engine::Visit;
use crate::tree::{Row, Tree};
use std::cmp::Ordering;
use std::iter::Peekable;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// How many rows a cursor takes from a tree at first, and at most.
const TAKEN_FIRST: usize = 4;
const TAKEN_MOST: usize = 64;

/// The undermost layer.
#[derive(Clone, Default)]
pub(super) enum Under {
    #[default]
    Nothing,
    Rows(Arc<Snapshot>),
    /// There are rows, but their file cannot be read now.
    Lost,
}

impl Under {
    pub(super) fn lost() -> StoreError {
        StoreError::Engine("the data folder cannot be read".into())
    }

    fn rows(&self) -> Result<Option<&Snapshot>, StoreError> {
        match self {
            Under::Nothing => Ok(None),
            Under::Rows(rows) => Ok(Some(rows)),
            Under::Lost => Err(Under::lost()),
        }
    }
}

/// A clone shares everything until one side writes.
#[derive(Clone, Default)]
pub(super) struct Layers {
    pub(super) recent: Tree,
    pub(super) settling: Option<Tree>,
    pub(super) base: Under,
    /// How many marks of removed rows `recent` holds, about.
    pub(super) marks: usize,
}

impl Layers {
    fn trees(&self) -> impl DoubleEndedIterator<Item = &Tree> {
        std::iter::once(&self.recent).chain(&self.settling)
    }

    pub(super) fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        for tree in self.trees() {
            if let Some(row) = tree.get(key) {
                if !row.is_gone() {
                    found(row.value());
                }
                return Ok(());
            }
        }
        match self.base.rows()? {
            Some(base) => base.get(key, found).map(drop),
            None => Ok(()),
        }
    }

    /// Whether there is a row with that key below the upmost layer.
    pub(super) fn has_below(&self, key: &[u8]) -> Result<bool, StoreError> {
        if let Some(row) = self.settling.as_ref().and_then(|tree| tree.get(key)) {
            return Ok(!row.is_gone());
        }
        self.base.rows()?.map_or(Ok(false), |base| base.has(key))
    }

    pub(super) fn scan(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        if !is_forward(from, to) {
            return Ok(());
        }
        let mut trees = Vec::with_capacity(2);
        for tree in self.trees().filter(|tree| !tree.is_empty()) {
            trees.push(Cursor::new(tree, from, to, reverse));
        }
        match self.base.rows()? {
            None => merge(&mut trees, std::iter::empty(), reverse, visit),
            Some(base) => {
                let rows = base.range(from, to)?;
                if reverse {
                    merge(&mut trees, rows.rev(), reverse, visit)
                } else {
                    merge(&mut trees, rows, reverse, visit)
                }
            }
        }
    }
}

/// Whether rows can lie between two keys.
fn is_forward(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(a), Bound::Included(b)) => a <= b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a < b,
    }
}

/// Visits the rows of all layers in order, each key once, as the upmost layer has it.
fn merge<'b>(
    trees: &mut [Cursor<'_>],
    base: impl Iterator<Item = Result<Found<'b>, StoreError>>,
    reverse: bool,
    visit: Visit<'_>,
) -> Result<(), StoreError> {
    let mut base: Peekable<_> = base.peekable();
    let order = |a: &[u8], b: &[u8]| if reverse { b.cmp(a) } else { a.cmp(b) };
    loop {
        // The upmost of those layers whose next row comes first.
        let mut next: Option<(usize, &Row)> = None;
        for (index, cursor) in trees.iter().enumerate() {
            if let Some(row) = cursor.peek()
                && next.is_none_or(|(_, first)| order(row.key(), first.key()) == Ordering::Less)
            {
                next = Some((index, row));
            }
        }
        let from_base = match base.peek() {
            None => None,
            Some(Err(_)) => return base.next().map_or(Ok(()), |failed| failed.map(drop)),
            Some(Ok((key, _))) => Some(next.map_or(Ordering::Greater, |(_, row)| order(row.key(), key.value()))),
        };
        let flow = match (next, from_base) {
            (None, None) => return Ok(()),
            (_, Some(Ordering::Greater)) => match base.next() {
                Some(Ok((key, value))) => visit(key.value(), value.value()),
                _ => return Ok(()),
            },
            (Some((_, row)), order) => {
                if order == Some(Ordering::Equal) {
                    base.next();
                }
                let (key, value) = row.split();
                let flow = if row.is_gone() {
                    ControlFlow::Continue(())
                } else {
                    visit(key, value)
                };
                // The row lives in its tree, not in the cursor, so that the cursors can move on.
                let row = row.clone();
                for cursor in trees.iter_mut() {
                    if cursor.peek().is_some_and(|other| other.key() == row.key()) {
                        cursor.advance();
                    }
                }
                flow
            }
            (None, Some(_)) => return Ok(()),
        };
        if flow.is_break() {
            return Ok(());
        }
    }
}

/// A walk over a tree that can be held. It takes some rows ahead, more from time to time.
struct Cursor<'t> {
    tree: &'t Tree,
    reverse: bool,
    /// What lies behind the rows taken.
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    taken: Vec<&'t Row>,
    next: usize,
    most: usize,
}

impl<'t> Cursor<'t> {
    fn new(tree: &'t Tree, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool) -> Cursor<'t> {
        let mut cursor = Cursor {
            tree,
            reverse,
            from: from.map(<[u8]>::to_vec),
            to: to.map(<[u8]>::to_vec),
            taken: Vec::new(),
            next: 0,
            most: TAKEN_FIRST,
        };
        cursor.take();
        cursor
    }

    fn take(&mut self) {
        self.taken.clear();
        self.next = 0;
        let (taken, most) = (&mut self.taken, self.most);
        let (from, to) = (
            self.from.as_ref().map(Vec::as_slice),
            self.to.as_ref().map(Vec::as_slice),
        );
        self.tree.scan(from, to, self.reverse, &mut |row| {
            taken.push(row);
            if taken.len() == most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        self.most = (self.most * 2).min(TAKEN_MOST);
    }

    fn peek(&self) -> Option<&'t Row> {
        self.taken.get(self.next).copied()
    }

    fn advance(&mut self) {
        self.next += 1;
        if self.next < self.taken.len() {
            return;
        }
        if let Some(last) = self.taken.last() {
            let end = Bound::Excluded(last.key().to_vec());
            if self.reverse {
                self.to = end;
            } else {
                self.from = end;
            }
            self.take();
        }
    }
}
