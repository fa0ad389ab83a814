//! A cloud under random calls of many clients, on a clock that jumps, over a store with faults.

use crate::call::{Call, Parcel, is_fifo};
use crate::history::{Called, Epoch, Happened, Still};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use virga_base::{Account, AwsError, Clock, Ids, Region, Timestamp};
use virga_service::{Cloud, CloudOptions, DueRow, StoreError};
use virga_store::{DiskEngine, DiskLimits, Engine, MemoryEngine, Store};
use virga_testkit::simulation::{Executor, Faults, Plan, Random};
use virga_testkit::{START_S, World};

/// Under which conditions a cloud is simulated.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// Things that happen before all comes to rest.
    pub steps: u64,
    pub plan: Plan,
    /// Crashes, in a thousand things that happen.
    pub crashes: u64,
    /// Where the disk engine keeps its rows; in memory where there is none.
    pub folder: Option<PathBuf>,
}

impl Conditions {
    /// Everything goes wrong now and then.
    pub fn rough() -> Conditions {
        Conditions {
            steps: 600,
            plan: Plan {
                conflicts: 15,
                refusals: 1,
                slow: true,
                misdeed: None,
            },
            crashes: 4,
            folder: None,
        }
    }
}

/// What came of a simulation.
pub struct Outcome {
    pub epochs: Vec<Epoch>,
    /// Rows that are left when every queue has been deleted and all work is done, beyond those that always are.
    pub left: Vec<String>,
}

enum Done {
    Call(Result<Json, AwsError>),
    Work(Result<Option<DueRow>, StoreError>),
}

/// Calls under way at once.
const CLIENTS: usize = 8;
const WORKERS: usize = 3;
/// A cloud that does not come to rest by then never will.
const REST_MAX: usize = 5_000;

struct Simulation {
    random: Random,
    conditions: Conditions,
    executor: Executor<Done>,
    faults: Arc<Faults>,
    cloud: Arc<Cloud>,
    seed: u64,
    now_ms: i64,
    epochs: Vec<Epoch>,
    epoch: Epoch,
    workers: Vec<u64>,
    /// Queue and handle.
    receipts: Vec<(String, String)>,
    tasks: Vec<(String, String)>,
    bodies: u64,
}

const QUEUES: [&str; 8] = ["q0", "q1", "q2", "dead3", "q0.fifo", "q1.fifo", "q2.fifo", "dead3.fifo"];

/// Simulates; the same seed and conditions always give the same.
pub fn simulate(seed: u64, conditions: &Conditions) -> Result<Outcome, String> {
    let executor = Executor::default();
    let mut random = Random::new(seed);
    let faults = faults(None, conditions, random.draw(), &executor)?;
    let now_ms = START_S * 1000;
    let mut simulation = Simulation {
        cloud: cloud(&faults, seed, now_ms),
        random,
        conditions: conditions.clone(),
        executor,
        faults,
        seed,
        now_ms,
        epochs: Vec::new(),
        epoch: Epoch::default(),
        workers: Vec::new(),
        receipts: Vec::new(),
        tasks: Vec::new(),
        bodies: 0,
    };
    for _ in 0..conditions.steps {
        simulation.step()?;
    }
    simulation.rest()
}

/// So small that the base is written now and then, beside everything else.
const HASTY: DiskLimits = DiskLimits {
    log_bytes: 32 << 10,
    removed_rows: 64,
    idle_ms: 50,
};

/// An engine over these rows, over those of the folder, or over none.
fn faults(
    rows: Option<Box<dyn Engine>>,
    conditions: &Conditions,
    seed: u64,
    executor: &Executor<Done>,
) -> Result<Arc<Faults>, String> {
    let (plan, task) = (conditions.plan, executor.current());
    Ok(match &conditions.folder {
        Some(folder) => {
            let disk = DiskEngine::open_with(folder, HASTY).map_err(|error| error.to_string())?;
            Faults::kept(disk, plan, seed, task)
        }
        None => {
            let rows = rows.unwrap_or_else(|| Box::new(MemoryEngine::default()));
            Faults::in_memory(rows, plan, seed, task)
        }
    })
}

