//! `cargo xtask release`: the program as it is handed out, laid out for the calls that people make (`docs/decisions/profile.md`).
//!
//! It is built twice. The first build counts which way each branch goes, while the specifications and the loads of the bench run
//! against it; the second is optimized by those counts. `target/dist/virga` is the result.

use crate::{Outcome, at, cargo, models, root, target, test};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What rustup calls the component that has the tool which merges counts.
const TOOLS: &str = "llvm-tools";

/// Takes no words.
pub fn run(words: &[String]) -> Outcome {
    if let Some(word) = words.first() {
        return Err(format!("release takes no {word:?}"));
    }
    let program = build()?;
    println!("{}", program.display());
    Ok(())
}

/// Builds the program; answers where it is.
pub fn build() -> Result<PathBuf, String> {
    let toolchain = Toolchain::find()?;
    let work = target().join("profile");
    let counts = work.join("counts");
    if counts.exists() {
        fs::remove_dir_all(&counts).map_err(at(&counts))?;
    }
    println!("== release: a build that counts");
    let counting = toolchain.build(&work, &format!("-Cprofile-generate={}", counts.display()))?;
    println!("== release: the specifications and the loads, counted");
    train(&counting)?;
    let profile = toolchain.merge(&counts, &work)?;
    println!("== release: a build by these counts");
    let built = toolchain.build(&work, &format!("-Cprofile-use={}", profile.display()))?;
    let dist = target().join("dist");
    fs::create_dir_all(&dist).map_err(at(&dist))?;
    let program = dist.join("virga");
    fs::copy(&built, &program).map_err(at(&program))?;
    Ok(program)
}

/// Runs what people do with the program. Its specifications must pass: a program that fails them is not handed out.
fn train(counting: &Path) -> Outcome {
    cargo(&["build", "--release", "--package", "virga-bench"], None)?;
    let bench = target().join("release").join("virga-bench");
    let status = Command::new(&bench).arg("--train").arg(counting).status();
    if !status.map_err(at(&bench))?.success() {
        return Err("a load failed against the program that counts".to_owned());
    }
    test::run_of(&["specs".to_owned()], Some(counting.to_owned()))
}

/// The parts of the toolchain that a build by counts needs.
struct Toolchain {
    /// What it builds for: named, so that the flags are not those of build scripts too.
    host: String,
    merger: PathBuf,
}

impl Toolchain {
    fn find() -> Result<Toolchain, String> {
        let version = rustc(&["-vV"])?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .ok_or("rustc -vV names no host")?
            .to_owned();
        let merger: PathBuf = [
            rustc(&["--print", "sysroot"])?.trim(),
            "lib",
            "rustlib",
            &host,
            "bin",
            "llvm-profdata",
        ]
        .iter()
        .collect();
        if !merger.is_file() {
            return Err(format!(
                "{} is not there: `rustup component add {TOOLS}` installs it",
                merger.display()
            ));
        }
        Ok(Toolchain { host, merger })
    }

    fn build(&self, work: &Path, flags: &str) -> Result<PathBuf, String> {
        let folder = work.display().to_string();
        let place = ["--target", &self.host, "--target-dir", &folder];
        let program = ["build", "--release", "--package", "virga", "--bins"];
        cargo(&[&program[..], &place].concat(), Some(flags))?;
        Ok(work.join(&self.host).join("release").join("virga"))
    }

    /// One file of all counts. Its name is that of its contents, since cargo builds anew only where a flag differs.
    fn merge(&self, counts: &Path, work: &Path) -> Result<PathBuf, String> {
        let merged = work.join("merged.profdata");
        let words = [
            OsStr::new("merge"),
            OsStr::new("-o"),
            merged.as_os_str(),
            counts.as_os_str(),
        ];
        let status = Command::new(&self.merger).args(words).status();
        if !status.map_err(at(&self.merger))?.success() {
            return Err("the counts cannot be merged".to_owned());
        }
        let name = models::digest(&fs::read(&merged).map_err(at(&merged))?);
        let profile = work.join(format!("{name}.profdata"));
        fs::rename(&merged, &profile).map_err(at(&profile))?;
        Ok(profile)
    }
}

fn rustc(words: &[&str]) -> Result<String, String> {
    let output = Command::new("rustc").args(words).current_dir(root()).output();
    let output = output.map_err(|error| format!("rustc: {error}"))?;
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}
