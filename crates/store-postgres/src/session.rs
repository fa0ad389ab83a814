//! A transaction of the database: what it has read stays as it was, what it writes is kept here until the end.

use crate::connection::{COMMIT, DELETE, GET, PUT, SCAN_DOWN, SCAN_UP, Statement, WAKE};
use crate::failure::Failure;
use crate::long_keys::{self, KEY_MAX_BYTES};
use crate::pool::{Pool, Pooled};
use crate::wire::message::{Columns, Parameter};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use virga_store::{Reader, StoreError, Topics, Visit, Writer};

/// Rows that a scan asks for first; each further page is four times as long, up to a thousand rows or four megabytes.
const PAGE_FIRST: usize = 16;
const PAGE_MAX: usize = 1_024;
const PAGE_MAX_BYTES: usize = 4 << 20;
/// Pages and rows that are remembered for the next in the same transaction.
const REMEMBERED_MAX: usize = 4_096;
/// Changes that go out in one bundle. Their answers must fit into what a socket holds, or both sides would wait.
const BUNDLE_MAX: usize = 500;
const BUNDLE_MAX_BYTES: usize = 8 << 20;

const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
pub const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";

type Page = Arc<Vec<(Vec<u8>, Vec<u8>)>>;
/// A value, or that there is none.
type Written = Option<Vec<u8>>;
type PageName = (Vec<u8>, Vec<u8>, bool);

/// A transaction under way. It takes a connection when it first needs one.
pub struct Session {
    world: i64,
    link: RefCell<Link>,
    /// What has been written: values, or that there is none.
    changes: BTreeMap<Vec<u8>, Written>,
    /// Whom to wake; the empty topic is that of deferred work.
    topics: BTreeSet<Vec<u8>>,
}

struct Link {
    pool: Arc<Pool>,
    begin: &'static str,
    connection: Option<Pooled>,
    /// Once something has failed, nothing is asked any more.
    failure: Option<Failure>,
    rows: HashMap<Vec<u8>, Option<Arc<[u8]>>>,
    pages: HashMap<PageName, Page>,
}

