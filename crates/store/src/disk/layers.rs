//! Layers of rows, each in three parts: what was changed of late, what is being written to the base, and the base. The upper
//! hides the lower; a removed row is hidden by a mark.

use super::base::{Snapshot, Walk};
use super::forks::Forks;
use crate::StoreError;
use crate::engine::Visit;
use crate::tree::{Row, Tree};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// How many rows a cursor takes from a tree at first, and at most.
const TAKEN_FIRST: usize = 4;
const TAKEN_MOST: usize = 64;

/// The undermost part.
#[derive(Clone, Default)]
pub(super) enum Under {
    #[default]
    Nothing,
    Rows(Arc<Snapshot>),
    /// There may be rows, but their file cannot be read now.
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

/// The rows of one layer.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) recent: Tree,
    pub(super) settling: Option<Tree>,
    pub(super) base: Under,
}

impl Layer {
    pub(super) fn is_written(&self) -> bool {
        !self.recent.is_empty() || self.settling.is_some() || !matches!(self.base, Under::Nothing)
    }

    /// What the layer says of a key: that there is a row (which is handed on), that there is none, or nothing.
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<Option<bool>, StoreError> {
        if let Some(row) = self.recent.get(key) {
            return Ok(Some(told(row, found)));
        }
        self.get_settled(key, found)
    }

    fn get_settled(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<Option<bool>, StoreError> {
        if let Some(row) = self.settling.as_ref().and_then(|tree| tree.get(key)) {
            return Ok(Some(told(row, found)));
        }
        self.base.rows()?.map_or(Ok(None), |base| base.get(key, found))
    }
}

fn told(row: &Row, found: &mut dyn FnMut(&[u8])) -> bool {
    let is_there = !row.is_gone();
    if is_there {
        found(row.value());
    }
    is_there
}

/// A layer and those below it.
pub(super) struct Chain<'a> {
    pub(super) layers: &'a BTreeMap<u64, Layer>,
    pub(super) forks: &'a Forks,
    pub(super) top: u64,
}

impl<'a> Chain<'a> {
    /// From the top down.
    fn iter(&self) -> impl Iterator<Item = &'a Layer> {
        let (layers, forks) = (self.layers, self.forks);
        let parent = |layer: &u64| forks.layers.get(layer).and_then(|link| link.parent);
        std::iter::successors(Some(self.top), parent).filter_map(|layer| layers.get(&layer))
    }

    pub(super) fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        for layer in self.iter() {
            if layer.get(key, found)?.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Whether there is a row with that key below what was changed of late in the top layer.
    pub(super) fn has_below(&self, key: &[u8]) -> Result<bool, StoreError> {
        for (index, layer) in self.iter().enumerate() {
            let said = if index == 0 {
                layer.get_settled(key, &mut |_| {})
            } else {
                layer.get(key, &mut |_| {})
            };
            if let Some(is_there) = said? {
                return Ok(is_there);
            }
        }
        Ok(false)
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
        let mut sources = Vec::with_capacity(3);
        for layer in self.iter() {
            let trees = std::iter::once(&layer.recent).chain(&layer.settling);
            for tree in trees.filter(|tree| !tree.is_empty()) {
                sources.push(Source::Tree(Cursor::new(tree, from, to, reverse)));
            }
            if let Some(base) = layer.base.rows()? {
                sources.push(Source::Base(Box::new(base.walk(from, to, reverse)?)));
            }
        }
        sources.retain(|source| source.key().is_some());
        merge(&mut sources, reverse, visit)
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

/// Rows in order, from one part of a layer.
enum Source<'a> {
    Tree(Cursor<'a>),
    Base(Box<Walk<'a>>),
}

impl Source<'_> {
    fn key(&self) -> Option<&[u8]> {
        match self {
            Source::Tree(cursor) => cursor.peek().map(Row::key),
            Source::Base(walk) => walk.key(),
        }
    }

    fn show(&self, visit: Visit<'_>) -> ControlFlow<()> {
        match self {
            Source::Tree(cursor) => match cursor.peek() {
                Some(row) if !row.is_gone() => {
                    let (key, value) = row.split();
                    visit(key, value)
                }
                _ => ControlFlow::Continue(()),
            },
            Source::Base(walk) => walk.show(visit),
        }
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        match self {
            Source::Tree(cursor) => {
                cursor.advance();
                Ok(())
            }
            Source::Base(walk) => walk.advance(),
        }
    }
}

/// Visits the rows of all sources in order, each key once, as the upmost source has it.
fn merge(sources: &mut [Source<'_>], reverse: bool, visit: Visit<'_>) -> Result<(), StoreError> {
    let order = |a: &[u8], b: &[u8]| if reverse { b.cmp(a) } else { a.cmp(b) };
    loop {
        // The upmost of those sources whose next row comes first.
        let mut next: Option<(usize, &[u8])> = None;
        for (index, source) in sources.iter().enumerate() {
            if let Some(key) = source.key()
                && next.is_none_or(|(_, first)| order(key, first) == Ordering::Less)
            {
                next = Some((index, key));
            }
        }
        let Some((index, _)) = next else {
            return Ok(());
        };
        let (upper, lower) = sources.split_at_mut(index + 1);
        let Some(source) = upper.last_mut() else {
            return Ok(());
        };
        for other in lower {
            if other.key() == source.key() {
                other.advance()?;
            }
        }
        if source.show(visit).is_break() {
            return Ok(());
        }
        source.advance()?;
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
