//! PostgreSQL for the tests that need one: found, or installed where that needs nobody's leave.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
    if !may_install() {
        return Err(lacks.to_owned());
    }
    println!("\n== install PostgreSQL");
    for words in [
        &["update", "-q"][..],
        &["install", "-q", "-y", "--no-install-recommends", "postgresql"],
    ] {
        let mut command = Command::new("apt-get");
        command
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        let done = command.status().is_ok_and(|status| status.success());
        if !done {
            return Err(format!("{lacks}, and `apt-get {}` failed", words.join(" ")));
        }
    }
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

/// Whether this is Debian's, and ours to change.
fn may_install() -> bool {
    let id = Command::new("id").arg("-u").output();
    Path::new("/usr/bin/apt-get").is_file() && id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
