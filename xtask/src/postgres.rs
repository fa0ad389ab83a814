//! PostgreSQL for the tests that need one: found, or installed where that needs nobody's leave.

use crate::debian;
use std::path::PathBuf;

/// What a server is made and run with.
const PROGRAMS: [&str; 4] = ["initdb", "pg_ctl", "postgres", "psql"];

/// Where Debian and Ubuntu put each version's programs.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Finds PostgreSQL, or installs Debian's where we are root and there is `apt-get`; an error says what did not run.
pub fn prepare() -> Result<(), String> {
    if is_there() {
        return Ok(());
    }
    let lacks = "the tests of the PostgreSQL engine and of several nodes: this machine has no PostgreSQL (Debian's package \
                 is `postgresql`; VIRGA_POSTGRES_PROGRAMS names the folder of another's programs)";
    debian::install("postgresql").map_err(|why| format!("{lacks}{why}"))?;
    if is_there() { Ok(()) } else { Err(lacks.to_owned()) }
}

fn is_there() -> bool {
    let chosen = std::env::var_os("VIRGA_POSTGRES_PROGRAMS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let debian = versions.map(|entry| entry.path().join("bin"));
    chosen
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(debian)
        .any(|folder| PROGRAMS.iter().all(|program| folder.join(program).is_file()))
}
