//! Costs of the memory engine, beside what they may be: `cargo run --release -p virga-store --example rows -- 1000000`.
//!
//! Fails where a cost is over its bar. A busy machine raises all of them; they are medians over parts of the run, and the
//! best part is printed beside them.

use std::ops::{Bound, ControlFlow};
use std::process::ExitCode;
use std::time::Instant;
use virga_store::{Decision, Engine, MemoryEngine};

const VALUE: [u8; 300] = [7; 300];

/// What each figure may be at most.
struct Bars {
    commit_us: f64,
    read_us: f64,
    scan_us: f64,
    row_overhead_bytes: f64,
    fork_us: f64,
    fork_bytes: f64,
}

fn bars(rows: u64) -> Bars {
    let (commit_us, read_us) = if rows <= 1_000_000 { (3.0, 2.5) } else { (6.0, 4.0) };
    Bars {
        commit_us,
        read_us,
        scan_us: 6.0,
        row_overhead_bytes: 100.0,
        fork_us: 100.0,
        fork_bytes: 1024.0,
    }
}

fn key(i: u64) -> Vec<u8> {
    // Scattered, as most keys of a cloud are.
    let mut key = b"\0\0\0\0\0us-east-1\0\x01\x02\x01".to_vec();
    key.extend_from_slice(&i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

fn put(engine: &dyn Engine, i: u64) {
    let done = engine.write(&mut |tx| match tx.put(&key(i), &VALUE) {
        Ok(()) => Decision::Commit,
        Err(_) => Decision::Abort,
    });
    assert!(done.is_ok());
}

fn get(engine: &dyn Engine, i: u64) {
    let mut length = 0;
    let read = engine.read(&mut |tx| {
        let _ = tx.get(&key(i), &mut |value| length = value.len());
    });
    assert!(read.is_ok() && length == VALUE.len());
}

fn scan(engine: &dyn Engine, i: u64, rows: u32) {
    let mut left = rows;
    let read = engine.read(&mut |tx| {
        let _ = tx.scan(Bound::Included(&key(i)), Bound::Unbounded, false, &mut |_, _| {
            left -= 1;
            if left == 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    });
    assert!(read.is_ok());
}

struct Report {
    missed: usize,
}

impl Report {
    fn line(&mut self, name: &str, figure: f64, unit: &str, at_most: f64, note: &str) {
        let verdict = if figure <= at_most { "" } else { "  MISSED" };
        self.missed += usize::from(figure > at_most);
        println!("{name:<28} {figure:>9.2} {unit:<5} at most {at_most:<6} {note}{verdict}");
    }

    /// Times `turns` calls in each of twenty parts.
    fn time(&mut self, name: &str, at_most_us: f64, turns: u64, f: &mut dyn FnMut(u64)) {
        let mut each_us: Vec<f64> = (0..20)
            .map(|part| {
                let began = Instant::now();
                (part * turns..(part + 1) * turns).for_each(&mut *f);
                began.elapsed().as_secs_f64() * 1e6 / turns as f64
            })
            .collect();
        each_us.sort_by(f64::total_cmp);
        self.line(
            name,
            each_us[each_us.len() / 2],
            "us",
            at_most_us,
            &format!("(best part {:.2})", each_us[0]),
        );
    }
}

fn main() -> ExitCode {
    let rows: u64 = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000);
    let bars = bars(rows);
    let mut report = Report { missed: 0 };
    let engine = MemoryEngine::default();
    let before = resident_bytes();
    (0..rows).for_each(|i| put(&engine, i));
    let each = resident_bytes().saturating_sub(before) as f64 / rows as f64;
    println!("{rows} rows of {} + {} bytes", key(0).len(), VALUE.len());
    report.line(
        "memory over key and value",
        each - (key(0).len() + VALUE.len()) as f64,
        "bytes",
        bars.row_overhead_bytes,
        "a row",
    );

    let any = |i: u64| i.wrapping_mul(7919) % rows;
    report.time("new row, one commit", bars.commit_us, 25_000, &mut |i| {
        put(&engine, rows + i);
    });
    report.time("overwrite, one commit", bars.commit_us, 25_000, &mut |i| {
        put(&engine, any(i));
    });
    report.time("point read", bars.read_us, 25_000, &mut |i| get(&engine, any(i)));
    report.time("scan of 25", bars.scan_us, 25_000, &mut |i| scan(&engine, any(i), 25));
    report.time("scan of 1", f64::INFINITY, 25_000, &mut |i| scan(&engine, any(i), 1));

    let before = resident_bytes();
    let mut forks = Vec::with_capacity(20_000);
    report.time("fork", bars.fork_us, 1_000, &mut |_| {
        forks.extend(engine.fork("fork").ok())
    });
    let each = resident_bytes().saturating_sub(before) as f64 / forks.len() as f64;
    report.line("memory of a fork", each, "bytes", bars.fork_bytes, "until written");
    let mut turn = 0;
    report.time("first write to a fork", f64::INFINITY, 500, &mut |i| {
        put(&*forks[turn], any(i));
        turn += 1;
    });
    let each = resident_bytes().saturating_sub(before) as f64 / turn as f64;
    report.line("memory of a fork", each, "bytes", f64::INFINITY, "with one row written");
    if report.missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
