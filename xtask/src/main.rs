//! The project's own automation. Every subcommand is one module with a `run` that takes the words behind its name.

mod bench;
mod debian;
mod fuzz;
mod generate;
mod models;
mod new_service;
mod postgres;
mod release;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What went wrong, in words for whoever ran the command.
type Outcome = Result<(), String>;

/// Name, what it does, and the function that does it.
type Subcommand = (&'static str, &'static str, fn(&[String]) -> Outcome);

/// New subcommands are one module and one line here.
const COMMANDS: &[Subcommand] = &[
    (
        "models",
        "write models/pack.bin from an installed botocore (--botocore DIR)",
        models::run,
    ),
    (
        "gen",
        "write every service's wire.rs, and the catalog, from services/*/service.toml",
        generate::run,
    ),
    (
        "new-service",
        "make the folder of a service, by botocore's name of it",
        new_service::run,
    ),
    (
        "tidy",
        "check that generated code is fresh, dependencies point down and files are short",
        tidy::run,
    ),
    (
        "test",
        "set up what the tests need and run them all, or the parts that are named",
        test::run,
    ),
    (
        "bench",
        "measure against a bare HTTP server, as ratios in one run (--quick)",
        bench::run,
    ),
    (
        "release",
        "build the program as it is handed out, by what the specifications and loads make hot",
        release::run,
    ),
    (
        "fuzz",
        "run the fuzz targets, a minute each ([SECONDS] [TARGET …])",
        fuzz::run,
    ),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((_, _, run)) = words
        .first()
        .and_then(|name| COMMANDS.iter().find(|(command, ..)| command == name))
    else {
        eprintln!("usage: cargo xtask COMMAND");
        for (name, text, _) in COMMANDS {
            eprintln!("  {name:12} {text}");
        }
        return ExitCode::from(2);
    };
    match run(&words[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {}: {message}", words[0]);
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Adds the file's name to what went wrong with it.
fn at(path: &Path) -> impl Fn(std::io::Error) -> String {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Runs cargo; with one flag of rustc where there is one, in place of those that the environment has.
fn cargo(words: &[&str], flag: Option<&str>) -> Outcome {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(root());
    if let Some(flag) = flag {
        command.env("CARGO_ENCODED_RUSTFLAGS", flag);
    }
    if command.status().map_err(|error| error.to_string())?.success() {
        Ok(())
    } else {
        Err(format!("cargo {} failed", words.join(" ")))
    }
}
