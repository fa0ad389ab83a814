//! A load with known answers, for a process that is killed while it writes.
//!
//! Each writer does its transactions in order, each known from the writer's number and its own, and each counts itself in
//! a row of the same transaction. So what is found afterwards must be exactly what so many transactions leave, and so many
//! are at least those that were answered, and at most one more for each writer.
//!
//! Meanwhile forks are made, written to and given up. A fork must hold what so many transactions of each writer leave, as of
//! when it was made, and its own row.

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

/// The forks that live at once.
const FORKS: u64 = 3;
/// The row that a fork is given.
const MARK: &[u8] = b"\xffmark";

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

fn fork_name(n: u64) -> String {
    format!("fork-{n}")
}

fn fork_number(name: &str) -> u64 {
    name.strip_prefix("fork-")
        .and_then(|n| n.parse().ok())
        .unwrap_or_default()
}

/// Says that something was answered; `false` where nobody listens any more.
fn tell(what: &str, n: u64) -> bool {
    let line = format!("answered {what} {n}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).is_ok()
}

fn runtime() -> Result<tokio::runtime::Runtime, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.map_err(|error| StoreError::Engine(error.to_string()))
}

/// Makes forks, marks each, and gives up those that are too many.
fn fork(engine: &DiskEngine) -> Result<(), StoreError> {
    let runtime = runtime()?;
    let numbers = || -> Result<Vec<u64>, StoreError> {
        let mut numbers: Vec<u64> = engine.kept()?.iter().map(|(name, _)| fork_number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    };
    let from = numbers()?.last().map_or(1, |last| last + 1);
    for n in from.. {
        let fork = engine.fork(&fork_name(n))?;
        if !tell("fork", n) {
            break;
        }
        let durable = fork.write(&mut |tx| match tx.put(MARK, &n.to_be_bytes()) {
            Ok(()) => Decision::Commit,
            Err(_) => Decision::Abort,
        })?;
        durable.map_or(Ok(()), |durable| runtime.block_on(durable))?;
        tell("mark", n);
        for old in numbers()?.into_iter().filter(|old| old + FORKS <= n) {
            engine.forget(&fork_name(old))?;
            tell("forget", old);
        }
        std::thread::sleep(Duration::from_millis(7));
    }
    Ok(())
}

/// The killed process: writes until it is killed, and prints writer and number of each transaction that is answered.
pub fn write_until_killed(folder: &Path) -> Result<(), StoreError> {
    let engine = DiskEngine::open_with(folder, LIMITS)?;
    let found = counts(&read_all(&engine)?);
    let write = |writer: u64, from: u64| -> Result<(), StoreError> {
        let runtime = runtime()?;
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
            if !tell(&writer.to_string(), n) {
                break;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let (write, engine) = (&write, &engine);
        let forker = scope.spawn(move || fork(engine));
        let mut writers: Vec<_> = (0..WRITERS)
            .zip(found)
            .map(|(writer, count)| scope.spawn(move || write(writer, count + 1)))
            .collect();
        writers.push(forker);
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
    /// Forks that were found.
    pub forks: u64,
}

/// Checks folders that were written by processes which were killed.
pub struct Judge {
    /// The rows after `counts` transactions of each writer.
    rows: Rows,
    counts: Vec<u64>,
    /// What each fork held when it was first found, its mark too.
    forks: BTreeMap<u64, Rows>,
}

impl Judge {
    pub fn new() -> Judge {
        Judge {
            rows: Rows::new(),
            counts: vec![0; WRITERS as usize],
            forks: BTreeMap::new(),
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
        let forks = self.judge_forks(&engine, &answers)?;
        let mut outcome = Life {
            forks,
            ..Life::default()
        };
        for (writer, count) in found_counts.iter().enumerate() {
            let before = self.counts[writer];
            let answered = answers.get(&writer.to_string()).copied().unwrap_or(before);
            if !(answered..=answered + 1).contains(count) {
                return Err(format!(
                    "writer {writer}: {answered} transactions were answered, {count} are there"
                ));
            }
            outcome.answered += answered - before;
            outcome.on_their_way += count - answered;
            go_on(&mut self.rows, writer as u64, before, *count);
        }
        self.counts = found_counts;
        if self.rows != found {
            return Err("the rows are not those that the transactions leave".to_owned());
        }
        Ok(outcome)
    }
}

impl Judge {
    /// Looks at the forks, before the rows of this life are known; answers how many there are.
    fn judge_forks(&mut self, engine: &DiskEngine, answers: &BTreeMap<String, u64>) -> Result<u64, String> {
        let last = |what: &str| answers.get(what).copied();
        let first_kept = last("forget").map_or_else(|| self.forks.keys().next().copied().unwrap_or(1), |n| n + 1);
        let last_made = last("fork")
            .or_else(|| self.forks.keys().next_back().copied())
            .unwrap_or(0);
        let mut forks = BTreeMap::new();
        for (name, fork) in engine.kept().map_err(|error| error.to_string())? {
            forks.insert(fork_number(&name), read_all(&*fork).map_err(|error| error.to_string())?);
        }
        for n in first_kept..=last_made {
            // One could be given up without an answer, another made.
            if !forks.contains_key(&n) && n != first_kept {
                return Err(format!("fork {n} is missing"));
            }
        }
        for (n, rows) in &mut forks {
            if !(first_kept..=last_made + 1).contains(n) {
                return Err(format!("fork {n} is too much"));
            }
            let expected = match self.forks.get(n) {
                Some(before) => before.clone(),
                None => {
                    let mark = rows.get(MARK).cloned();
                    let is_right = mark.is_none() || mark == Some(n.to_be_bytes().to_vec());
                    let was_given = last("mark").is_some_and(|marked| marked >= *n);
                    if !is_right || (was_given && mark.is_none()) {
                        return Err(format!("fork {n} has not the mark it was given"));
                    }
                    let mut expected = self.rows.clone();
                    expected.extend(mark.map(|mark| (MARK.to_vec(), mark)));
                    for (writer, count) in counts(rows).iter().enumerate() {
                        go_on(&mut expected, writer as u64, self.counts[writer], *count);
                    }
                    expected
                }
            };
            if *rows != expected {
                return Err(format!("fork {n} holds other rows than it should"));
            }
        }
        self.forks = forks;
        Ok(self.forks.len() as u64)
    }
}

/// Makes of the rows after `from` transactions of a writer those after `to`.
fn go_on(rows: &mut Rows, writer: u64, from: u64, to: u64) {
    for (key, value) in (from + 1..=to).flat_map(|n| step(writer, n)) {
        match value {
            Some(value) => drop(rows.insert(key, value)),
            None => drop(rows.remove(&key)),
        }
    }
}

/// The last answer of each writer, and of each thing that is done with forks.
fn read_answers(output: impl Read) -> BTreeMap<String, u64> {
    let mut answers = BTreeMap::new();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let mut words = line.split(' ');
        if words.next() == Some("answered")
            && let (Some(who), Some(Ok(n))) = (words.next(), words.next().map(str::parse))
        {
            answers.insert(who.to_owned(), n);
        }
    }
    answers
}
