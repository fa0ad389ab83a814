//! `virga-bench-engines FOLDER [GIGABYTES [ENGINE...]]`: embedded engines under Virga's load.
//!
//! For each engine: fill it, durable commits of 1, 8 and 64 transactions at once, reads, a queue that is filled and
//! drained, the size of its files, and how long it takes to open again after a clean end and after a kill.

mod engines;

use engines::{Batch, Engine, Failure, NAMES};
use std::io::{BufRead, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const VALUE: usize = 300;

fn key(table: u8, i: u64) -> Vec<u8> {
    let mut key = b"\0\0\0\0\0us-east-1\0\x01\x02".to_vec();
    key.push(table);
    key.extend_from_slice(&i.to_be_bytes());
    key
}

fn scattered(i: u64) -> Vec<u8> {
    key(1, i.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Bytes that do not compress to nothing.
fn value(i: u64) -> Vec<u8> {
    let mut state = i | 1;
    (0..VALUE)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["victim", name, folder] => victim(name, Path::new(folder)),
        ["open", name, folder] => reopen(name, Path::new(folder)),
        [folder] => compare(Path::new(folder), 1.0, NAMES),
        [folder, gigabytes] => compare(Path::new(folder), gigabytes.parse()?, NAMES),
        [folder, gigabytes, names @ ..] => compare(Path::new(folder), gigabytes.parse()?, names),
        _ => Err("usage: virga-bench-engines FOLDER [GIGABYTES [ENGINE...]]".into()),
    }
}

fn compare(folder: &Path, gigabytes: f64, names: &[&str]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    println!(
        "the device alone: {:.0} appends of 4 KiB with fdatasync a second",
        device(folder)?
    );
    let rows = (gigabytes * 1e9 / (VALUE + scattered(0).len()) as f64) as u64;
    for name in names {
        let folder = folder.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        println!("\n{name}, {rows} rows");
        measure(name, &folder, rows)?;
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
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

/// One SendMessage: the message, an entry of its index, and two rows that are written each time.
fn send(n: u64, out: &mut Batch) {
    out.push((key(2, n), Some(value(n))));
    out.push((key(3, n.wrapping_mul(0x9e37_79b9_7f4a_7c15)), Some(Vec::new())));
    out.push((key(4, 0), Some(n.to_be_bytes().to_vec())));
    out.push((key(5, 0), Some(n.to_be_bytes().to_vec())));
}

fn measure(name: &str, folder: &Path, rows: u64) -> Result<(), Failure> {
    let engine = engines::open(name, folder)?;
    let began = Instant::now();
    for first in (0..rows).step_by(10_000) {
        engine.commit(
            &(first..rows.min(first + 10_000))
                .map(|i| (scattered(i), Some(value(i))))
                .collect(),
        )?;
    }
    println!(
        "  fill: {:.1} s, files {:.0} MB",
        began.elapsed().as_secs_f64(),
        size(folder)? as f64 / 1e6
    );

    // Some put work off, which is not to be counted below.
    std::thread::sleep(Duration::from_secs(15));
    let mut sent = 0;
    for transactions in [1, 8, 64] {
        let (began, cpu) = (Instant::now(), cpu_seconds());
        let mut commits = 0;
        while began.elapsed() < Duration::from_secs(4) {
            let batches = (0..transactions).map(|_| {
                let mut batch = Batch::new();
                send(sent, &mut batch);
                sent += 1;
                batch
            });
            engine.commit_each(batches.collect())?;
            commits += 1;
        }
        let seconds = began.elapsed().as_secs_f64();
        let answers = f64::from(commits) * f64::from(transactions);
        println!(
            "  {transactions:>2} transactions a commit: {:.0} commits/s, {:.0} answers/s, {:.1} us of CPU an answer",
            f64::from(commits) / seconds,
            answers / seconds,
            (cpu_seconds() - cpu) * 1e6 / answers,
        );
    }

    let turns = 200_000;
    time("point read", turns, &mut |i| {
        assert_eq!(engine.get(&scattered(i.wrapping_mul(7919) % rows))?, Some(VALUE));
        Ok(())
    })?;
    time("scan of 25", turns / 10, &mut |i| {
        engine.scan(&scattered(i.wrapping_mul(7919) % rows), 25).map(drop)
    })?;
    queue(&*engine)?;
    println!("  files: {:.0} MB", size(folder)? as f64 / 1e6);
    let began = Instant::now();
    drop(engine);
    println!("  clean end: {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    println!("  opened after a clean end: {}", in_child(&["open", name], folder)?);
    in_child(&["victim", name], folder)?;
    println!("  opened after a kill: {}", in_child(&["open", name], folder)?);
    Ok(())
}

/// Messages come at one end of a queue and go at the other, 64 at a time; a receive looks for the first.
fn queue(engine: &dyn Engine) -> Result<(), Failure> {
    let (mut sent, mut scanned_us) = (0u64, Vec::new());
    for _ in 0..1500 {
        let mut batch = Batch::new();
        for _ in 0..64 {
            batch.push((key(9, sent), Some(value(sent))));
            sent += 1;
        }
        let began = Instant::now();
        let first = engine.scan(&key(9, 0), 64)?;
        scanned_us.push(began.elapsed().as_secs_f64() * 1e6);
        batch.extend(first.into_iter().map(|key| (key, None)));
        engine.commit(&batch)?;
    }
    scanned_us.sort_by(f64::total_cmp);
    println!(
        "  the first 64 of a queue that moves on: median {:.0} us, 99 % {:.0} us",
        scanned_us[scanned_us.len() / 2],
        scanned_us[scanned_us.len() * 99 / 100]
    );
    Ok(())
}

fn time(name: &str, turns: u64, f: &mut dyn FnMut(u64) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut parts_us = Vec::new();
    for part in 0..10 {
        let (began, each) = (Instant::now(), turns / 10);
        for i in part * each..(part + 1) * each {
            f(i)?;
        }
        parts_us.push(began.elapsed().as_secs_f64() * 1e6 / each as f64);
    }
    parts_us.sort_by(f64::total_cmp);
    println!("  {name}: {:.2} us", parts_us[parts_us.len() / 2]);
    Ok(())
}

/// Writes until it is killed.
fn victim(name: &str, folder: &Path) -> Result<(), Failure> {
    let engine = engines::open(name, folder)?;
    for n in 1 << 40.. {
        let mut batch = Batch::new();
        send(n, &mut batch);
        engine.commit(&batch)?;
        println!("{n}");
    }
    Ok(())
}

fn reopen(name: &str, folder: &Path) -> Result<(), Failure> {
    let began = Instant::now();
    let engine = engines::open(name, folder)?;
    let opened = began.elapsed();
    assert_eq!(engine.get(&scattered(1))?, Some(VALUE));
    println!(
        "{:.0} ms, {:.0} ms to the first read",
        opened.as_secs_f64() * 1e3,
        began.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}

/// Runs a part of this program on a folder. A victim is killed once it has written for a while.
fn in_child(arguments: &[&str], folder: &Path) -> Result<String, Failure> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(arguments)
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = std::io::BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let first = lines.next().ok_or("the child said nothing")??;
    if arguments[0] == "victim" {
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {
            lines.next().ok_or("the victim died by itself")??;
        }
        child.kill()?;
    }
    child.wait()?;
    Ok(first)
}

fn size(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let data = entry.metadata()?;
        // Blocks, not length: files may have holes.
        bytes += if data.is_dir() {
            size(&entry.path())?
        } else {
            data.blocks() * 512
        };
    }
    Ok(bytes)
}

/// Processor time of all threads of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}