fn cloud(faults: &Arc<Faults>, seed: u64, now_ms: i64) -> Arc<Cloud> {
    Cloud::new(CloudOptions {
        store: Store::new(faults.engine()),
        clock: Clock::frozen(Timestamp::from_millis(now_ms)),
        ids: Ids::seeded(seed),
        services: vec![virga_sqs::service()],
        settings: BTreeMap::new(),
    })
}

impl Simulation {
    fn step(&mut self) -> Result<(), String> {
        let woken = self.executor.woken();
        if !woken.is_empty() && self.random.percent(60) {
            if let Some(task) = self.random.pick(&woken).copied() {
                self.poll(task);
            }
        } else if self.random.below(1000) < self.conditions.crashes {
            self.crash()?;
        } else {
            match self.random.below(100) {
                0..50 => self.begin_any(),
                50..75 => {
                    let count = 1 + self.random.below(4);
                    self.faults.make_durable(count);
                }
                75..88 => self.move_clock(),
                _ => self.begin_work(),
            }
        }
        self.note_still();
        Ok(())
    }

    fn poll(&mut self, task: u64) {
        let done = self.executor.poll(task);
        let at_ms = self.now_ms;
        let events = self.faults.take_events();
        self.epoch
            .events
            .extend(events.into_iter().map(|event| Happened { at_ms, event }));
        match done {
            Some(Done::Call(answer)) => self.answered(task, answer),
            Some(Done::Work(row)) => {
                self.workers.retain(|worker| *worker != task);
                if let Ok(Some(row)) = row
                    && row.kind == "move"
                    && let Ok((source, _, _)) = serde_json::from_slice::<(String, u64, u64)>(&row.payload)
                {
                    self.epoch.moves.insert(task, source);
                }
            }
            None => {}
        }
    }

    fn answered(&mut self, task: u64, answer: Result<Json, AwsError>) {
        let Some(called) = self.epoch.calls.get_mut(&task) else {
            return;
        };
        if let Ok(answer) = &answer {
            match &called.call {
                Call::Receive { queue, .. } => {
                    for message in answer["Messages"].as_array().map(Vec::as_slice).unwrap_or_default() {
                        if let Some(handle) = message["ReceiptHandle"].as_str() {
                            self.receipts.push((queue.clone(), handle.to_owned()));
                        }
                    }
                }
                Call::StartMove { source, .. } => {
                    if let Some(handle) = answer["TaskHandle"].as_str() {
                        self.tasks.push((source.clone(), handle.to_owned()));
                    }
                }
                _ => {}
            }
        }
        called.answer = Some(answer.map_err(|error| error.code.into_owned()));
        called.told = true;
    }

    fn begin(&mut self, call: Call) -> u64 {
        let world = World {
            cloud: self.cloud.clone(),
            account: Account::DEFAULT,
            region: Region::default(),
        };
        let (operation, input) = call.request();
        let task = self
            .executor
            .spawn(async move { Done::Call(world.call("sqs", operation, input).await) });
        let called = Called {
            call,
            began_ms: self.now_ms,
            answer: None,
            told: false,
        };
        self.epoch.calls.insert(task, called);
        // Calls begin when they arrive; what comes after their first transaction is up to chance.
        self.poll(task);
        task
    }

    fn begin_any(&mut self) {
        let alive = self.executor.alive();
        if alive.len() - self.workers.len() < CLIENTS {
            let call = self.any_call();
            self.begin(call);
        } else {
            // A sender whose connection breaks.
            let sends = alive.into_iter().filter(|task| {
                self.epoch
                    .calls
                    .get(task)
                    .is_some_and(|called| matches!(called.call, Call::Send { .. }))
            });
            let sends: Vec<u64> = sends.collect();
            if let Some(task) = self.random.pick(&sends) {
                self.executor.forget(*task);
            }
        }
    }

