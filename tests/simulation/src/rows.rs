//! Random transactions on the typed tables, with faults, held against ordered maps.

use std::collections::BTreeMap;
use std::sync::Arc;
use virga_base::{Account, Region};
use virga_store::{MemoryEngine, Place, Store, StoreError, Table, Tx};
use virga_testkit::simulation::{Ending, Executor, Faults, Plan, Random};

/// Of two parts, so that prefixes and bounds have something to cut.
const PAIRS: Table<(String, u64), Vec<u8>> = Table::new(0x7e01, "simulation.pairs");
const NUMBERS: Table<(u64,), u64> = Table::new(0x7e02, "simulation.numbers");

/// Account, then table, then key; what the store holds, as simply as it can be said.
type Rows = BTreeMap<(u64, u8, String, u64), Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Put(u8, String, u64, Vec<u8>),
    Delete(u8, String, u64),
    DeleteAll(String),
    Get(u8, String, u64),
    Scan {
        prefix: String,
        after: Option<u64>,
        reverse: bool,
        limit: usize,
    },
}

#[derive(Clone, Debug)]
struct Transaction {
    account: u64,
    steps: Vec<Step>,
    fails: bool,
}

/// What a transaction saw, step by step.
type Seen = Vec<String>;

fn apply_to_rows(rows: &mut Rows, account: u64, step: &Step) -> String {
    match step {
        Step::Put(table, a, b, value) => {
            rows.insert((account, *table, a.clone(), *b), value.clone());
            String::new()
        }
        Step::Delete(table, a, b) => {
            rows.remove(&(account, *table, a.clone(), *b));
            String::new()
        }
        Step::DeleteAll(prefix) => {
            let before = rows.len();
            rows.retain(|(of, table, a, _), _| !(*of == account && *table == 0 && a == prefix));
            (before - rows.len()).to_string()
        }
        Step::Get(table, a, b) => format!("{:?}", rows.get(&(account, *table, a.clone(), *b))),
        Step::Scan {
            prefix,
            after,
            reverse,
            limit,
        } => {
            let found = rows.iter().filter(|((of, table, a, b), _)| {
                *of == account && *table == 0 && a == prefix && after.is_none_or(|after| *b > after)
            });
            let mut found: Vec<((String, u64), Vec<u8>)> = found
                .map(|((_, _, a, b), value)| ((a.clone(), *b), value.clone()))
                .collect();
            if *reverse {
                found.reverse();
            }
            found.truncate(*limit);
            format!("{found:?}")
        }
    }
}

fn apply_to_store(tx: &mut Tx<'_>, step: &Step) -> Result<String, StoreError> {
    Ok(match step {
        Step::Put(0, a, b, value) => {
            tx.put(&PAIRS, (a, *b), value)?;
            String::new()
        }
        Step::Put(_, _, b, value) => {
            tx.put(&NUMBERS, (*b,), &(value.len() as u64))?;
            String::new()
        }
        Step::Delete(0, a, b) => {
            tx.delete(&PAIRS, (a, *b))?;
            String::new()
        }
        Step::Delete(_, _, b) => {
            tx.delete(&NUMBERS, (*b,))?;
            String::new()
        }
        Step::DeleteAll(prefix) => tx.delete_all(&PAIRS, (prefix,))?.to_string(),
        Step::Get(0, a, b) => format!("{:?}", tx.get(&PAIRS, (a, *b))?),
        Step::Get(_, _, b) => {
            format!(
                "{:?}",
                tx.get(&NUMBERS, (*b,))?
                    .map(|length| vec![b'x'; usize::try_from(length).unwrap_or(0)])
            )
        }
        Step::Scan {
            prefix,
            after,
            reverse,
            limit,
        } => {
            let scan = tx.scan(&PAIRS).prefix((prefix,)).limit(*limit);
            let scan = match after {
                Some(after) => scan.after((prefix, *after)),
                None => scan,
            };
            let scan = if *reverse { scan.reverse() } else { scan };
            format!("{:?}", scan.rows()?)
        }
    })
}

fn any_step(random: &mut Random) -> Step {
    let prefixes = ["", "a", "b", "a\0", "ab", "ü"];
    let prefix = random.pick(&prefixes).copied().unwrap_or_default().to_owned();
    let table = u8::from(random.percent(25));
    let name = if table == 0 { prefix.clone() } else { String::new() };
    let number = [0, 1, 2, 255, 256, 65_536, u64::MAX - 1][usize::try_from(random.below(7)).unwrap_or(0)];
    match random.below(10) {
        0..4 => {
            let length = [0, 1, 3, 300][usize::try_from(random.below(4)).unwrap_or(0)];
            Step::Put(table, name, number, vec![b'x'; length])
        }
        4..6 => Step::Delete(table, name, number),
        6 => Step::DeleteAll(prefix),
        7 => Step::Get(table, name, number),
        _ => Step::Scan {
            prefix,
            after: random.percent(40).then_some(number),
            reverse: random.percent(50),
            limit: usize::try_from(1 + random.below(8)).unwrap_or(1),
        },
    }
}

