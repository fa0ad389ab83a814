//! An engine with the faults of engines: conflicts, refusals, writes that become durable late, and crashes.
//!
//! It keeps the rule of [`virga_store::Engine`]: whatever a transaction or a read has done and seen would survive a crash
//! once it is answered. [`Misdeed`] breaks the rule on purpose, to prove that whoever checks would notice.

use super::Random;
use std::ops::Bound;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use virga_store::{Decision, DiskEngine, Durable, Engine, Reader, StoreError, Writer};

/// How often what happens, in percent of the writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// The transaction is run on rows of some commits ago, and again.
    pub conflicts: u64,
    /// The write is refused, before or after the transaction is run.
    pub refusals: u64,
    /// Commits wait for [`Faults::make_durable`].
    pub slow: bool,
    pub misdeed: Option<Misdeed>,
}

/// What no engine may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// A crash takes the last durable commit with it.
    LoseDurable,
    /// A commit that changed nothing, one that was given up, and a read are answered before what they have seen is durable.
    AnswerUnchangedEarly,
    /// One commit in so many is answered and not done.
    DropEach(u64),
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Read,
    Commit,
    Abort,
    /// The engine would not write.
    Refused,
}

/// One transaction, in the order in which they happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// The task that ran it.
    pub task: u64,
    pub ending: Ending,
    /// How many commits there have been with it.
    pub commits: u64,
    pub changed: bool,
    /// The marks (`#123#`) in the values that it put, in order.
    pub marks: Vec<u64>,
    /// The keys that it put, in order.
    pub keys: Vec<Vec<u8>>,
}

/// What happens to an engine, and what it has done. Shared between the engine in a store and the simulation.
pub struct Faults {
    state: Mutex<State>,
    /// As in the state, and asked for within reads.
    commits: AtomicU64,
    /// As in the state, for those who wait.
    crashed: Arc<AtomicBool>,
    /// The rows' engine, where it keeps them.
    disk: Option<Arc<DiskEngine>>,
    task: Arc<AtomicU64>,
}

struct State {
    plan: Plan,
    random: Random,
    rows: Box<dyn Engine>,
    disk: Option<Arc<DiskEngine>>,
    commits: u64,
    /// The rows after each commit, the durable one first; empty for engines that are not in memory.
    versions: Vec<(u64, Box<dyn Engine>)>,
    /// Commits so far that are durable.
    durable: u64,
    waiting: Vec<(u64, oneshot::Sender<Result<(), StoreError>>)>,
    events: Vec<Event>,
    crashed: bool,
}

/// Versions that a conflict may go back to, beyond those that are not durable.
const VERSIONS_KEPT: usize = 4;

fn broken() -> StoreError {
    StoreError::Engine("power cut".into())
}

impl Faults {
    /// Over rows in memory. A crash leaves any state from the last durable commit on.
    pub fn in_memory(rows: Box<dyn Engine>, plan: Plan, seed: u64, task: Arc<AtomicU64>) -> Arc<Faults> {
        let version = rows.fork("version");
        Faults::new(
            rows,
            version.map(|version| vec![(0, version)]).unwrap_or_default(),
            None,
            plan,
            seed,
            task,
        )
    }

    /// Over an engine that keeps its rows, and which itself decides what is answered when. Nothing comes to the disk unless
    /// the simulation wants it, so that a crash loses all that was not made durable.
    pub fn kept(disk: DiskEngine, plan: Plan, seed: u64, task: Arc<AtomicU64>) -> Arc<Faults> {
        let disk = Arc::new(disk);
        disk.hold(true);
        Faults::new(Box::new(disk.clone()), Vec::new(), Some(disk), plan, seed, task)
    }

    fn new(
        rows: Box<dyn Engine>,
        versions: Vec<(u64, Box<dyn Engine>)>,
        disk: Option<Arc<DiskEngine>>,
        plan: Plan,
        seed: u64,
        task: Arc<AtomicU64>,
    ) -> Arc<Faults> {
        Arc::new(Faults {
            state: Mutex::new(State {
                plan,
                random: Random::new(seed),
                rows,
                disk: disk.clone(),
                commits: 0,
                versions,
                durable: 0,
                waiting: Vec::new(),
                events: Vec::new(),
                crashed: false,
            }),
            commits: AtomicU64::new(0),
            crashed: Arc::default(),
            disk,
            task,
        })
    }