    fn begin_work(&mut self) {
        if self.workers.len() < WORKERS {
            self.spawn_worker();
        }
    }

    fn spawn_worker(&mut self) -> u64 {
        let cloud = self.cloud.clone();
        let worker = self.executor.spawn(async move { Done::Work(cloud.run_first().await) });
        self.workers.push(worker);
        worker
    }

    fn move_clock(&mut self) {
        let by_ms = match self.random.below(20) {
            0 => 60_000 + self.random.below(400_000),
            1..5 => 5_000 + self.random.below(30_000),
            5..10 => 1_000 * self.random.below(10),
            _ => self.random.below(3_000),
        };
        self.set_clock(self.now_ms + i64::try_from(by_ms).unwrap_or(0));
    }

    fn set_clock(&mut self, to_ms: i64) {
        self.now_ms = to_ms;
        self.cloud.clock().set(Timestamp::from_millis(to_ms));
    }

    /// The process ends here and now, and a new one goes on with what is left.
    fn crash(&mut self) -> Result<(), String> {
        let (survives, rows) = self.faults.crash();
        let (receipts, tasks) = (self.receipts.len(), self.tasks.len());
        // Nobody is told any more; but what they would have been told, the model must know.
        let told: Vec<u64> = self
            .epoch
            .calls
            .iter()
            .filter(|(_, called)| called.told)
            .map(|(task, _)| *task)
            .collect();
        for _ in 0..REST_MAX {
            let Some(task) = self.executor.woken().first().copied() else {
                break;
            };
            self.poll(task);
        }
        self.receipts.truncate(receipts);
        self.tasks.truncate(tasks);
        for (task, called) in &mut self.epoch.calls {
            called.told &= told.contains(task);
        }
        self.executor.clear();
        self.workers.clear();
        self.epoch.survives = Some(survives);
        self.epochs.push(std::mem::take(&mut self.epoch));
        self.faults = faults(rows, &self.conditions, self.random.draw(), &self.executor)?;
        self.cloud = cloud(&self.faults, self.seed, self.now_ms);
        self.faults.take_events();
        // What the old process was working on is due again; a store that refuses this once is asked again.
        let cloud = self.cloud.clone();
        let worker = self.executor.spawn(async move {
            for _ in 0..10 {
                if cloud.take_up_work().await.is_ok() {
                    break;
                }
            }
            Done::Work(Ok(None))
        });
        self.workers.push(worker);
        self.poll(worker);
        Ok(())
    }

    /// Notes who waits when nobody has anything to do.
    fn note_still(&mut self) {
        if self.faults.is_waited_for() || !self.executor.woken().is_empty() {
            return;
        }
        let waiting: Vec<u64> = self.executor.alive();
        if !waiting.is_empty() {
            self.epoch.still.push(Still {
                after: self.epoch.events.len(),
                at_ms: self.now_ms,
                waiting,
            });
        }
    }

    /// Lets all who can go on do so, until nobody can.
    fn drain(&mut self) -> Result<(), String> {
        for _ in 0..REST_MAX {
            self.faults.make_durable(u64::MAX >> 1);
            let woken = self.executor.woken();
            match self.random.pick(&woken).copied() {
                Some(task) => self.poll(task),
                None => {
                    self.note_still();
                    return Ok(());
                }
            }
        }
        Err("calls go on for ever".into())
    }

    /// Runs what is due until `to_ms`, each piece at its time.
    fn advance(&mut self, to_ms: i64) -> Result<(), String> {
        for _ in 0..REST_MAX {
            self.drain()?;
            let next = self.cloud.store().next_due().map_err(|error| error.to_string())?;
            self.faults.take_events();
            match next.map(Timestamp::as_millis).filter(|at| *at <= to_ms) {
                Some(at) => {
                    if at > self.now_ms {
                        self.set_clock(at);
                    }
                    self.spawn_worker();
                }
                None => {
                    self.set_clock(to_ms);
                    return self.drain();
                }
            }
        }
        Err("deferred work goes on for ever".into())
    }

