//! Costs of the memory engine: `cargo run --release -p virga-store --example rows -- 1000000`.

use std::ops::{Bound, ControlFlow};
use std::time::Instant;
use virga_store::{Decision, Engine, MemoryEngine};

const VALUE: [u8; 300] = [7; 300];

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

fn main() {
    let rows: u64 = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000);
    let engine = MemoryEngine::default();
    let before = resident_bytes();
    let put = |i: u64| {
        let done = engine.write(&mut |tx| match tx.put(&key(i), &VALUE) {
            Ok(()) => Decision::Commit,
            Err(_) => Decision::Abort,
        });
        assert!(done.is_ok());
    };
    (0..rows).for_each(put);
    let each = (resident_bytes() - before) / rows;
    println!(
        "{rows} rows of {} + {} bytes: {each} bytes each",
        key(0).len(),
        VALUE.len()
    );

    let turns = 500_000;
    let time = |name: &str, f: &dyn Fn(u64)| {
        let began = Instant::now();
        (0..turns).for_each(f);
        println!("{name}: {:.2} us", began.elapsed().as_secs_f64() * 1e6 / turns as f64);
    };
    time("new row, one commit", &|i| put(rows + i));
    time("overwrite, one commit", &|i| put(i.wrapping_mul(7919) % rows));
    time("point read", &|i| {
        let mut length = 0;
        let read = engine.read(&mut |tx| {
            let _ = tx.get(&key(i.wrapping_mul(7919) % rows), &mut |value| length = value.len());
        });
        assert!(read.is_ok() && length == 300);
    });
    time("scan of 25", &|i| {
        let mut left = 25;
        let read = engine.read(&mut |tx| {
            let from = key(i.wrapping_mul(7919) % rows);
            let _ = tx.scan(Bound::Included(&from), Bound::Unbounded, false, &mut |_, _| {
                left -= 1;
                if left == 0 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
        });
        assert!(read.is_ok());
    });
    let began = Instant::now();
    let fork = engine.fork();
    println!(
        "fork: {:.2} us ({})",
        began.elapsed().as_secs_f64() * 1e6,
        if fork.is_some() { "shared" } else { "none" }
    );
}
