//! `fill FOLDER BYTES`: makes a data folder of about so many bytes, for benches, and ends as a kill would end it.

use std::path::Path;
use std::process::ExitCode;
use virga_base::{Account, Region};
use virga_store::{DiskEngine, Place, Store, StoreError, Table};

const ROWS: Table<(u64,), Vec<u8>> = Table::new(0x7f01, "bench.rows");
const VALUE_LENGTH: usize = 300;
const ROWS_EACH: u64 = 5000;

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
}

async fn fill(folder: &Path, bytes: u64) -> Result<(), StoreError> {
    let store = Store::new(Box::new(DiskEngine::open(folder)?));
    let place = Place::new(Account::from_number(1234), &Region::default());
    let mut n = 0;
    while size(folder) < bytes {
        store
            .write(&place, |tx| -> Result<(), StoreError> {
                (n..n + ROWS_EACH).try_for_each(|i: u64| {
                    // Scattered, as most keys of a cloud are.
                    let key = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    tx.put(&ROWS, (key,), &vec![7; VALUE_LENGTH])
                })
            })
            .await?;
        n += ROWS_EACH;
    }
    println!("{n} rows, {} bytes", size(folder));
    // Dropping the store would bring everything in order.
    std::process::exit(0);
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(folder), Some(Ok(bytes))) = (arguments.first(), arguments.get(1).map(|bytes| bytes.parse())) else {
        eprintln!("usage: fill FOLDER BYTES");
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    match runtime.map(|runtime| runtime.block_on(fill(Path::new(folder), bytes))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        outcome => {
            eprintln!("fill: {outcome:?}");
            ExitCode::FAILURE
        }
    }
}
