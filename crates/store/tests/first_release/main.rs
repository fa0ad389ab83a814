//! Opens a data folder that the first release wrote (`examples/first_release.rs`) and did not close.

use flate2::read::GzDecoder;
use std::io::Read;
use std::path::{Path, PathBuf};
use virga_base::{Account, Region, Timestamp};
use virga_store::{DiskEngine, Place, Store, StoreError, Table, record, schedule};

/// The first release's form.
#[derive(serde::Serialize, serde::Deserialize)]
struct NoteV1 {
    text: String,
    written_at: Timestamp,
}

/// A later form.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Note {
    title: String,
    text: String,
    written_at: Timestamp,
}

impl From<NoteV1> for Note {
    fn from(old: NoteV1) -> Note {
        Note {
            title: "untitled".into(),
            text: old.text,
            written_at: old.written_at,
        }
    }
}

record!(Note, 2, 1 => NoteV1);

const NOTES: Table<(String, u64), Note> = Table::new(0x7f01, "fixture.notes");

/// A copy to work on; the base is kept compressed, as most of it is zeros.
fn unpack(to: &Path) -> std::io::Result<()> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/first_release/folder");
    std::fs::create_dir_all(to)?;
    for name in ["log-1", "log-2", "virga-data"] {
        std::fs::copy(from.join(name), to.join(name))?;
    }
    let mut rows = Vec::new();
    GzDecoder::new(std::fs::File::open(from.join("rows.redb.gz"))?).read_to_end(&mut rows)?;
    std::fs::write(to.join("rows.redb"), rows)
}

fn note(n: u64) -> Note {
    Note {
        title: "untitled".into(),
        text: format!("note {n}"),
        written_at: Timestamp::from_secs(1_700_000_000 + n as i64),
    }
}

#[tokio::test]
async fn the_first_releases_data_is_read_and_written_on() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("first-release-{}", std::process::id()));
    unpack(&folder)?;
    let place = Place::new(Account::from_number(1234), &Region::default());
    let based = |n: u64| ("in the base".to_owned(), n);
    let expected: Vec<_> = (0..50)
        .filter(|n| *n != 7)
        .map(|n| (based(n), note(n)))
        .chain((0..20).map(|n| (("in the log".to_owned(), n), note(1000 + n))))
        .collect();
    let renamed = Note {
        title: "new".into(),
        ..note(3)
    };
    {
        let store = Store::new(Box::new(DiskEngine::open(&folder)?));
        let rows = store.read(&place, |tx| tx.scan(&NOTES).rows())?;
        assert_eq!(rows, expected);
        let due = store.read(&Place::world(), schedule::first)?;
        assert_eq!(
            due.map(|(id, row)| (id.at, row.payload)),
            Some((Timestamp::from_secs(1_800_000_000), b"work".to_vec()))
        );
        store
            .write(&place, |tx| -> Result<(), StoreError> {
                tx.put(&NOTES, based(3), &renamed)
            })
            .await?;
    }
    let store = Store::new(Box::new(DiskEngine::open(&folder)?));
    assert_eq!(store.read(&place, |tx| tx.get(&NOTES, based(3)))?, Some(renamed));
    assert_eq!(store.read(&place, |tx| tx.get(&NOTES, based(4)))?, Some(note(4)));
    drop(store);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