    fn ask(&mut self, call: Call) -> Result<Option<Json>, String> {
        let task = self.begin(call);
        self.drain()?;
        let answer = self.epoch.calls.get(&task).and_then(|called| called.answer.clone());
        Ok(answer.and_then(Result::ok))
    }

    /// No more faults: everybody finishes, every message is received and deleted, then every queue.
    fn rest(mut self) -> Result<Outcome, String> {
        self.faults.set_plan(Plan {
            conflicts: 0,
            refusals: 0,
            ..self.conditions.plan
        });
        // Whoever still waits comes to an end first; what that receives is visible again later.
        self.advance(self.now_ms + 60_000)?;
        // Longer than waits, visibility and the leases of work that a crash interrupted.
        self.advance(self.now_ms + 45 * 60 * 1000)?;
        for queue in QUEUES {
            let queue = queue.to_owned();
            self.ask(Call::Counts { queue: queue.clone() })?;
            self.ask(Call::ListMoves { source: queue.clone() })?;
        }
        // Twice, since receiving moves messages into queues that come later or have been.
        for queue in QUEUES.iter().chain(&QUEUES) {
            self.empty(queue)?;
        }
        self.ask(Call::ListQueues)?;
        let checked = std::mem::take(&mut self.epoch);
        self.epochs.push(checked);
        for queue in QUEUES {
            self.ask(Call::DeleteQueue {
                queue: queue.to_owned(),
            })?;
        }
        self.advance(self.now_ms + 3_600_000)?;
        let left = left(&self.faults.rows());
        Ok(Outcome {
            epochs: self.epochs,
            left,
        })
    }

