//! `cargo xtask fuzz [SECONDS] [TARGET …]`: runs each decoder's fuzz target for a while, a minute unless told otherwise. What
//! is in `fuzz/seeds/TARGET` it begins with, besides what earlier runs have found.

use crate::{Outcome, at, root};
use std::process::Command;

/// What one input may take: more is a hang.
const INPUT_MAX_SECONDS: u32 = 30;

pub fn run(words: &[String]) -> Outcome {
    let seconds = words.first().and_then(|word| word.parse::<u32>().ok());
    let named = &words[usize::from(seconds.is_some())..];
    let folder = root().join("fuzz").join("fuzz_targets");
    let mut targets: Vec<String> = std::fs::read_dir(&folder)
        .map_err(at(&folder))?
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned))
        .collect();
    targets.sort();
    if let Some(unknown) = named.iter().find(|name| !targets.contains(name)) {
        return Err(format!(
            "there is no fuzz target {unknown}; there are {}",
            targets.join(", ")
        ));
    }
    if !named.is_empty() {
        targets.retain(|target| named.contains(target));
    }
    prepare()?;
    for target in &targets {
        println!("== fuzz {target}");
        let corpus = root().join("fuzz").join("corpus").join(target);
        let seeds = root().join("fuzz").join("seeds").join(target);
        std::fs::create_dir_all(&corpus).map_err(at(&corpus))?;
        let mut words = vec![
            "+nightly".to_owned(),
            "fuzz".to_owned(),
            "run".to_owned(),
            target.clone(),
        ];
        let folders = [corpus, seeds];
        let folders = folders.iter().filter(|folder| folder.is_dir());
        words.extend(folders.map(|folder| folder.display().to_string()));
        words.push("--".to_owned());
        words.push(format!("-max_total_time={}", seconds.unwrap_or(60)));
        words.push(format!("-timeout={INPUT_MAX_SECONDS}"));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        cargo(&words)?;
    }
    Ok(())
}

/// Sees to cargo-fuzz and the nightly compiler that it needs.
fn prepare() -> Outcome {
    if cargo(&["+nightly", "--version"]).is_err() {
        return Err(
            "the fuzz targets did not run: they need a nightly toolchain (rustup toolchain install nightly)".to_owned(),
        );
    }
    if cargo(&["+nightly", "fuzz", "--version"]).is_ok() {
        return Ok(());
    }
    cargo(&["install", "--locked", "cargo-fuzz"])
}

/// Through rustup's `cargo`, since `+nightly` is its word and not that of the compiler that built this.
fn cargo(words: &[&str]) -> Outcome {
    let mut command = Command::new("cargo");
    command
        .args(words)
        .current_dir(root())
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO");
    let status = command.status().map_err(|error| error.to_string())?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("cargo {} failed", words.join(" ")))
    }
}