/// Runs one seed; answers how many transactions there were.
pub fn run(seed: u64, plan: Plan) -> Result<usize, String> {
    let mut random = Random::new(seed);
    let mut executor: Executor<(usize, Result<Seen, StoreError>)> = Executor::default();
    let mut faults = Faults::in_memory(
        Box::new(MemoryEngine::default()),
        plan,
        random.draw(),
        executor.current(),
    );
    let mut store = Arc::new(Store::new(faults.engine()));
    // The rows after each commit of this epoch; the first is what it began with.
    let mut versions: Vec<Rows> = vec![Rows::new()];
    let mut transactions: BTreeMap<u64, (Transaction, Result<Seen, ()>, usize)> = BTreeMap::new();
    let mut count = 0;
    for _ in 0..400 {
        let woken = executor.woken();
        match random.below(100) {
            0..50 => {
                count += 1;
                let transaction = Transaction {
                    account: 1 + random.below(2),
                    steps: (0..=random.below(5)).map(|_| any_step(&mut random)).collect(),
                    fails: random.percent(15),
                };
                let (own, store) = (transaction.clone(), store.clone());
                let task = executor.spawn(async move {
                    let place = Place::new(Account::from_number(own.account), &Region::default());
                    let result = store.write(&place, |tx| {
                        let seen = own
                            .steps
                            .iter()
                            .map(|step| apply_to_store(tx, step))
                            .collect::<Result<Seen, _>>()?;
                        if own.fails {
                            Err(StoreError::Engine("asked to fail".into()))
                        } else {
                            Ok(seen)
                        }
                    });
                    (count, result.await)
                });
                let done = executor.poll(task);
                let events = faults.take_events();
                // What it must have seen, if it ran at all.
                let mut rows = versions.last().cloned().unwrap_or_default();
                let wanted: Seen = transaction
                    .steps
                    .iter()
                    .map(|step| apply_to_rows(&mut rows, transaction.account, step))
                    .collect();
                if let Some(event) = events.last().filter(|event| event.ending != Ending::Refused) {
                    let at = usize::try_from(event.commits).unwrap_or(0);
                    if at == versions.len() {
                        versions.push(rows);
                    }
                    if transaction.fails != (event.ending == Ending::Abort) {
                        return Err(format!("{transaction:?} ended with {event:?}"));
                    }
                    transactions.insert(task, (transaction, Ok(wanted), at));
                } else {
                    transactions.insert(task, (transaction, Err(()), 0));
                }
                if let Some((_, result)) = done {
                    compare(&transactions, task, result, None)?;
                    transactions.remove(&task);
                }
            }
            50..80 => {
                if let Some(task) = random.pick(&woken).copied()
                    && let Some((_, result)) = executor.poll(task)
                {
                    compare(&transactions, task, result, None)?;
                    // Answered: from now on no crash may take it back.
                    transactions
                        .entry(task)
                        .and_modify(|(_, wanted, _)| *wanted = Ok(Seen::new()));
                }
            }
            80..97 => faults.make_durable(1 + random.below(3)),
            _ => {
                let (survives, rows) = faults.crash();
                let survives = usize::try_from(survives).unwrap_or(0);
                let answered = |task: &u64| !executor.alive().contains(task);
                if let Some((task, (transaction, _, at))) = transactions
                    .iter()
                    .find(|(task, (_, _, at))| answered(task) && *at > survives)
                {
                    return Err(format!("#{task} {transaction:?} was answered, and commit {at} is lost"));
                }
                executor.clear();
                transactions.clear();
                let rows = rows.ok_or("no rows are left")?;
                faults = Faults::in_memory(rows, plan, random.draw(), executor.current());
                store = Arc::new(Store::new(faults.engine()));
                versions = vec![
                    versions
                        .get(survives)
                        .cloned()
                        .ok_or("more survives than was written")?,
                ];
                check_rows(&store, &versions[0])?;
                faults.take_events();
            }
        }
    }
    check_rows(&store, versions.last().ok_or("no rows")?)?;
    Ok(count)
}

fn compare(
    transactions: &BTreeMap<u64, (Transaction, Result<Seen, ()>, usize)>,
    task: u64,
    result: Result<Seen, StoreError>,
    _survives: Option<usize>,
) -> Result<(), String> {
    let Some((transaction, wanted, _)) = transactions.get(&task) else {
        return Err("an answer to nobody".into());
    };
    match (wanted, result) {
        (Err(()), Err(StoreError::Unwritable(_))) => Ok(()),
        (Ok(_), Err(StoreError::Engine(_))) if transaction.fails => Ok(()),
        (Ok(wanted), Ok(seen)) if !transaction.fails && *wanted == seen => Ok(()),
        (wanted, result) => Err(format!(
            "{transaction:?} should have seen {wanted:?}, and got {result:?}"
        )),
    }
}

fn check_rows(store: &Store, rows: &Rows) -> Result<(), String> {
    let mut held = Rows::new();
    for account in 1..=2 {
        let place = Place::new(Account::from_number(account), &Region::default());
        let read = store.read(&place, |tx| -> Result<(), StoreError> {
            for ((a, b), value) in tx.scan(&PAIRS).rows()? {
                held.insert((account, 0, a, b), value);
            }
            for ((b,), length) in tx.scan(&NUMBERS).rows()? {
                held.insert(
                    (account, 1, String::new(), b),
                    vec![b'x'; usize::try_from(length).unwrap_or(0)],
                );
            }
            Ok(())
        });
        read.map_err(|error| error.to_string())?;
    }
    if held == *rows {
        Ok(())
    } else {
        Err(format!("the rows should be {rows:?}, and are {held:?}"))
    }
}
