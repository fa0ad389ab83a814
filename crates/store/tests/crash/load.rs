//! A load with known answers, for a process that is killed while it writes.
//!
//! Each writer does its transactions in order, each known from the writer's number and its own, and each counts itself in
//! a row of the same transaction. So what is found afterwards must be exactly what so many transactions leave, and so many
//! are at least those that were answered, and at most one more for each writer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::process::Child;
use std::time::Duration;
use virga_store::{Decision, DiskEngine, DiskLimits, Engine, StoreError};

pub const WRITERS: u64 = 8;
/// Rows that a writer puts and deletes.
const KEYS: u64 = 60;
/// The value's length is below this, in bytes.
const VALUE_LENGTH: u64 = 900;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;
type Changes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A sequence of numbers that looks like chance and repeats.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 29)) % bound
    }
}

/// Small, so that in a short life the base is written many times.
const LIMITS: DiskLimits = DiskLimits {
    log_bytes: 64 << 10,
    removed_rows: 256,
    idle_ms: 50,
};

fn count_key(writer: u64) -> Vec<u8> {
    vec![writer as u8, 0]
}

fn step(writer: u64, n: u64) -> Changes {
    let mut chance = Chance(writer << 48 | n);
    let k = chance.below(KEYS) as u8;
    let value = (chance.below(4) > 0).then(|| vec![n as u8; chance.below(VALUE_LENGTH) as usize]);
    vec![
        (count_key(writer), Some(n.to_be_bytes().to_vec())),
        (vec![writer as u8, 1, k], value.clone()),
        (vec![writer as u8, 2, k], value),
    ]
}

fn read_all(engine: &dyn Engine) -> Result<Rows, StoreError> {
    let (mut rows, mut scanned) = (Rows::new(), Ok(()));
    engine.read(&mut |tx| {
        scanned = tx.scan(Bound::Unbounded, Bound::Unbounded, false, &mut |key, value| {
            rows.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        });
    })?;
    scanned.map(|()| rows)
}

fn counts(rows: &Rows) -> Vec<u64> {
    let count = |writer| rows.get(&count_key(writer)).and_then(|n| n.as_slice().try_into().ok());
    (0..WRITERS)
        .map(|writer| count(writer).map_or(0, u64::from_be_bytes))
        .collect()
}

/// The killed process: writes until it is killed, and prints writer and number of each transaction that is answered.
pub fn write_until_killed(folder: &Path) -> Result<(), StoreError> {
    let engine = DiskEngine::open_with(folder, LIMITS)?;
    let found = counts(&read_all(&engine)?);
    let write = |writer: u64, from: u64| -> Result<(), StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| StoreError::Engine(error.to_string()))?;
        for n in from.. {
            let changes = step(writer, n);
            let durable = engine.write(&mut |tx| {
                let all = changes.iter().try_for_each(|(key, value)| match value {
                    Some(value) => tx.put(key, value),
                    None => tx.delete(key),
                });
                all.map_or(Decision::Abort, |()| Decision::Commit)
            })?;
            durable.map_or(Ok(()), |durable| runtime.block_on(durable))?;
            let line = format!("answered {writer} {n}\n");
            if std::io::stdout().lock().write_all(line.as_bytes()).is_err() {
                break;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let write = &write;
        let writers: Vec<_> = (0..WRITERS)
            .zip(found)
            .map(|(writer, count)| scope.spawn(move || write(writer, count + 1)))
            .collect();
        writers.into_iter().try_for_each(|writer| {
            writer
                .join()
                .unwrap_or_else(|_| Err(StoreError::Engine("a writer panicked".into())))
        })
    })
}

/// What one life of the process left behind.
#[derive(Debug, Default)]
pub struct Life {
    pub answered: u64,
    /// Transactions that were written but not answered.
    pub on_their_way: u64,
}

/// Checks folders that were written by processes which were killed.
pub struct Judge {
    /// The rows after `counts` transactions of each writer.
    rows: Rows,
    counts: Vec<u64>,
}

impl Judge {
    pub fn new() -> Judge {
        Judge {
            rows: Rows::new(),
            counts: vec![0; WRITERS as usize],
        }
    }

    /// Lets a process write for a while, kills it, and looks at what is there.
    pub fn judge(&mut self, mut child: Child, life: Duration, folder: &Path) -> Result<Life, String> {
        let output = child.stdout.take().ok_or("the process has no output")?;
        let reader = std::thread::spawn(move || read_answers(output));
        std::thread::sleep(life);
        child.kill().map_err(|error| error.to_string())?;
        child.wait().map_err(|error| error.to_string())?;
        let answers = reader.join().map_err(|_| "the reader panicked")?;

        let engine = DiskEngine::open_with(folder, LIMITS).map_err(|error| error.to_string())?;
        let found = read_all(&engine).map_err(|error| error.to_string())?;
        let found_counts = counts(&found);
        let mut outcome = Life::default();
        for (writer, count) in found_counts.iter().enumerate() {
            let before = self.counts[writer];
            let answered = answers.get(&(writer as u64)).copied().unwrap_or(before);
            if !(answered..=answered + 1).contains(count) {
                return Err(format!(
                    "writer {writer}: {answered} transactions were answered, {count} are there"
                ));
            }
            outcome.answered += answered - before;
            outcome.on_their_way += count - answered;
            for (key, value) in (before + 1..=*count).flat_map(|n| step(writer as u64, n)) {
                match value {
                    Some(value) => drop(self.rows.insert(key, value)),
                    None => drop(self.rows.remove(&key)),
                }
            }
        }
        self.counts = found_counts;
        if self.rows != found {
            return Err("the rows are not those that the transactions leave".to_owned());
        }
        Ok(outcome)
    }
}

/// The last answered transaction of each writer.
fn read_answers(output: impl Read) -> BTreeMap<u64, u64> {
    let mut answers = BTreeMap::new();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let mut words = line.split(' ');
        if words.next() == Some("answered")
            && let (Some(Ok(writer)), Some(Ok(n))) = (words.next().map(str::parse), words.next().map(str::parse))
        {
            answers.insert(writer, n);
        }
    }
    answers
}
