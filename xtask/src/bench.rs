//! `cargo xtask bench`: builds the program as it is handed out and a bare server of the same HTTP stack, and measures one against
//! the other; then the store by itself; then kills both under load and looks for what they lost. Without `--quick` the fuzz
//! targets follow, a minute each. `cargo xtask bench crash` only kills. With `--plain` the
//! program is what `cargo build --release` makes: quicker to build, slower to answer.

use crate::{Outcome, at, cargo, release, target};
use std::path::Path;
use std::process::Command;

const BUILT: &[&[&str]] = &[
    &["virga", "--examples"],
    &["virga-bench"],
    &["virga-edge", "--example", "bare"],
    &["virga-store", "--examples"],
    &["virga-service", "--example", "worlds"],
];

/// `--quick` for a short run, `--plain` for a plain release build, `crash` for the kills alone.
pub fn run(words: &[String]) -> Outcome {
    let (mut quick, mut plain, mut crash) = (false, false, false);
    for word in words {
        match word.as_str() {
            "--quick" => quick = true,
            "--plain" => plain = true,
            "crash" => crash = true,
            other => return Err(format!("bench takes --quick, --plain and crash, not {other:?}")),
        }
    }
    for package in BUILT {
        cargo(&[&["build", "--release", "--package"][..], package].concat(), None)?;
    }
    let release = target().join("release");
    let program = if plain {
        cargo(&["build", "--release", "--package", "virga", "--bins"], None)?;
        release.join("virga")
    } else {
        release::build()?
    };
    let mut missed = Vec::new();
    if !crash {
        measure(&program, &release, quick, &mut missed)?;
    }
    let kills = if quick { "20" } else { "300" };
    let virga = program.display().to_string();
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

fn measure(program: &Path, release: &Path, quick: bool, missed: &mut Vec<String>) -> Outcome {
    let examples = release.join("examples");
    let mut bench = Command::new(release.join("virga-bench"));
    bench
        .arg(program)
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