impl Link {
    fn connection(&mut self) -> Result<&mut Pooled, Failure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.connection.is_none() {
            let mut connection = self.pool.take()?;
            // Goes out with what is asked first.
            connection.query(self.begin);
            connection.owe();
            self.connection = Some(connection);
        }
        self.connection
            .as_mut()
            .ok_or_else(|| Failure::Lost("there is no connection".to_owned()))
    }

    fn ask(
        &mut self,
        statement: Statement,
        parameters: &[Parameter<'_>],
        row: &mut dyn FnMut(Columns<'_>),
    ) -> Result<(), Failure> {
        let connection = self.connection()?;
        connection.execute(statement, parameters);
        connection.sync();
        connection.finish(row)
    }

    fn note<T>(&mut self, result: Result<T, Failure>) -> Result<T, StoreError> {
        result.map_err(|failure| {
            self.failure.get_or_insert_with(|| failure.clone());
            failure.into_error()
        })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.as_mut().filter(|connection| !connection.is_broken()) {
            connection.query("ROLLBACK");
            connection.owe();
            // A failure marks the connection, and is met by whoever would have used it next.
            let _ = connection.send();
        }
    }
}

impl Session {
    pub fn read(pool: &Arc<Pool>, world: i64) -> Session {
        Session::new(pool, world, BEGIN_READ)
    }

    pub fn write(pool: &Arc<Pool>, world: i64) -> Session {
        Session::new(pool, world, BEGIN_WRITE)
    }

    fn new(pool: &Arc<Pool>, world: i64, begin: &'static str) -> Session {
        Session {
            world,
            link: RefCell::new(Link {
                pool: pool.clone(),
                begin,
                connection: None,
                failure: None,
                rows: HashMap::new(),
                pages: HashMap::new(),
            }),
            changes: BTreeMap::new(),
            topics: BTreeSet::new(),
        }
    }

    /// Why nothing more can be done in this transaction.
    pub fn failure(&self) -> Option<Failure> {
        self.link.borrow().failure.clone()
    }

    /// The value of a row as the transaction found it.
    fn row(&self, key: &[u8]) -> Result<Option<Arc<[u8]>>, StoreError> {
        let link = &mut *self.link.borrow_mut();
        if let Some(known) = link.rows.get(key) {
            return Ok(known.clone());
        }
        let mut value = None;
        let asked = link.ask(
            GET,
            &[Parameter::Number(self.world), Parameter::Bytes(key)],
            &mut |mut row| {
                value = row.next().map(Arc::from);
            },
        );
        link.note(asked)?;
        if link.rows.len() < REMEMBERED_MAX {
            link.rows.insert(key.to_vec(), value.clone());
        }
        Ok(value)
    }

    /// The first or last rows from `low` to before `high`, as the transaction found them.
    fn page(&self, low: &[u8], high: &[u8], reverse: bool, most: usize) -> Result<Page, StoreError> {
        let link = &mut *self.link.borrow_mut();
        let is_first = most == PAGE_FIRST;
        if is_first && let Some(known) = link.pages.get(&(low.to_vec(), high.to_vec(), reverse)) {
            return Ok(known.clone());
        }
        let mut rows = Vec::new();
        let parameters = [
            Parameter::Number(self.world),
            Parameter::Bytes(low),
            Parameter::Bytes(high),
            Parameter::Number(most as i64),
        ];
        let statement = if reverse { SCAN_DOWN } else { SCAN_UP };
        let asked = link.ask(statement, &parameters, &mut |mut row| {
            if let (Some(key), Some(value)) = (row.next(), row.next()) {
                rows.push((key.to_vec(), value.to_vec()));
            }
        });
        link.note(asked)?;
        let page = Arc::new(rows);
        if is_first && link.pages.len() < REMEMBERED_MAX / PAGE_FIRST {
            link.pages.insert((low.to_vec(), high.to_vec(), reverse), page.clone());
        }
        Ok(page)
    }

    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        if let Some(change) = self.changes.get(key) {
            if let Some(value) = change {
                found(value);
            }
            return Ok(());
        }
        let (row_key, tail) = long_keys::split(key);
        let Some(value) = self.row(row_key)? else { return Ok(()) };
        match tail {
            None => found(&value),
            Some(tail) => {
                let entries = long_keys::entries(&value);
                if let Some((_, value)) = entries.into_iter().find(|(other, _)| *other == tail) {
                    found(value);
                }
            }
        }
        Ok(())
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) -> Result<(), StoreError> {
        let (mut low, mut high) = long_keys::rows_between(from, to);
        let (mut left, mut right) = (from.map(<[u8]>::to_vec), to.map(<[u8]>::to_vec));
        let mut most = PAGE_FIRST;
        while low < high {
            let page = self.page(&low, &high, reverse, most)?;
            let is_end = page.len() < most;
            // What lies between `left` and `right` on this side of `seam` is complete with this page.
            let seam = match page.last().filter(|_| !is_end) {
                None => None,
                Some((key, _)) if reverse => Some(key.clone()),
                Some((key, _)) if long_keys::is_bucket(key) => long_keys::behind_all(key),
                Some((key, _)) => Some(long_keys::behind(key)),
            };
            // A bucket also holds keys outside of the scan, so that its seam can lie outside too.
            let (page_left, page_right) = match (&seam, reverse) {
                (None, _) => (left.clone(), right.clone()),
                (Some(seam), false) => (left.clone(), no_further_than(&right, seam)),
                (Some(seam), true) => (no_earlier_than(&left, seam), right.clone()),
            };
            if self.merge(&page, &page_left, &page_right, reverse, visit).is_break() || is_end {
                return Ok(());
            }
            let Some((last, _)) = page.last() else { return Ok(()) };
            if reverse {
                high.clone_from(last);
                right = Bound::Excluded(last.clone());
            } else {
                low = long_keys::behind(last);
                // Without a seam the last bucket was behind all other keys.
                let Some(seam) = seam else { return Ok(()) };
                left = Bound::Included(seam);
            }
            let bytes: usize = page.iter().map(|(key, value)| key.len() + value.len()).sum();
            let fits = PAGE_MAX_BYTES / (bytes / page.len()).max(1);
            most = (most * 4).min(fits).clamp(1, PAGE_MAX);
            if most == PAGE_FIRST {
                most += 1;
            }
        }
        Ok(())
    }

    /// Visits what a page holds between two bounds, with the changes made since.
    fn merge(
        &self,
        page: &Page,
        left: &Bound<Vec<u8>>,
        right: &Bound<Vec<u8>>,
        reverse: bool,
        visit: Visit<'_>,
    ) -> ControlFlow<()> {
        let (left, right) = (left.as_ref().map(Vec::as_slice), right.as_ref().map(Vec::as_slice));
        if !is_forward(left, right) {
            return ControlFlow::Continue(());
        }
        let is_inside = |key: &[u8]| {
            let from = match left {
                Bound::Unbounded => true,
                Bound::Included(bound) => key >= bound,
                Bound::Excluded(bound) => key > bound,
            };
            from && match right {
                Bound::Unbounded => true,
                Bound::Included(bound) => key <= bound,
                Bound::Excluded(bound) => key < bound,
            }
        };
        let unfolded = page.iter().flat_map(|(key, value)| {
            let mut all = long_keys::unfold(key, value);
            if reverse {
                all.reverse();
            }
            all
        });
        let mut rows = unfolded.filter(|(key, _)| is_inside(key)).peekable();
        let range = self.changes.range::<[u8], _>((left, right));
        let mut changes: Box<dyn Iterator<Item = _>> = if reverse {
            Box::new(range.rev())
        } else {
            Box::new(range)
        };
        let mut change = changes.next();
        loop {
            let order = match (rows.peek(), change) {
                (None, None) => return ControlFlow::Continue(()),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((row, _)), Some((key, _))) if reverse => key.as_slice().cmp(row),
                (Some((row, _)), Some((key, _))) => (**row).cmp(key),
            };
            if order.is_lt() {
                if let Some((key, value)) = rows.next() {
                    visit(&key, value)?;
                }
                continue;
            }
            if order.is_eq() {
                rows.next();
            }
            if let Some((key, Some(value))) = change {
                visit(key, value)?;
            }
            change = changes.next();
        }
    }

    /// Writes all changes and commits. A failure says whether the transaction may be run again.
    pub fn commit(&mut self, stamp: &[u8]) -> Result<(), Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        if self.link.borrow().connection.is_none() {
            if self.changes.is_empty() && self.topics.is_empty() {
                return Ok(());
            }
            // A connection that died while it idled is found out now, when nothing is in doubt yet.
            self.link.get_mut().connection()?.finish_owed()?;
        }
        let changes = self.row_changes()?;
        let world = Parameter::Number(self.world);
        let link = self.link.get_mut();
        let connection = link.connection()?;
        let (mut count, mut bytes) = (0, 0);
        for (key, value) in &changes {
            match value {
                Some(value) => connection.execute(PUT, &[world, Parameter::Bytes(key), Parameter::Bytes(value)]),
                None => connection.execute(DELETE, &[world, Parameter::Bytes(key)]),
            }
            count += 1;
            bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            if count == BUNDLE_MAX || bytes > BUNDLE_MAX_BYTES {
                connection.sync();
                connection.finish(&mut |_| {})?;
                (count, bytes) = (0, 0);
            }
        }
        for topic in &self.topics {
            connection.execute(WAKE, &[world, Parameter::Bytes(topic), Parameter::Bytes(stamp)]);
        }
        connection.execute(COMMIT, &[]);
        connection.sync();
        let mut is_committed = false;
        let finished = connection.finish_with(&mut |_| {}, &mut |tag| is_committed |= tag == "COMMIT");
        match finished {
            _ if is_committed => {
                // Nothing is left to take back.
                link.connection = None;
                Ok(())
            }
            Ok(()) => Err(Failure::Refused(StoreError::Engine(
                "the database did not commit".to_owned(),
            ))),
            Err(Failure::Lost(why)) => Err(Failure::Unknown(why)),
            Err(failure) => Err(failure),
        }
    }

    /// The changes as rows: long keys put into their buckets.
    fn row_changes(&self) -> Result<Vec<(Vec<u8>, Written)>, Failure> {
        let (mut rows, mut buckets) = (Vec::new(), BTreeMap::<Vec<u8>, Written>::new());
        for (key, value) in &self.changes {
            let (head, Some(tail)) = long_keys::split(key) else {
                rows.push((key.clone(), value.clone()));
                continue;
            };
            let bucket = match buckets.get(head) {
                Some(bucket) => bucket.clone(),
                None => self
                    .row(head)
                    .map_err(|error| self.failure().unwrap_or(Failure::Refused(error)))?
                    .map(|value| value.to_vec()),
            };
            let bucket = long_keys::changed(&bucket.unwrap_or_default(), tail, value.as_deref());
            buckets.insert(head.to_vec(), bucket);
        }
        rows.extend(buckets);
        Ok(rows)
    }
}

