//! `cargo xtask bench`: builds the program and a bare server of the same HTTP stack in release, and measures one against
//! the other. Without `--quick` the fuzz targets follow, a minute each.

use crate::{Outcome, at, root};
use std::path::PathBuf;
use std::process::Command;

/// Words are passed on to `virga-bench`: `--quick` for a short run.
pub fn run(words: &[String]) -> Outcome {
    for package in [&["virga"][..], &["virga-bench"], &["virga-edge", "--example", "bare"]] {
        cargo(&[&["build", "--release", "--package"][..], package].concat())?;
    }
    let release = target().join("release");
    let mut bench = Command::new(release.join("virga-bench"));
    bench
        .arg(release.join("virga"))
        .arg(release.join("examples").join("bare"))
        .args(words);
    let status = bench.status().map_err(at(&release))?;
    if !words.iter().any(|word| word == "--quick") {
        crate::fuzz::run(&[])?;
    }
    if status.success() {
        Ok(())
    } else {
        Err("a figure misses its bar".to_owned())
    }
}

fn cargo(words: &[&str]) -> Outcome {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program)
        .args(words)
        .current_dir(root())
        .status()
        .map_err(|error| error.to_string())?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("cargo {} failed", words.join(" ")))
    }
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