    /// The engine, for a store.
    pub fn engine(self: &Arc<Faults>) -> Box<dyn Engine> {
        Box::new(Faulty(self.clone()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has happened since the last call.
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.state().events)
    }

    /// From now on, other faults.
    pub fn set_plan(&self, plan: Plan) {
        self.state().plan = plan;
    }

    /// How many commits are not durable.
    pub fn behind(&self) -> u64 {
        let state = self.state();
        state.commits - state.durable
    }

    /// Whether anybody waits for a commit to become durable.
    pub fn is_waited_for(&self) -> bool {
        let state = self.state();
        !state.waiting.is_empty() || (state.disk.is_some() && state.commits > state.durable)
    }

    /// Makes the next commits durable, and answers them; where an engine keeps them, all.
    pub fn make_durable(&self, count: u64) {
        let mut state = self.state();
        if state.disk.is_some() {
            state.write_all();
            return;
        }
        let through = (state.durable + count).min(state.commits);
        state.durable = through;
        let kept = state
            .versions
            .iter()
            .rposition(|(commits, _)| *commits <= through)
            .unwrap_or(0);
        state.versions.drain(..kept.saturating_sub(VERSIONS_KEPT));
        let (answered, waiting) = std::mem::take(&mut state.waiting)
            .into_iter()
            .partition(|(needs, _)| *needs <= through);
        state.waiting = waiting;
        drop(state);
        let answered: Vec<(u64, oneshot::Sender<_>)> = answered;
        for (_, sender) in answered {
            let _ = sender.send(Ok(()));
        }
    }

    /// The end of the process: no transaction runs any more. Answers how many commits survive, and their rows, which are
    /// none where the engine keeps them itself. All who wait are answered as if they had been in time, so that it can be
    /// learned what they would have been told.
    pub fn crash(&self) -> (u64, Option<Box<dyn Engine>>) {
        let mut state = self.state();
        state.crashed = true;
        self.crashed.store(true, Ordering::Release);
        let (durable, commits) = (state.durable, state.commits);
        let (survives, rows) = if let Some(disk) = &state.disk {
            disk.kill();
            (durable, None)
        } else {
            let mut survives = durable + state.random.below(commits - durable + 1);
            if state.plan.misdeed == Some(Misdeed::LoseDurable) {
                survives = durable.saturating_sub(1);
            }
            let index = state
                .versions
                .iter()
                .rposition(|(commits, _)| *commits <= survives)
                .unwrap_or(0);
            let versions = std::mem::take(&mut state.versions);
            (survives, versions.into_iter().nth(index).map(|(_, rows)| rows))
        };
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for (_, sender) in waiting {
            let _ = sender.send(Ok(()));
        }
        (survives, rows)
    }

    /// What the engine below answers, save that a crash answers as if it had been in time.
    fn relay(&self, durable: Durable) -> Durable {
        let (durable, crashed) = (durable?, self.crashed.clone());
        Some(Box::pin(async move {
            let outcome = durable.await;
            if crashed.load(Ordering::Acquire) {
                Ok(())
            } else {
                outcome
            }
        }))
    }

    /// Every row, as the engine has it now.
    pub fn rows(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut out = Vec::new();
        let _ = self.state().rows.read(&mut |rows| {
            out.clear();
            let _ = rows.scan(Bound::Unbounded, Bound::Unbounded, false, &mut |key, value| {
                out.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            });
        });
        out
    }
}

impl State {
    /// Waits, in real time, for the engine that keeps the rows: what the simulation sees does not depend on how long that
    /// takes.
    fn write_all(&mut self) {
        let Some(disk) = &self.disk else { return };
        // Whoever waits was there before, and is answered before.
        let written = disk.settled(disk.seen());
        disk.hold(false);
        if let Ok(Some(written)) = written {
            let _ = block_on(written);
        }
        disk.hold(true);
        self.durable = self.commits;
    }

