//! Programs of others that tests run, installed where that needs nobody's leave.

use std::fs::OpenOptions;
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

/// Whether file systems of programs may be mounted here; an error says what does not run otherwise.
pub fn may_mount(what: &str) -> Result<(), String> {
    const SYS_ADMIN: u64 = 1 << 21;
    let device = OpenOptions::new().read(true).write(true).open("/dev/fuse");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capabilities = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    // Root in a container may lack the right; others have Debian's `fusermount`, which has it.
    let lacks_right = is_root() && capabilities.is_some_and(|bits| bits & SYS_ADMIN == 0);
    match device {
        Err(error) => Err(format!("{what}: /dev/fuse: {error}")),
        Ok(_) if lacks_right => Err(format!("{what}: nothing may be mounted in this container")),
        Ok(_) => Ok(()),
    }
}

/// Whether this is Debian's, and ours to change.
fn may_install() -> bool {
    Path::new("/usr/bin/apt-get").is_file() && is_root()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
