//! A persistent B+-tree of rows: a clone shares all nodes, and a write copies those on its way that are shared.
//!
//! All rows are in leaves. An entry of a branch holds a child and a key that parts it from its left neighbour: no row in
//! the child has a lesser key, save that the leftmost child of a branch takes in whatever is less.

mod row;
mod slots;

pub(crate) use row::Row;
use slots::{Keyed, Slots};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// Rows in a leaf and children of a branch, at most.
const WIDTH: usize = 64;
/// A node with fewer items than this is joined with a neighbour, if both together leave some room.
const SPARSE: usize = WIDTH / 4;
const JOINED_MOST: usize = WIDTH * 3 / 4;
/// How many rows ahead a scan fetches into the cache, so that it waits for several at once and not for each in turn.
const AHEAD: usize = 8;

type Leaf = Slots<Row, WIDTH>;
type Branch = Slots<Entry, WIDTH>;

#[derive(Clone)]
enum Node {
    Leaf(Arc<Leaf>),
    Branch(Arc<Branch>),
}

#[derive(Clone)]
struct Entry {
    from: Arc<[u8]>,
    node: Node,
}

impl Keyed for Entry {
    fn key(&self) -> &[u8] {
        &self.from
    }

    fn touch_for_clone(&self) {
        std::hint::black_box(Arc::strong_count(&self.from));
        std::hint::black_box(match &self.node {
            Node::Leaf(leaf) => Arc::strong_count(leaf),
            Node::Branch(branch) => Arc::strong_count(branch),
        });
    }
}

/// Rows in the order of their keys.
#[derive(Clone)]
pub(crate) struct Tree {
    root: Node,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree {
            root: Node::Leaf(Arc::default()),
        }
    }
}

impl Tree {
    pub(crate) fn is_empty(&self) -> bool {
        self.root.len() == 0
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Row> {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf.get(leaf.search(key).ok()?),
                Node::Branch(branch) => node = &branch.get(child_for(branch, key))?.node,
            }
        }
    }

    /// Puts a row in; answers the one with the same key, which it takes the place of.
    pub(crate) fn insert(&mut self, row: Row) -> Option<Row> {
        let (old, split) = self.root.insert(row);
        if let Some(right) = split {
            let left = Entry {
                from: self.root.first_key().into(),
                node: std::mem::replace(&mut self.root, Node::Leaf(Arc::default())),
            };
            let mut root = Branch::default();
            root.insert(0, left);
            root.insert(1, right);
            self.root = Node::Branch(Arc::new(root));
        }
        old
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Row> {
        // Where there is nothing to remove, nothing shared is copied.
        self.get(key)?;
        let old = self.root.remove(key);
        while let Node::Branch(branch) = &self.root {
            let only = match branch.len() {
                0 => Node::Leaf(Arc::default()),
                1 => match branch.get(0) {
                    Some(entry) => entry.node.clone(),
                    None => break,
                },
                _ => break,
            };
            self.root = only;
        }
        old
    }

    /// Visits the rows between two keys in rising order, or falling where `reverse` is set.
    pub(crate) fn scan<'t>(
        &'t self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        visit: &mut dyn FnMut(&'t Row) -> ControlFlow<()>,
    ) {
        let _ = self.root.scan(from, to, reverse, visit);
    }
}

/// The child that has `key`, if any has.
fn child_for(branch: &Branch, key: &[u8]) -> usize {
    match branch.search(key) {
        Ok(index) => index,
        Err(index) => index.saturating_sub(1),
    }
}

/// The index of the first item at or behind a lower bound.
fn lower(leaf: &Leaf, from: Bound<&[u8]>) -> usize {
    match from {
        Bound::Unbounded => 0,
        Bound::Included(key) => leaf.search(key).unwrap_or_else(|index| index),
        Bound::Excluded(key) => leaf.search(key).map_or_else(|index| index, |index| index + 1),
    }
}

/// The index of the first item behind an upper bound.
fn upper(leaf: &Leaf, to: Bound<&[u8]>) -> usize {
    match to {
        Bound::Unbounded => leaf.len(),
        Bound::Included(key) => leaf.search(key).map_or_else(|index| index, |index| index + 1),
        Bound::Excluded(key) => leaf.search(key).unwrap_or_else(|index| index),
    }
}

impl Node {
    fn len(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Branch(branch) => branch.len(),
        }
    }

    fn first_key(&self) -> &[u8] {
        match self {
            Node::Leaf(leaf) => leaf.get(0).map(Keyed::key).unwrap_or_default(),
            Node::Branch(branch) => branch.get(0).map(Keyed::key).unwrap_or_default(),
        }
    }

    /// Answers the old row, and the right half where the node had to be split.
    fn insert(&mut self, row: Row) -> (Option<Row>, Option<Entry>) {
        match self {
            Node::Leaf(leaf) => insert_in_leaf(Arc::make_mut(leaf), row),
            Node::Branch(branch) => insert_in_branch(Arc::make_mut(branch), row),
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<Row> {
        match self {
            Node::Leaf(leaf) => {
                let leaf = Arc::make_mut(leaf);
                let index = leaf.search(key).ok()?;
                leaf.remove(index)
            }
            Node::Branch(branch) => {
                let branch = Arc::make_mut(branch);
                let index = child_for(branch, key);
                let entry = branch.get_mut(index)?;
                let old = entry.node.remove(key);
                if entry.node.len() < SPARSE {
                    join(branch, index);
                }
                old
            }
        }
    }

    fn scan<'t>(
        &'t self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        visit: &mut dyn FnMut(&'t Row) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self {
            Node::Leaf(leaf) => {
                let rows = leaf.range(lower(leaf, from), upper(leaf, to));
                if reverse {
                    walk(rows.iter().rev(), visit)
                } else {
                    walk(rows.iter(), visit)
                }
            }
            Node::Branch(branch) => {
                let first = match from {
                    Bound::Unbounded => 0,
                    Bound::Included(key) | Bound::Excluded(key) => child_for(branch, key),
                };
                let last = match to {
                    Bound::Unbounded => branch.len().saturating_sub(1),
                    Bound::Included(key) | Bound::Excluded(key) => child_for(branch, key),
                };
                let mut child = |index: usize, entry: &'t Entry| {
                    let from = if index == first { from } else { Bound::Unbounded };
                    let to = if index == last { to } else { Bound::Unbounded };
                    entry.node.scan(from, to, reverse, visit)
                };
                let mut children = (first..).zip(branch.range(first, last + 1).iter().flatten());
                if reverse {
                    let mut children: Vec<_> = children.collect();
                    children.reverse();
                    children.into_iter().try_for_each(|(index, entry)| child(index, entry))
                } else {
                    children.try_for_each(|(index, entry)| child(index, entry))
                }
            }
        }
    }
}

