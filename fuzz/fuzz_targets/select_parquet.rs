//! S3 Select over broken Parquet files. The bytes are a file but for its first two, which choose the query and how it is asked.
//!
//! The library that decodes columns may panic over what a file holds: the service answers that as a file that cannot be parsed.
//! A panic in Virga's own code ends the run, and so does what takes too long or too much memory.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use virga_s3::select::{CsvOutput, Input, Output, ScanRange, select};

const QUERIES: [&str; 8] = [
    "select * from s3object",
    "select count(*) from s3object",
    "select * from s3object limit 3",
    "select s.name, s.id from s3object s where s.height > 1.6 or s.name like 'ann%'",
    "select * from s3object[*].tags[*] t",
    "select s.place.at.x, s.tags[1] as tag from s3object s where s.counts.p = 7",
    "select sum(s._1), max(s._1), min(s._2), avg(s._1) from s3object s",
    "select cast(s._1 as int), s._3 from s3object s where s._2 is not null",
];

/// A file may claim millions of rows, which take their time: after a while nobody waits any more, as when a client leaves.
static IS_OVER: AtomicBool = AtomicBool::new(false);
static RUNS: AtomicU64 = AtomicU64::new(0);

fn prepare() {
    let abort = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_own = |file: &str| file.contains("services/s3") || file.contains("fuzz_targets");
        if panic.location().is_none_or(|location| is_own(location.file())) {
            abort(panic);
        }
    }));
    std::thread::spawn(|| {
        let mut before = 0;
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let now = RUNS.load(Ordering::Relaxed);
            if now == before {
                IS_OVER.store(true, Ordering::Relaxed);
            }
            before = now;
        }
    });
}

fuzz_target!(init: prepare(), |data: &[u8]| {
    let mut file = data.to_vec();
    let [first, second, ..] = file.as_mut_slice() else { return };
    let (query, how) = (usize::from(*first) % QUERIES.len(), *second);
    (*first, *second) = (b'P', b'A');
    let range = match how % 4 {
        0 => ScanRange::new(Some(4), Some(200), file.len() as u64),
        _ => None,
    };
    let output = match how % 3 {
        0 => Output::Csv(CsvOutput::default()),
        _ => Output::Json {
            delimiter: "\n".to_owned(),
        },
    };
    let file = Bytes::from(file);
    RUNS.fetch_add(1, Ordering::Relaxed);
    IS_OVER.store(false, Ordering::Relaxed);
    let ask = || select(QUERIES[query], &Input::Parquet, range, &output, &file, &IS_OVER);
    let _ = catch_unwind(AssertUnwindSafe(ask));
});
