//! Programs of others that tests run, installed where that needs nobody's leave.

use std::path::Path;
use std::process::{Command, Stdio};

/// Installs one of Debian's packages where we are root and there is `apt-get`; an error is what to add to the sentence that
/// says what is missing.
pub fn install(package: &str) -> Result<(), String> {
    if !may_install() {
        return Err(String::new());
    }
    println!("\n== install {package}");
    for words in [
        &["update", "-q"][..],
        &["install", "-q", "-y", "--no-install-recommends", package],
    ] {
        let mut command = Command::new("apt-get");
        command
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        let done = command.status().is_ok_and(|status| status.success());
        if !done {
            return Err(format!(", and `apt-get {}` failed", words.join(" ")));
        }
    }
    Ok(())
}

/// Finds a program on the path, or installs the package of the same name; an error says what does not run without it.
pub fn program(name: &str, what: &str) -> Result<(), String> {
    let is_there = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
    };
    let lacks = format!("{what}: this machine lacks `{name}` (Debian: {name})");
    if !is_there() {
        install(name).map_err(|why| format!("{lacks}{why}"))?;
    }
    if is_there() { Ok(()) } else { Err(lacks) }
}

/// Whether this is Debian's, and ours to change.
fn may_install() -> bool {
    let id = Command::new("id").arg("-u").output();
    Path::new("/usr/bin/apt-get").is_file() && id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
