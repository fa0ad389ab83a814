//! What a fork of a full world costs, beside what it may: `cargo run --release -p virga-service --example worlds -- 1000000
//! 10000 [FOLDER]`, for so many rows and forks; in memory, or on disk where a folder is named.
//!
//! Fails where a cost is over its bar.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use virga_base::{Account, Clock, Ids, Region};
use virga_service::{CloudOptions, Fork, Worlds};
use virga_store::{DiskEngine, Engine, MemoryEngine, Place, Store, StoreError, Table};

const ROWS: Table<(u64,), Vec<u8>> = Table::new(0x7f01, "bench.rows");
const VALUE_BYTES: usize = 300;
const TOGETHER: u64 = 1000;
const MEMORY_MAX_US: f64 = 100.0;
const DISK_MAX_US: f64 = 10_000.0;
const UNWRITTEN_MAX_BYTES: f64 = 1024.0;

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

#[tokio::main]
async fn main() -> Result<ExitCode, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| arguments.get(at).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (rows, forks) = (number(0, 1_000_000), number(1, 10_000));
    let folder = arguments.get(2);
    let engine: Box<dyn Engine> = match folder {
        Some(folder) => Box::new(DiskEngine::open(Path::new(folder)).map_err(|error| error.to_string())?),
        None => Box::new(MemoryEngine::default()),
    };
    let options = CloudOptions {
        store: Store::new(engine),
        clock: Clock::real(),
        ids: Ids::random(),
        services: Vec::new(),
        settings: BTreeMap::new(),
    };
    let worlds_max = usize::try_from(forks + 2).unwrap_or(usize::MAX);
    let worlds = Worlds::open(options, worlds_max)
        .await
        .map_err(|error| error.to_string())?;
    let running = tokio::spawn(worlds.clone().run());
    let place = Place::new(Account::DEFAULT, &Region::default());
    let value = vec![7; VALUE_BYTES];
    for batch in 0..rows.div_ceil(TOGETHER) {
        let written: Result<(), StoreError> = worlds
            .main()
            .store()
            .write(&place, |tx| {
                (batch * TOGETHER..rows.min((batch + 1) * TOGETHER)).try_for_each(|i| tx.put(&ROWS, (i,), &value))
            })
            .await;
        written.map_err(|error| error.to_string())?;
    }
    println!(
        "a world of {rows} rows of {VALUE_BYTES} bytes, {} MB",
        resident_bytes() >> 20
    );

    let before = resident_bytes();
    let mut each_us = Vec::new();
    for number in 0..forks {
        let fork = Fork {
            name: format!("fork-{number}"),
            ..Fork::default()
        };
        let began = Instant::now();
        worlds.fork(fork).await.map_err(|error| error.to_string())?;
        each_us.push(began.elapsed().as_secs_f64() * 1e6);
    }
    // Whatever the scheduler has to learn of them, it has learnt then.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let each_bytes = resident_bytes().saturating_sub(before) as f64 / forks as f64;
    each_us.sort_by(f64::total_cmp);
    let at = |part: usize| each_us.get(each_us.len() * part / 1000).copied().unwrap_or(0.0);
    println!(
        "fork: median {:.1} us, 99% {:.1} us, worst {:.1} us",
        at(500),
        at(990),
        at(999)
    );
    println!("memory of a fork until it is written: {each_bytes:.0} bytes");
    let began = Instant::now();
    for number in 0..forks {
        worlds
            .drop_world(&format!("fork-{number}"))
            .await
            .map_err(|error| error.to_string())?;
    }
    println!("drop: {:.1} us", began.elapsed().as_secs_f64() * 1e6 / forks as f64);
    running.abort();
    let most_us = if folder.is_some() { DISK_MAX_US } else { MEMORY_MAX_US };
    let kept = at(500) <= most_us && (folder.is_some() || each_bytes <= UNWRITTEN_MAX_BYTES);
    println!(
        "bars: {most_us} us, {UNWRITTEN_MAX_BYTES} bytes: {}",
        if kept { "kept" } else { "MISSED" }
    );
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