    fn empty(&mut self, queue: &str) -> Result<(), String> {
        for _ in 0..REST_MAX {
            let call = Call::Receive {
                queue: queue.to_owned(),
                max: 10,
                visibility_s: Some(30),
                wait_s: 0,
                attempt: None,
            };
            let answer = self.ask(call)?.unwrap_or_default();
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return Ok(());
            }
            let handles = messages
                .iter()
                .filter_map(|message| message["ReceiptHandle"].as_str().map(str::to_owned));
            let call = Call::DeleteBatch {
                queue: queue.to_owned(),
                handles: handles.collect(),
            };
            self.ask(call)?;
        }
        Err(format!("{queue} is never empty"))
    }

    fn any_queue(&mut self) -> String {
        let queue = if self.random.percent(60) {
            &["q0", "q1", "q0.fifo", "dead3"][..]
        } else {
            &QUEUES[..]
        };
        self.random.pick(queue).copied().unwrap_or("q0").to_owned()
    }

    fn any_parcel(&mut self, queue: &str) -> Parcel {
        self.bodies += 1;
        let fifo = is_fifo(queue);
        let deduplication = if self.random.percent(30) {
            self.random.below(8)
        } else {
            1000 + self.bodies
        };
        Parcel {
            body: self.bodies,
            delay_s: (!fifo && self.random.percent(20)).then(|| u32::try_from(self.random.below(20)).unwrap_or(0)),
            group: fifo.then(|| self.random.below(3)),
            deduplication: fifo.then(|| deduplication.to_string()),
        }
    }

    fn any_receipt(&mut self) -> Option<(String, String)> {
        // The latest are the most interesting.
        let from = if self.random.percent(80) {
            self.receipts.len().saturating_sub(12)
        } else {
            0
        };
        self.random.pick(self.receipts.get(from..).unwrap_or_default()).cloned()
    }

    fn any_receipts(&mut self) -> Option<(String, Vec<String>)> {
        let (queue, _) = self.any_receipt()?;
        let of_queue = self.receipts.iter().rev().filter(|(of, _)| *of == queue).take(4);
        let mut handles: Vec<String> = of_queue.map(|(_, handle)| handle.clone()).collect();
        handles.dedup();
        Some((queue, handles))
    }

    fn any_call(&mut self) -> Call {
        let queue = self.any_queue();
        let fifo = is_fifo(&queue);
        let timeout_s = u32::try_from(self.random.below(25)).unwrap_or(0);
        let other = Call::Create { queue: queue.clone() };
        match self.random.below(100) {
            0..12 => other,
            12..36 => Call::Send {
                parcel: self.any_parcel(&queue),
                queue,
            },
            36..42 => Call::SendBatch {
                parcels: (0..=self.random.below(6)).map(|_| self.any_parcel(&queue)).collect(),
                queue,
            },
            42..66 => Call::Receive {
                max: usize::try_from(1 + self.random.below(10)).unwrap_or(1),
                visibility_s: self.random.percent(50).then_some(timeout_s),
                wait_s: if self.random.percent(50) {
                    u32::try_from(self.random.below(21)).unwrap_or(0)
                } else {
                    0
                },
                attempt: (fifo && self.random.percent(30)).then(|| self.random.below(4)),
                queue,
            },
            66..75 => self
                .any_receipt()
                .map_or(other, |(queue, handle)| Call::Delete { queue, handle }),
            75..77 => self
                .any_receipts()
                .map_or(other, |(queue, handles)| Call::DeleteBatch { queue, handles }),
            77..82 => self.any_receipt().map_or(other, |(queue, handle)| Call::Change {
                queue,
                handle,
                timeout_s,
            }),
            82..83 => self.any_receipts().map_or(other, |(queue, handles)| Call::ChangeBatch {
                queue,
                handles,
                timeout_s,
            }),
            83..88 => Call::Counts { queue },
            // A queue's own dead letters are nobody's use.
            88..92 if !queue.starts_with("dead") => Call::SetRedrive {
                target: self
                    .random
                    .percent(85)
                    .then(|| if fifo { "dead3.fifo" } else { "dead3" }.to_owned()),
                count: 1 + u32::try_from(self.random.below(3)).unwrap_or(0),
                queue,
            },
            88..93 => self.any_setting(queue),
            93..96 => self.any_move(fifo),
            96 => match self.random.pick(&self.tasks).cloned() {
                Some((source, handle)) => Call::CancelMove { handle, source },
                None => other,
            },
            97 => Call::ListMoves { source: queue },
            98 => {
                if self.random.percent(60) {
                    Call::Purge { queue }
                } else {
                    Call::ListQueues
                }
            }
            _ => Call::DeleteQueue { queue },
        }
    }

    fn any_setting(&mut self, queue: String) -> Call {
        if self.random.percent(50) {
            let value = self.random.below(30).to_string();
            Call::Set {
                queue,
                name: "VisibilityTimeout",
                value,
            }
        } else {
            let value = if self.random.percent(50) { "60" } else { "345600" }.to_owned();
            Call::Set {
                queue,
                name: "MessageRetentionPeriod",
                value,
            }
        }
    }

    fn any_move(&mut self, fifo: bool) -> Call {
        let destination = if fifo { "q1.fifo" } else { "q1" };
        Call::StartMove {
            source: if fifo { "dead3.fifo" } else { "dead3" }.to_owned(),
            destination: self.random.percent(50).then(|| destination.to_owned()),
            rate: self
                .random
                .percent(50)
                .then(|| 1 + u32::try_from(self.random.below(5)).unwrap_or(0)),
        }
    }
}

/// Rows beyond the two that every world keeps: the last number of deferred work, and the count of openings.
fn left(rows: &[(Vec<u8>, Vec<u8>)]) -> Vec<String> {
    let (always, number) = (2, rows.len());
    if number <= always {
        return Vec::new();
    }
    rows.iter()
        .map(|(key, value)| format!("{} = {} bytes", key.escape_ascii(), value.len()))
        .collect()
}
