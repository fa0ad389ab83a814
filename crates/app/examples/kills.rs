//! `kills VIRGA [LIVES] [FOLDER]`: kills a Virga under a load of SQS, hundreds of times, and looks for what it lost.

#[path = "../tests/keeping/load.rs"]
mod load;
#[path = "../tests/keeping/server.rs"]
mod server;

use load::Crash;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("kills: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let program = arguments.first().ok_or("usage: kills VIRGA [LIVES] [FOLDER]")?;
    let lives = arguments.get(1).and_then(|lives| lives.parse().ok()).unwrap_or(300);
    let folder = arguments.get(2).map_or_else(
        || std::env::temp_dir().join(format!("virga-killed-{}", std::process::id())),
        PathBuf::from,
    );
    let began = Instant::now();
    let mut crash = Crash::new(Path::new(program), &folder);
    for life in 1..=lives {
        crash
            .live_and_die()
            .map_err(|why| format!("life {life}: {why} (the folder is {})", folder.display()))?;
    }
    crash.check_at_end()?;
    let tally = &crash.tally;
    println!(
        "virga under SQS: {} kills in {:.0} s; {} acknowledged, {} lost, {} extra; {} under way when killed, {} moved by \
         deferred work",
        tally.lives,
        began.elapsed().as_secs_f64(),
        tally.acknowledged,
        tally.lost,
        tally.extra,
        tally.under_way,
        tally.moved,
    );
    if tally.lost + tally.extra > 0 {
        return Err(format!("the folder is {}", folder.display()));
    }
    std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())
}