    /// Waits until so many commits are durable.
    fn wait_for(&mut self, commits: u64, changed: bool) -> Durable {
        let early = !changed && self.plan.misdeed == Some(Misdeed::AnswerUnchangedEarly);
        if commits <= self.durable || early {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.push((commits, sender));
        Some(Box::pin(
            async move { receiver.await.unwrap_or_else(|_| Err(broken())) },
        ))
    }

    fn note(&mut self, task: u64, ending: Ending, changed: bool, marks: Vec<u64>, keys: Vec<Vec<u8>>) {
        let commits = self.commits;
        self.events.push(Event {
            task,
            ending,
            commits,
            changed,
            marks,
            keys,
        });
    }
}

fn block_on<T>(mut future: std::pin::Pin<Box<dyn Future<Output = T> + Send>>) -> T {
    struct Thread(std::thread::Thread);
    impl std::task::Wake for Thread {
        fn wake(self: Arc<Thread>) {
            self.0.unpark();
        }
    }
    let waker = std::task::Waker::from(Arc::new(Thread(std::thread::current())));
    let mut context = std::task::Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(out) => return out,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

struct Faulty(Arc<Faults>);

impl Engine for Faulty {
    fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
        let mut state = self.0.state();
        if state.crashed {
            return Err(broken());
        }
        state.rows.read(f)?;
        state.note(
            self.0.task.load(Ordering::Acquire),
            Ending::Read,
            false,
            Vec::new(),
            Vec::new(),
        );
        Ok(())
    }

    fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
        let mut state = self.0.state();
        let state = &mut *state;
        if state.crashed {
            return Err(broken());
        }
        let task = self.0.task.load(Ordering::Acquire);
        if state.random.percent(state.plan.conflicts) && !state.versions.is_empty() {
            let index = state.random.below(state.versions.len() as u64);
            let (_, stale) = &state.versions[usize::try_from(index).unwrap_or(0)];
            stale.write(&mut |rows| {
                f(rows);
                Decision::Abort
            })?;
        }
        if state.random.percent(state.plan.refusals) {
            if state.random.percent(50) {
                state.rows.write(&mut |rows| {
                    f(rows);
                    Decision::Abort
                })?;
            }
            state.note(task, Ending::Refused, false, Vec::new(), Vec::new());
            return Err(StoreError::Unwritable("simulated".into()));
        }
        let dropped = matches!(state.plan.misdeed, Some(Misdeed::DropEach(n)) if state.random.below(n) == 0);
        let (mut decision, mut changed) = (Decision::Abort, false);
        let (mut marks, mut keys) = (Vec::new(), Vec::new());
        let below = state.rows.write(&mut |rows| {
            let mut watched = Watched {
                rows,
                changed: false,
                marks: Vec::new(),
                keys: Vec::new(),
            };
            decision = f(&mut watched);
            (changed, marks, keys) = (watched.changed, watched.marks, watched.keys);
            if dropped { Decision::Abort } else { decision }
        })?;
        if decision == Decision::Abort {
            state.note(task, Ending::Abort, false, Vec::new(), Vec::new());
            return Ok(match state.disk {
                Some(_) => self.0.relay(below),
                None => state.wait_for(state.commits, false),
            });
        }
        if changed {
            state.commits += 1;
            self.0.commits.store(state.commits, Ordering::Release);
            if !state.versions.is_empty() {
                let version = state.rows.fork("version")?;
                state.versions.push((state.commits, version));
            }
        }
        let commits = state.commits;
        state.note(task, Ending::Commit, changed, marks, keys);
        if state.disk.is_some() {
            if !state.plan.slow {
                state.write_all();
            }
            return Ok(self.0.relay(below));
        }
        if !state.plan.slow {
            state.durable = commits;
            let old = state.versions.len().saturating_sub(VERSIONS_KEPT);
            state.versions.drain(..old);
        }
        Ok(state.wait_for(commits, changed))
    }

    fn seen(&self) -> u64 {
        if let Some(disk) = &self.0.disk {
            return disk.seen();
        }
        // 0 would say that reads see nothing early.
        self.0.commits.load(Ordering::Acquire) + 1
    }

    fn settled(&self, seen: u64) -> Result<Durable, StoreError> {
        if let Some(disk) = &self.0.disk {
            return disk.settled(seen).map(|durable| self.0.relay(durable));
        }
        Ok(self.0.state().wait_for(seen.saturating_sub(1), false))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.0.state().rows.clear()
    }

    fn fork(&self, name: &str) -> Result<Box<dyn Engine>, StoreError> {
        self.0.state().rows.fork(name)
    }
}

/// Notes what a transaction puts.
struct Watched<'a> {
    rows: &'a mut dyn Writer,
    changed: bool,
    marks: Vec<u64>,
    keys: Vec<Vec<u8>>,
}

/// The first number between two `#` in a value.
fn mark(value: &[u8]) -> Option<u64> {
    value
        .iter()
        .enumerate()
        .filter(|(_, b)| **b == b'#')
        .find_map(|(at, _)| {
            let rest = value.get(at + 1..)?;
            let length = rest.iter().take(20).position(|b| *b == b'#')?;
            let digits = rest
                .get(..length)
                .filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
            std::str::from_utf8(digits).ok()?.parse().ok()
        })
}

impl Reader for Watched<'_> {
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.rows.get(key, found)
    }

    fn scan(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.rows.scan(from, to, reverse, visit)
    }
}

impl Writer for Watched<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.changed = true;
        self.marks.extend(mark(value));
        self.keys.push(key.to_vec());
        self.rows.put(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.changed = true;
        self.rows.delete(key)
    }
}
