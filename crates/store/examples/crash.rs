//! `crash [LIVES] [FOLDER]`: kills a process while it writes, hundreds of times, and looks for what it lost.

#[path = "../tests/crash/load.rs"]
mod load;

use load::{Chance, Judge, WRITERS};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("victim") => load::write_until_killed(Path::new(arguments.get(1).map_or("", String::as_str)))
            .map_err(|error| error.to_string()),
        lives => run(
            lives.and_then(|lives| lives.parse().ok()).unwrap_or(300),
            arguments.get(1),
        ),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("crash: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(lives: u64, folder: Option<&String>) -> Result<(), String> {
    let folder = folder.map_or_else(
        || std::env::temp_dir().join(format!("virga-crash-{}", std::process::id())),
        PathBuf::from,
    );
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let (mut judge, mut chance) = (Judge::new(), Chance(5));
    let (mut answered, mut on_their_way, mut forks) = (0, 0, 0);
    let began = Instant::now();
    for life in 1..=lives {
        let child = Command::new(&program)
            .arg("victim")
            .arg(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let time = Duration::from_millis(10 + chance.below(300));
        let outcome = judge
            .judge(child, time, &folder)
            .map_err(|why| format!("life {life}: {why} (the folder is {})", folder.display()))?;
        answered += outcome.answered;
        on_their_way += outcome.on_their_way;
        forks += outcome.forks;
    }
    println!(
        "{lives} kills of {WRITERS} writers in {:.0} s: {answered} transactions answered, 0 lost; \
         {on_their_way} more were on their way and found whole; {forks} times a fork was looked through",
        began.elapsed().as_secs_f64()
    );
    std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())
}
