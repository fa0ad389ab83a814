//! Who waits here is woken by what other nodes commit. CockroachDB has no `NOTIFY`, so the database is asked again and
//! again: each commit that wakes anybody leaves a stamp on the topic's row, and a stamp that has changed is a wake.

use crate::connection::{Connection, WAKES};
use crate::failure::Failure;
use crate::pool::Pool;
use crate::wire::message::Parameter;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use virga_store::Waiters;

/// How often is asked while somebody waits for a topic.
const PAUSE: Duration = Duration::from_millis(50);
/// How often is asked while only deferred work of other nodes could arrive.
const PAUSE_QUIET: Duration = Duration::from_millis(250);
/// After a failure.
const PAUSE_FAILED: Duration = Duration::from_millis(500);
/// Topics whose stamps are remembered, and topics in one question.
const REMEMBERED_MAX: usize = 20_000;
const ASKED_MAX: usize = 1_000;

/// Those who wait, by world.
#[derive(Default)]
pub struct Waiting {
    worlds: Mutex<Vec<(i64, Weak<dyn Waiters>)>>,
}

type Stamps = HashMap<(i64, Vec<u8>), Option<Vec<u8>>>;

impl Waiting {
    pub fn add(&self, world: i64, waiters: &Arc<dyn Waiters>) {
        let mut worlds = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
        worlds.push((world, Arc::downgrade(waiters)));
    }

    fn all(&self) -> Vec<(i64, Arc<dyn Waiters>)> {
        let mut worlds = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
        worlds.retain(|(_, waiters)| waiters.strong_count() > 0);
        worlds
            .iter()
            .filter_map(|(world, waiters)| Some((*world, waiters.upgrade()?)))
            .collect()
    }
}

/// Starts the thread that asks, for as long as `waiting` is in use.
pub fn start(pool: &Arc<Pool>, waiting: &Arc<Waiting>, node: u64) -> std::io::Result<()> {
    let (pool, waiting) = (Arc::downgrade(pool), Arc::downgrade(waiting));
    let poll = move || {
        let mut poll = Poll {
            node,
            connection: None,
            stamps: Stamps::new(),
        };
        loop {
            let (Some(pool), Some(waiting)) = (pool.upgrade(), waiting.upgrade()) else {
                return;
            };
            let pause = poll.once(&pool, &waiting);
            drop((pool, waiting));
            std::thread::sleep(pause);
        }
    };
    std::thread::Builder::new()
        .name("virga-wakes".to_owned())
        .spawn(poll)
        .map(drop)
}

struct Poll {
    node: u64,
    connection: Option<Connection>,
    stamps: Stamps,
}

impl Poll {
    /// Asks once; answers how long to pause.
    fn once(&mut self, pool: &Pool, waiting: &Waiting) -> Duration {
        let worlds = waiting.all();
        let mut is_quiet = true;
        for (world, waiters) in &worlds {
            let mut topics = waiters.topics();
            is_quiet &= topics.is_empty();
            // Deferred work.
            topics.push(Vec::new());
            for topics in topics.chunks(ASKED_MAX) {
                if let Err(failure) = self.ask(pool, *world, &**waiters, topics) {
                    log::debug!("cannot hear what other nodes do: {}", failure.into_error());
                    self.connection = None;
                    // What happens until it can be heard again is unknown: all look again then.
                    self.stamps.clear();
                    return PAUSE_FAILED;
                }
            }
        }
        if self.stamps.len() > REMEMBERED_MAX {
            self.stamps.clear();
        }
        if is_quiet { PAUSE_QUIET } else { PAUSE }
    }

    fn ask(&mut self, pool: &Pool, world: i64, waiters: &dyn Waiters, topics: &[Vec<u8>]) -> Result<(), Failure> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(pool.connect()?),
        };
        let mut found: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        connection.execute(WAKES, &[Parameter::Number(world), Parameter::Many(topics)]);
        connection.sync();
        connection.finish(&mut |mut row| {
            if let (Some(topic), Some(stamp)) = (row.next(), row.next()) {
                found.insert(topic.to_vec(), stamp.to_vec());
            }
        })?;
        for topic in topics {
            let stamp = found.remove(topic);
            // This node has told its own already, behind whatever stood there before.
            let is_own = stamp
                .as_ref()
                .is_some_and(|stamp| stamp.starts_with(&self.node.to_be_bytes()));
            // A topic not asked for before may have been notified since somebody began to watch it: he looks again.
            let before = self.stamps.insert((world, topic.clone()), stamp.clone());
            if before.is_some_and(|before| before == stamp || is_own) {
                continue;
            }
            if topic.is_empty() {
                waiters.wake_due();
            } else {
                waiters.wake(topic);
            }
        }
        Ok(())
    }
}
