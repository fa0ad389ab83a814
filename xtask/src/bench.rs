//! `cargo xtask bench`: builds the program and a bare server of the same HTTP stack in release, and measures one against
//! the other; then the store by itself; then kills both under load and looks for what they lost. Without `--quick` the fuzz
//! targets follow, a minute each. `cargo xtask bench crash` only kills.

use crate::{Outcome, at, root};
use std::path::{Path, PathBuf};
use std::process::Command;

const BUILT: &[&[&str]] = &[
    &["virga", "--bins", "--examples"],
    &["virga-bench"],
    &["virga-edge", "--example", "bare"],
    &["virga-store", "--examples"],
    &["virga-service", "--example", "worlds"],
];

/// `--quick` for a short run, `crash` for the kills alone.
pub fn run(words: &[String]) -> Outcome {
    let (mut quick, mut crash) = (false, false);
    for word in words {
        match word.as_str() {
            "--quick" => quick = true,
            "crash" => crash = true,
            other => return Err(format!("bench takes --quick and crash, not {other:?}")),
        }
    }
    for package in BUILT {
        cargo(&[&["build", "--release", "--package"][..], package].concat())?;
    }
    let release = target().join("release");
    let mut missed = Vec::new();
    if !crash {
        measure(&release, quick, &mut missed)?;
    }
    let kills = if quick { "20" } else { "300" };
    let virga = release.join("virga").display().to_string();
    let data = release.join(format!("bench-killed-{}", std::process::id()));
    let data = data.display().to_string();
    example(&release, "crash", &[kills, &data], &mut missed)?;
    example(&release, "kills", &[&virga, kills, &data], &mut missed)?;
    if !quick && !crash {
        crate::fuzz::run(&[])?;
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("a figure misses its bar: {}", missed.join(", ")))
    }
}

fn measure(release: &Path, quick: bool, missed: &mut Vec<String>) -> Outcome {
    let examples = release.join("examples");
    let mut bench = Command::new(release.join("virga-bench"));
    bench
        .arg(release.join("virga"))
        .args([examples.join("bare"), examples.join("fill")])
        .args(quick.then_some("--quick"));
    if !bench.status().map_err(at(release))?.success() {
        missed.push("virga-bench".to_owned());
    }
    example(release, "rows", &["1000000"], missed)?;
    if !quick {
        example(release, "rows", &["10000000"], missed)?;
    }
    let rows = if quick { "100000" } else { "1000000" };
    example(release, "worlds", &[rows, "10000"], missed)?;
    let data = release.join(format!("bench-worlds-{}", std::process::id()));
    example(release, "worlds", &[rows, "300", &data.display().to_string()], missed)?;
    let data = release.join(format!("bench-durable-{}", std::process::id()));
    example(release, "durable", &["64", &data.display().to_string()], missed)
}

/// Runs a built example, whose figures stand beside their bars.
fn example(release: &Path, name: &str, words: &[&str], missed: &mut Vec<String>) -> Outcome {
    println!("\n== {name} {}", words.join(" "));
    let program = release.join("examples").join(name);
    let status = Command::new(&program).args(words).status().map_err(at(&program))?;
    if !status.success() {
        missed.push(name.to_owned());
    }
    Ok(())
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