/// The lower bound of a page that reaches back to `seam`, within a scan from `from`.
fn no_earlier_than(from: &Bound<Vec<u8>>, seam: &[u8]) -> Bound<Vec<u8>> {
    match from {
        Bound::Included(key) | Bound::Excluded(key) if key.as_slice() >= seam => from.clone(),
        _ => Bound::Included(seam.to_vec()),
    }
}

/// The upper bound of a page that is complete before `seam`, within a scan up to `to`.
fn no_further_than(to: &Bound<Vec<u8>>, seam: &[u8]) -> Bound<Vec<u8>> {
    match to {
        Bound::Included(key) | Bound::Excluded(key) if key.as_slice() < seam => to.clone(),
        _ => Bound::Excluded(seam.to_vec()),
    }
}

fn is_forward(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(a), Bound::Included(b)) => a <= b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a < b,
    }
}

impl Reader for Session {
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        Session::get(self, key, found)
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) -> Result<(), StoreError> {
        Session::scan(self, from, to, reverse, visit)
    }
}

/// What one of several does in a session that they share; dropped without being kept, it is taken back.
pub struct Change<'s> {
    session: &'s mut Session,
    /// What stood in the session's changes before, the newest last.
    undo: Vec<(Vec<u8>, Option<Written>)>,
    topics: BTreeSet<Vec<u8>>,
}

