//! A bounded number of connections, opened when they are wanted.

use crate::connection::Connection;
use crate::failure::Failure;
use crate::url::Options;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use virga_store::StoreError;

/// How long a transaction waits for a connection.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// The connections of a node.
pub struct Pool {
    options: Options,
    /// What each connection asks for besides.
    wish: Option<&'static str>,
    state: Mutex<State>,
    given_back: Condvar,
}

#[derive(Default)]
struct State {
    /// The one used last is taken first, so that a quiet node's others may be closed by the server.
    idle: Vec<Connection>,
    open: usize,
}

/// A connection that goes back to its pool.
pub struct Pooled {
    pool: Arc<Pool>,
    connection: Option<Connection>,
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub fn new(options: Options) -> Arc<Pool> {
        Pool::with_wish(options, None)
    }

    /// The same; each connection asks for something that a server may refuse.
    pub fn with_wish(options: Options, wish: Option<&'static str>) -> Arc<Pool> {
        Arc::new(Pool {
            options,
            wish,
            state: Mutex::default(),
            given_back: Condvar::new(),
        })
    }

    /// Connects outside of the bounds, for those who need one connection all the time.
    pub fn connect(&self) -> Result<Connection, Failure> {
        let opened = Connection::open(&self.options).and_then(|mut connection| {
            self.wish.map_or(Ok(()), |wish| connection.wish(wish))?;
            Ok(connection)
        });
        let mut connection = opened.map_err(|why| {
            Failure::Refused(StoreError::Unreachable(format!(
                "{} cannot be used: {why}",
                self.options
            )))
        })?;
        connection.prepare()?;
        Ok(connection)
    }

    /// A connection that nobody else uses. It may turn out to be dead; see [`Pool::forget_idle`].
    pub fn take(self: &Arc<Pool>) -> Result<Pooled, Failure> {
        let give_up = Instant::now() + WAIT_MAX;
        let mut state = locked(&self.state);
        loop {
            if let Some(connection) = state.idle.pop() {
                return Ok(self.pooled(connection));
            }
            if state.open < self.options.connections {
                state.open += 1;
                break;
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let number = self.options.connections;
                return Err(Failure::Refused(StoreError::Unreachable(format!(
                    "all {number} connections have been in use for too long"
                ))));
            }
            state = self
                .given_back
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        drop(state);
        self.connect()
            .map(|connection| self.pooled(connection))
            .inspect_err(|_| {
                locked(&self.state).open -= 1;
                self.given_back.notify_one();
            })
    }

    fn pooled(self: &Arc<Pool>, connection: Connection) -> Pooled {
        Pooled {
            pool: self.clone(),
            connection: Some(connection),
        }
    }

    /// Closes what nobody uses: where one connection has died, the others most likely have too.
    pub fn forget_idle(&self) {
        let mut state = locked(&self.state);
        let mut idle = std::mem::take(&mut state.idle);
        state.open -= idle.len();
        drop(state);
        idle.iter_mut().for_each(Connection::mark_broken);
        self.given_back.notify_all();
    }
}

impl Deref for Pooled {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        // Only `drop` takes it out.
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("a connection is used after it went back"),
        }
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.connection {
            Some(connection) => connection,
            None => unreachable!("a connection is used after it went back"),
        }
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let mut state = locked(&self.pool.state);
            if connection.is_broken() {
                state.open -= 1;
            } else {
                state.idle.push(connection);
            }
        }
        self.pool.given_back.notify_one();
    }
}
