//! `first_release FOLDER`: writes the data folder of `tests/first_release/`, as the first release did.
//!
//! It was run once. Later releases must open that folder; they do not write it anew.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use virga_base::{Account, Region, Timestamp};
use virga_store::schedule::DueRow;
use virga_store::{DiskEngine, DiskLimits, Place, Store, StoreError, Table, record};

#[derive(serde::Serialize, serde::Deserialize)]
struct Note {
    text: String,
    written_at: Timestamp,
}

record!(Note, 1);

const NOTES: Table<(String, u64), Note> = Table::new(0x7f01, "fixture.notes");

async fn write(folder: &Path) -> Result<(), StoreError> {
    let limits = DiskLimits {
        idle_ms: 200,
        ..DiskLimits::default()
    };
    let store = Store::new(Box::new(DiskEngine::open_with(folder, limits)?));
    let place = Place::new(Account::from_number(1234), &Region::default());
    let note = |n: u64| Note {
        text: format!("note {n}"),
        written_at: Timestamp::from_secs(1_700_000_000 + n as i64),
    };
    store
        .write(&place, |tx| -> Result<(), StoreError> {
            (0..50).try_for_each(|n| tx.put(&NOTES, ("in the base", n), &note(n)))?;
            let due = DueRow {
                service: "sqs".into(),
                kind: "fixture".into(),
                account: 1234,
                region: "us-east-1".into(),
                payload: b"work".to_vec(),
                attempts: 0,
            };
            tx.schedule(Timestamp::from_secs(1_800_000_000), &due).map(drop)
        })
        .await?;
    // Now the base is written; what comes then is in the log alone.
    std::thread::sleep(Duration::from_secs(2));
    store
        .write(&place, |tx| -> Result<(), StoreError> {
            tx.delete(&NOTES, ("in the base", 7u64))?;
            (0..20).try_for_each(|n| tx.put(&NOTES, ("in the log", n), &note(1000 + n)))
        })
        .await?;
    // As a kill would end it: nothing is brought in order.
    std::process::exit(0);
}

fn main() -> ExitCode {
    let folder = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    match runtime.map(|runtime| runtime.block_on(write(Path::new(&folder)))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        outcome => {
            eprintln!("first_release: {outcome:?}");
            ExitCode::FAILURE
        }
    }
}