impl<'s> Change<'s> {
    pub fn new(session: &'s mut Session) -> Change<'s> {
        Change {
            session,
            undo: Vec::new(),
            topics: BTreeSet::new(),
        }
    }

    pub fn keep(mut self) {
        self.undo.clear();
        self.session.topics.append(&mut self.topics);
    }

    fn set(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreError> {
        if key.len() > KEY_MAX_BYTES {
            return Err(StoreError::Engine(format!("a key has {} bytes", key.len())));
        }
        let before = self.session.changes.insert(key.to_vec(), value.map(<[u8]>::to_vec));
        self.undo.push((key.to_vec(), before));
        Ok(())
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        for (key, before) in self.undo.drain(..).rev() {
            match before {
                Some(before) => drop(self.session.changes.insert(key, before)),
                None => drop(self.session.changes.remove(&key)),
            }
        }
    }
}

impl Reader for Change<'_> {
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.session.get(key, found)
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) -> Result<(), StoreError> {
        self.session.scan(from, to, reverse, visit)
    }
}

impl Writer for Change<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.set(key, Some(value))
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.set(key, None)
    }

    fn tell_others(&mut self, topics: &Topics, is_due: bool) {
        self.topics.extend(topics.iter().map(<[u8]>::to_vec));
        if is_due {
            self.topics.insert(Vec::new());
        }
    }
}