fn walk<'r>(
    rows: impl ExactSizeIterator<Item = &'r Option<Row>> + Clone,
    visit: &mut dyn FnMut(&'r Row) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut ahead = rows.clone().flatten();
    for (index, row) in rows.flatten().enumerate() {
        // One more than was visited, so that a scan for a single row fetches no others.
        let fetch = if index == 0 { 1 } else { 2 };
        if index < AHEAD {
            ahead
                .by_ref()
                .take(fetch)
                .for_each(|row| _ = std::hint::black_box(row.touch()));
        } else if let Some(row) = ahead.next() {
            std::hint::black_box(row.touch());
        }
        visit(row)?;
    }
    ControlFlow::Continue(())
}

/// Where to split a full node when an item is to come at `index`. Items that come in order leave full nodes behind.
fn split_point(index: usize) -> usize {
    if index == WIDTH { WIDTH } else { WIDTH / 2 }
}

/// Puts an item into a node; answers the right half where it had to be split.
fn insert_or_split<T: Keyed>(items: &mut Slots<T, WIDTH>, index: usize, item: T) -> Option<Slots<T, WIDTH>> {
    if !items.is_full() {
        items.insert(index, item);
        return None;
    }
    let at = split_point(index);
    let mut right = items.split_off(at);
    if index < at || (index == at && at < WIDTH) {
        items.insert(index, item);
    } else {
        right.insert(index - at, item);
    }
    Some(right)
}

fn insert_in_leaf(leaf: &mut Leaf, row: Row) -> (Option<Row>, Option<Entry>) {
    let index = match leaf.search(row.key()) {
        Ok(index) => return (leaf.replace(index, row), None),
        Err(index) => index,
    };
    let Some(right) = insert_or_split(leaf, index, row) else {
        return (None, None);
    };
    // The shortest key that parts the halves.
    let last = leaf.get(leaf.len() - 1).map(Keyed::key).unwrap_or_default();
    let first = right.get(0).map(Keyed::key).unwrap_or_default();
    let from = first[..first.len().min(slots::shared(last, first) + 1)].into();
    let node = Node::Leaf(Arc::new(right));
    (None, Some(Entry { from, node }))
}

fn insert_in_branch(branch: &mut Branch, row: Row) -> (Option<Row>, Option<Entry>) {
    let index = match branch.search(row.key()) {
        Ok(index) => index,
        Err(0) => {
            // Entries that come to be split off must not sort before the leftmost.
            lower_first(branch, row.key());
            0
        }
        Err(index) => index - 1,
    };
    let Some(entry) = branch.get_mut(index) else {
        return (None, None);
    };
    let (old, split) = entry.node.insert(row);
    let Some(split) = split else {
        return (old, None);
    };
    let right = insert_or_split(branch, index + 1, split).map(|right| Entry {
        from: right.get(0).map(|entry| entry.from.clone()).unwrap_or_default(),
        node: Node::Branch(Arc::new(right)),
    });
    (old, right)
}

fn lower_first(branch: &mut Branch, key: &[u8]) {
    if let Some(entry) = branch.get(0) {
        let entry = Entry {
            from: key.into(),
            node: entry.node.clone(),
        };
        branch.replace(0, entry);
    }
}

/// Joins a sparse child with a neighbour, or takes an empty one out.
fn join(branch: &mut Branch, index: usize) {
    let length = |index: usize| branch.get(index).map(|entry| entry.node.len());
    let sparse = length(index).unwrap_or(0);
    if sparse == 0 {
        branch.remove(index);
        return;
    }
    let fits = |other: usize| length(other).is_some_and(|other| other + sparse <= JOINED_MOST);
    let left = if fits(index + 1) {
        index
    } else if index > 0 && fits(index - 1) {
        index - 1
    } else {
        return;
    };
    let Some(right) = branch.remove(left + 1) else { return };
    let Some(entry) = branch.get_mut(left) else { return };
    match (&mut entry.node, right.node) {
        (Node::Leaf(left), Node::Leaf(right)) => Arc::make_mut(left).append(Arc::unwrap_or_clone(right)),
        (Node::Branch(left), Node::Branch(right)) => Arc::make_mut(left).append(Arc::unwrap_or_clone(right)),
        // All leaves are equally deep.
        _ => {}
    }
}

#[cfg(test)]
mod tests;
