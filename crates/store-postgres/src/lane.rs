//! Writers of one node in one world go one behind the other, through the same transaction of the database while others
//! wait: they never conflict among themselves, and share one commit. Only another node can make them run again.

use crate::connection::Connection;
use crate::failure::Failure;
use crate::pool::Pool;
use crate::session::{Change, Session};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use virga_base::Ids;
use virga_store::{Decision, StoreError, Writer};

/// Writers that share a commit. Fewer after a conflict, so that less is done again.
const MEMBERS_MAX: usize = 64;
/// How long a transaction takes further writers in.
const OPEN_MAX: Duration = Duration::from_millis(20);
/// How long a writer tries again against other nodes.
const TRY_MAX: Duration = Duration::from_secs(20);
/// The longest pause between two attempts.
const PAUSE_MAX_MS: u64 = 64;
/// How often a writer takes another connection because one was dead.
const LOSSES_MAX: u32 = 3;

pub struct Lane {
    pool: Arc<Pool>,
    world: i64,
    /// Different in each process; the first half of the stamps on what this node writes.
    node: u64,
    state: Mutex<State>,
    turn: Condvar,
    pauses: Ids,
    pub writes: AtomicU64,
    pub commits: AtomicU64,
}

struct State {
    /// Somebody runs, or commits.
    is_busy: bool,
    waiting: usize,
    members_max: usize,
    open: Option<Open>,
}

/// A transaction that takes further writers in.
struct Open {
    session: Session,
    batch: Arc<Batch>,
    members: usize,
    began: Instant,
}

/// What comes of a transaction, for those who have their part in it.
#[derive(Default)]
struct Batch {
    result: Mutex<Option<Result<(), Failure>>>,
    known: Condvar,
}

impl Batch {
    fn wait(&self) -> Result<(), Failure> {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(result) = &*result {
                return result.clone();
            }
            result = self.known.wait(result).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn tell(&self, result: Result<(), Failure>) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        self.known.notify_all();
    }
}

impl Lane {
    pub fn new(pool: Arc<Pool>, world: i64, node: u64) -> Lane {
        Lane {
            pool,
            world,
            node,
            state: Mutex::new(State {
                is_busy: false,
                waiting: 0,
                members_max: MEMBERS_MAX,
                open: None,
            }),
            turn: Condvar::new(),
            pauses: Ids::random(),
            writes: AtomicU64::new(0),
            commits: AtomicU64::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` until it could be committed.
    pub fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<(), StoreError> {
        retried(&self.pauses, || self.attempt(f))?;
        self.writes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn attempt(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<(), Failure> {
        let mut open = self.take_turn();
        let mut change = Change::new(&mut open.session);
        // A panic must neither leave half a change nor stop those who wait.
        let decided = catch_unwind(AssertUnwindSafe(|| f(&mut change)));
        match decided {
            Ok(Decision::Commit) => change.keep(),
            Ok(Decision::Abort) | Err(_) => drop(change),
        }
        open.members += 1;
        let result = self.go_on(open);
        match decided {
            Ok(_) => result,
            Err(panic) => resume_unwind(panic),
        }
    }

    fn take_turn(&self) -> Open {
        let mut state = self.state();
        state.waiting += 1;
        while state.is_busy {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        state.is_busy = true;
        let open = state.open.take();
        drop(state);
        open.unwrap_or_else(|| Open {
            session: Session::write(&self.pool, self.world),
            batch: Arc::default(),
            members: 0,
            began: Instant::now(),
        })
    }

    /// Hands the transaction to the next who waits, or commits it.
    fn go_on(&self, mut open: Open) -> Result<(), Failure> {
        let batch = open.batch.clone();
        let mut state = self.state();
        let is_open = open.members < state.members_max && open.began.elapsed() < OPEN_MAX;
        if is_open && state.waiting > 0 && open.session.failure().is_none() {
            state.open = Some(open);
            state.is_busy = false;
            drop(state);
            self.turn.notify_one();
            return batch.wait();
        }
        drop(state);
        let result = open.session.commit(&self.stamp());
        if result.is_err() {
            // Before anybody tries again, the rows that this one holds are let go.
            let is_lost = matches!(result, Err(Failure::Lost(_) | Failure::Unknown(_)));
            drop(open);
            if is_lost {
                self.pool.forget_idle();
            }
        }
        let mut state = self.state();
        state.members_max = match &result {
            Err(Failure::Conflict(_)) => (state.members_max / 2).max(1),
            _ => (state.members_max + 1).min(MEMBERS_MAX),
        };
        state.is_busy = false;
        drop(state);
        self.turn.notify_one();
        batch.tell(result.clone());
        result
    }

    /// Different at each commit.
    pub fn stamp(&self) -> Vec<u8> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        [self.node.to_be_bytes(), number.to_be_bytes()].concat()
    }

    /// Tries again what may be tried again.
    pub fn retry<T>(&self, attempt: impl FnMut() -> Result<T, Failure>) -> Result<T, StoreError> {
        retried(&self.pauses, attempt)
    }

    /// Runs something with a connection of its own, in a transaction that others may make run again.
    pub fn alone<T>(&self, f: impl FnMut(&mut Connection) -> Result<T, Failure>) -> Result<T, StoreError> {
        alone(&self.pool, &self.pauses, f)
    }
}

/// The same, with connections of any pool.
pub fn alone<T>(
    pool: &Arc<Pool>,
    pauses: &Ids,
    mut f: impl FnMut(&mut Connection) -> Result<T, Failure>,
) -> Result<T, StoreError> {
    retried(pauses, || {
        let mut connection = pool.take()?;
        let result = f(&mut connection);
        match &result {
            Err(Failure::Lost(_) | Failure::Unknown(_)) => pool.forget_idle(),
            Err(_) if !connection.is_broken() => {
                connection.query("ROLLBACK");
                connection.owe();
                connection.send()?;
            }
            _ => {}
        }
        result
    })
}

/// Tries again what may be tried again.
fn retried<T>(pauses: &Ids, mut attempt: impl FnMut() -> Result<T, Failure>) -> Result<T, StoreError> {
    let give_up = Instant::now() + TRY_MAX;
    let (mut conflicts, mut losses) = (0u32, 0);
    loop {
        let failure = match attempt() {
            Ok(out) => return Ok(out),
            Err(failure) => failure,
        };
        match &failure {
            Failure::Conflict(_) if Instant::now() < give_up => {
                conflicts += 1;
                let most = 1u64
                    .checked_shl(conflicts.min(16))
                    .unwrap_or(u64::MAX)
                    .min(PAUSE_MAX_MS);
                std::thread::sleep(Duration::from_micros(pauses.u64() % (most * 1_000)));
            }
            Failure::Lost(_) if losses < LOSSES_MAX => losses += 1,
            _ => return Err(failure.into_error()),
        }
    }
}
