//! `durable [CONNECTIONS] [FOLDER]`: commits like those of SendMessage, each awaited, in memory and on disk.
//!
//! Prints how many a second, how many syncs they shared, and how many syncs a second the device does alone. Put FOLDER on
//! the device that is meant.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use virga_base::{Account, Region};
use virga_store::{Decision, DiskEngine, Engine, MemoryEngine, Place, Store, StoreError, Table};

type Failure = Box<dyn std::error::Error>;

const SECONDS: f64 = 4.0;
const MESSAGES: Table<(String, u64), Vec<u8>> = Table::new(0x7f01, "bench.messages");
const VISIBLE: Table<(String, u64), ()> = Table::new(0x7f02, "bench.visible");
const COUNTS: Table<(String,), u64> = Table::new(0x7f03, "bench.counts");

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let connections = arguments.next().map_or(Ok(64), |count| count.parse())?;
    let folder = arguments.next().map_or_else(
        || std::env::temp_dir().join(format!("virga-durable-{}", std::process::id())),
        PathBuf::from,
    );
    std::fs::create_dir_all(&folder)?;
    println!(
        "the device alone: {:.0} appends of 4 KiB with fdatasync a second",
        device(&folder)?
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    for _ in 0..3 {
        let memory = runtime.block_on(load(Box::new(MemoryEngine::default()), connections))?;
        let data = folder.join("data");
        let disk = runtime.block_on(load(Box::new(DiskEngine::open(&data)?), connections))?;
        std::fs::remove_dir_all(data)?;
        println!(
            "{connections} at once: memory {:.0}/s, disk {:.0}/s with {:.0} syncs/s, {:.1} us longer each",
            memory.0,
            disk.0,
            disk.1,
            1e6 / disk.0 - 1e6 / memory.0
        );
    }
    let forked = forks(&folder.join("forked"));
    std::fs::remove_dir_all(&folder)?;
    forked
}

/// The longest that making a fork may take.
const FORK_MS_MOST: f64 = 10.0;

/// Forks a folder with rows, each time after a write.
fn forks(folder: &Path) -> Result<(), Failure> {
    const ROWS: u64 = 300_000;
    let engine = DiskEngine::open(folder)?;
    let put = |from: u64, to: u64| {
        engine.write(&mut |tx| {
            let all =
                (from..to).try_for_each(|n| tx.put(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes(), &[7; 300]));
            all.map_or(Decision::Abort, |()| Decision::Commit)
        })
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for from in (0..ROWS).step_by(10_000) {
        if let Some(durable) = put(from, from + 10_000)? {
            runtime.block_on(durable)?;
        }
    }
    let mut times_ms = Vec::new();
    for n in 0..100 {
        drop(put(ROWS + n, ROWS + n + 1)?);
        let began = Instant::now();
        engine.fork(&format!("fork-{n}"))?;
        times_ms.push(began.elapsed().as_secs_f64() * 1000.0);
        if n >= 10 {
            engine.forget(&format!("fork-{}", n - 10))?;
        }
    }
    times_ms.sort_by(f64::total_cmp);
    let (median, most) = (times_ms[times_ms.len() / 2], times_ms[times_ms.len() - 1]);
    println!(
        "a kept fork of {ROWS} rows: {median:.2} ms (median of {}, bar <= {FORK_MS_MOST}), longest {most:.2} ms",
        times_ms.len()
    );
    if median > FORK_MS_MOST {
        return Err("making a fork takes too long".into());
    }
    Ok(())
}

/// Commits and syncs a second.
async fn load(engine: Box<dyn Engine>, connections: u64) -> Result<(f64, f64), Failure> {
    let store = Arc::new(Store::new(engine));
    let until = Instant::now() + Duration::from_secs_f64(SECONDS);
    let tasks: Vec<_> = (0..connections)
        .map(|connection| {
            let store = store.clone();
            tokio::spawn(async move {
                let place = Place::new(Account::from_number(1234), &Region::default());
                let mut sent = 0;
                while Instant::now() < until {
                    let n = connection << 40 | sent;
                    store
                        .write(&place, |tx| -> Result<(), StoreError> {
                            let count = tx.get(&COUNTS, ("queue",))?.unwrap_or(0);
                            tx.put(&COUNTS, ("queue",), &(count + 1))?;
                            tx.put(&MESSAGES, ("queue", n), &vec![7; 300])?;
                            tx.put(&VISIBLE, ("queue", count), &())
                        })
                        .await?;
                    sent += 1;
                }
                Ok::<u64, StoreError>(sent)
            })
        })
        .collect();
    let mut commits = 0;
    for task in tasks {
        commits += task.await??;
    }
    Ok((commits as f64 / SECONDS, store.figures().syncs as f64 / SECONDS))
}

fn device(folder: &Path) -> Result<f64, Failure> {
    let path = folder.join("device");
    let mut file = std::fs::File::create(&path)?;
    let began = Instant::now();
    for _ in 0..1000 {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
    }
    let rate = 1000.0 / began.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}
