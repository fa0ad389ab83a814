//! Begins deferred work when it falls due, in all worlds. A world costs nothing while nothing in it is due.

use crate::{Cloud, claims};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use virga_base::Bell;

/// Deferred work that runs side by side in the background.
const TOGETHER_MAX: usize = 64;
/// After a failure of the store.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct Conductor {
    desk: Mutex<Desk>,
    rung: Notify,
    room: Arc<Semaphore>,
}

#[derive(Default)]
struct Desk {
    seats: HashMap<u64, Seat>,
    /// When work falls due, by the machine's clock; those that cannot say so are not in it.
    due: BTreeSet<(Instant, u64)>,
    rung: Vec<u64>,
    last: u64,
}

struct Seat {
    world: Weak<Cloud>,
    due: Option<Instant>,
    rung: bool,
    /// Its work is being run; whoever does that rings at the end.
    busy: bool,
    /// Its claims are kept alive, where other nodes might take it for dead.
    is_kept: bool,
}

impl Desk {
    fn set_due(&mut self, id: u64, due: Option<Instant>) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        if let Some(old) = std::mem::replace(&mut seat.due, due) {
            self.due.remove(&(old, id));
        }
        if let Some(due) = due {
            self.due.insert((due, id));
        }
    }
}

impl Bell for Conductor {
    fn ring(&self, world: u64) {
        let mut desk = self.desk();
        let Some(seat) = desk.seats.get_mut(&world) else { return };
        if !std::mem::replace(&mut seat.rung, true) {
            desk.rung.push(world);
            drop(desk);
            self.rung.notify_one();
        }
    }
}

impl Conductor {
    pub(crate) fn new() -> Arc<Conductor> {
        Arc::new(Conductor {
            desk: Mutex::default(),
            rung: Notify::new(),
            room: Arc::new(Semaphore::new(TOGETHER_MAX)),
        })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up a world, until it is dropped.
    pub(crate) fn add(self: &Arc<Conductor>, world: &Arc<Cloud>) {
        let id = {
            let mut desk = self.desk();
            desk.last += 1;
            let id = desk.last;
            let seat = Seat {
                world: Arc::downgrade(world),
                due: None,
                rung: false,
                busy: false,
                is_kept: !world.store().is_shared(),
            };
            desk.seats.insert(id, seat);
            id
        };
        world.clock().ring(self.clone(), id);
        world.store().ring_bell(self.clone(), id);
        self.ring(id);
    }

    /// Runs deferred work as it falls due, until the task is dropped.
    pub(crate) async fn run(self: Arc<Conductor>) {
        // Dropped with this task, these end too.
        let mut keepers = JoinSet::new();
        loop {
            let rung = {
                let mut desk = self.desk();
                let rung = std::mem::take(&mut desk.rung);
                for id in &rung {
                    if let Some(seat) = desk.seats.get_mut(id) {
                        seat.rung = false;
                        if !std::mem::replace(&mut seat.is_kept, true) {
                            keepers.spawn(claims::keep(seat.world.clone()));
                        }
                    }
                }
                rung
            };
            for id in rung {
                self.look(id);
            }
            while keepers.try_join_next().is_some() {}
            while let Some((id, world)) = self.next_due() {
                tokio::spawn(self.clone().serve(id, world));
            }
            let first = self.desk().due.first().map(|(at, _)| *at);
            match first {
                None => self.rung.notified().await,
                Some(at) => tokio::select! {
                    () = self.rung.notified() => {}
                    () = tokio::time::sleep_until(at.into()) => {}
                },
            }
        }
    }

    /// Finds out when a world's next work is due.
    fn look(&self, id: u64) {
        let (world, busy) = match self.desk().seats.get(&id) {
            Some(seat) => (seat.world.upgrade(), seat.busy),
            None => return,
        };
        let Some(world) = world.filter(|world| !world.has_ended()) else {
            let mut desk = self.desk();
            desk.set_due(id, None);
            desk.seats.remove(&id);
            return;
        };
        if busy {
            return;
        }
        let due = match world.learn_next_due() {
            Ok(next) => next.and_then(|next| world.clock().instant_of(next)),
            Err(error) => {
                log::error!("cannot read deferred work: {error}");
                Some(Instant::now() + AGAIN)
            }
        };
        self.desk().set_due(id, due);
    }

    /// A world with work that is due now.
    fn next_due(&self) -> Option<(u64, Arc<Cloud>)> {
        loop {
            let mut desk = self.desk();
            let (at, id) = *desk.due.first()?;
            if at > Instant::now() {
                return None;
            }
            desk.set_due(id, None);
            let Some(seat) = desk.seats.get_mut(&id) else { continue };
            if let Some(world) = seat.world.upgrade() {
                seat.busy = true;
                return Some((id, world));
            }
        }
    }

    /// Runs all work of a world that is due now.
    async fn serve(self: Arc<Conductor>, id: u64, world: Arc<Cloud>) {
        while !world.has_ended() {
            // A settle at work is waited for, without a place that other worlds could use.
            let working = world.working.clone().read_owned().await;
            let Ok(place) = self.room.clone().acquire_owned().await else {
                break;
            };
            match world.claim().await {
                Ok(Some(claimed)) => {
                    let world = world.clone();
                    tokio::spawn(async move {
                        tokio::select! {
                            () = world.work(claimed) => {}
                            () = world.ended() => {}
                        }
                        drop((working, place));
                    });
                }
                Ok(None) => break,
                Err(error) => {
                    log::error!("cannot claim deferred work: {error}");
                    tokio::time::sleep(AGAIN).await;
                    break;
                }
            }
        }
        // Not under the lock: this may be the last who holds the world.
        drop(world);
        if let Some(seat) = self.desk().seats.get_mut(&id) {
            seat.busy = false;
        }
        self.ring(id);
    }
}
