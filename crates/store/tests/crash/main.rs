//! A process is killed while it writes, a dozen times. `cargo run --release -p virga-store --example crash` does it
//! hundreds of times.

mod load;

use load::{Chance, Judge};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const FOLDER: &str = "VIRGA_STORE_CRASH_FOLDER";
const LIVES: u64 = 12;

/// The process that is killed. As a test of its own, without a folder, it has nothing to do.
#[test]
fn victim() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        assert_eq!(load::write_until_killed(Path::new(&folder)), Ok(()));
    }
}

#[test]
fn a_kill_loses_nothing_that_was_answered() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let (mut judge, mut chance) = (Judge::new(), Chance(11));
    let (mut answered, mut forks) = (0, 0);
    for life in 0..LIVES {
        let child = Command::new(std::env::current_exe()?)
            .args(["--exact", "victim", "--nocapture"])
            .env(FOLDER, &folder)
            .stdout(Stdio::piped())
            .spawn()?;
        let time = Duration::from_millis(30 + chance.below(250));
        let outcome = judge
            .judge(child, time, &folder)
            .map_err(|why| format!("life {life}: {why}"))?;
        answered += outcome.answered;
        forks += outcome.forks;
    }
    assert!(answered > 0 && forks > 0);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
