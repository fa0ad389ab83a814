//! `cargo xtask test`: sets up what the tests need and runs every one of them.

use crate::{Outcome, at, debian, models, postgres, root};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The oldest Python that the pinned SDK runs on.
const PYTHON_MIN: (u32, u32) = (3, 10);

/// Parts that run only where they are named.
const ASKED_FOR: &[&str] = &["buckets"];

/// A part of the tests that can be named on the command line.
struct Part {
    name: &'static str,
    text: &'static str,
    run: fn(&mut Run) -> Outcome,
}

const PARTS: &[Part] = &[
    // Mostly waits, since the provider does; so it comes first, and runs beside all that follows.
    Part {
        name: "terraform",
        text: "Terraform with the AWS provider, where this machine has them",
        run: terraform,
    },
    Part {
        name: "rust",
        text: "format, lints, and all of the workspace's own tests",
        run: rust,
    },
    Part {
        name: "buckets",
        text: "the feature object-store, with PostgreSQL and Virga's own S3; only where it is named",
        run: buckets,
    },
    Part {
        name: "specs",
        text: "the features in specs/, with boto3 against the built binary",
        run: specs,
    },
    Part {
        name: "clients",
        text: "boto3 by json and by query, the AWS CLI, bare HTTP, libraries on top of boto3",
        run: clients,
    },
];

/// What one step came to.
struct Step {
    name: String,
    passed: u64,
    failed: u64,
    skipped: u64,
    took: Duration,
}

struct Run {
    cargo: PathBuf,
    steps: Vec<Step>,
    /// What did not run, and why.
    missing: Vec<String>,
    binary: Option<PathBuf>,
    beside: Option<Beside>,
}

/// A step that runs while others do.
struct Beside {
    name: &'static str,
    child: Child,
    report: PathBuf,
    /// What it says, for when it has ended.
    log: PathBuf,
    started: Instant,
}

/// Runs the parts that are named, or all of them.
pub fn run(words: &[String]) -> Outcome {
    run_of(words, std::env::var_os("VIRGA_BINARY").map(PathBuf::from))
}

/// The same of a program that is built already.
pub fn run_of(words: &[String], binary: Option<PathBuf>) -> Outcome {
    let known = |word: &String| PARTS.iter().any(|part| part.name == word);
    if let Some(unknown) = words.iter().find(|word| !known(word)) {
        let parts: Vec<String> = PARTS
            .iter()
            .map(|part| format!("  {:10} {}", part.name, part.text))
            .collect();
        return Err(format!(
            "there is no part {unknown:?} of the tests; there are\n{}",
            parts.join("\n")
        ));
    }
    let mut run = Run {
        cargo: std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from),
        steps: Vec::new(),
        missing: Vec::new(),
        binary,
        beside: None,
    };
    let started = Instant::now();
    for part in PARTS {
        let is_run = match words {
            [] => !ASKED_FOR.contains(&part.name),
            words => words.iter().any(|word| word == part.name),
        };
        if !is_run {
            continue;
        }
        if let Err(message) = (part.run)(&mut run) {
            eprintln!("{}: {message}", part.name);
            run.add(part.name, (0, 1, 0), Duration::ZERO);
        }
    }
    run.join()?;
    run.summarize(started.elapsed())
}

impl Run {
    fn add(&mut self, name: impl Into<String>, (passed, failed, skipped): (u64, u64, u64), took: Duration) {
        let name = name.into();
        self.steps.push(Step {
            name,
            passed,
            failed,
            skipped,
            took,
        });
    }

    fn summarize(&self, took: Duration) -> Outcome {
        println!(
            "\n{:<28} {:>7} {:>7} {:>8} {:>9}",
            "step", "passed", "failed", "skipped", "seconds"
        );
        for step in &self.steps {
            let seconds = step.took.as_secs_f64();
            let Step {
                name,
                passed,
                failed,
                skipped,
                ..
            } = step;
            println!("{name:<28} {passed:>7} {failed:>7} {skipped:>8} {seconds:>9.1}");
        }
        for missing in &self.missing {
            println!("NOT RUN: {missing}");
        }
        let passed: u64 = self.steps.iter().map(|step| step.passed).sum();
        let failed: u64 = self.steps.iter().map(|step| step.failed).sum();
        println!("{passed} passed, {failed} failed in {:.0} s", took.as_secs_f64());
        if failed > 0 || passed == 0 {
            // The last line must stay the last.
            std::process::exit(1);
        }
        Ok(())
    }

    /// A command that either succeeds or not, counted as one test.
    fn check(&mut self, name: &str, command: &mut Command) -> Outcome {
        announce(name);
        let started = Instant::now();
        let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
        let counts = if status.success() { (1, 0, 0) } else { (0, 1, 0) };
        self.add(name, counts, started.elapsed());
        Ok(())
    }

    fn cargo(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.cargo);
        command.args(words).current_dir(root()).stdin(Stdio::null());
        command
    }

    /// Runs tests in Rust and counts them.
    fn cargo_tests(&mut self, name: &str, words: &[&str]) -> Outcome {
        announce(name);
        let started = Instant::now();
        let mut command = self.cargo(&["test", "--no-fail-fast"]);
        command.args(words);
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let (mut passed, mut failed, mut ignored) = (0, 0, 0);
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Hundreds of good tests would hide the bad one.
                if !line.ends_with("... ok") && !line.is_empty() {
                    println!("{line}");
                }
                if let Some(results) = line.strip_prefix("test result: ") {
                    passed += number_before(results, " passed");
                    failed += number_before(results, " failed");
                    ignored += number_before(results, " ignored");
                }
            }
        }
        let status = child.wait().map_err(|error| format!("{command:?}: {error}"))?;
        if !status.success() && failed == 0 {
            failed = 1;
        }
        self.add(name, (passed, failed, ignored), started.elapsed());
        Ok(())
    }

    /// The built `virga`. Built with the whole workspace's features, so that nothing is compiled twice.
    fn binary(&mut self) -> Result<PathBuf, String> {
        if let Some(binary) = &self.binary {
            return Ok(binary.clone());
        }
        announce("build virga");
        let started = Instant::now();
        let mut command = self.cargo(&["build", "--workspace", "--bin", "virga"]);
        command.arg("--message-format=json-render-diagnostics");
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("{command:?}: {error}"))?;
        if !output.status.success() {
            return Err("virga does not build".to_owned());
        }
        let binary = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["target"]["name"] == "virga")
            .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
            .ok_or("cargo did not say where it put virga")?;
        println!("{} in {:.1} s", binary.display(), started.elapsed().as_secs_f64());
        self.binary = Some(binary.clone());
        Ok(binary)
    }

    /// Runs pytest on folders and counts by its report.
    fn pytest(&mut self, name: &str, python: &Path, paths: &[&str]) -> Outcome {
        let (mut command, report) = self.pytest_command(name, python, paths)?;
        announce(name);
        let started = Instant::now();
        let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
        self.add(name, outcome(&report, status.success()), started.elapsed());
        Ok(())
    }

    fn pytest_command(&mut self, name: &str, python: &Path, paths: &[&str]) -> Result<(Command, PathBuf), String> {
        let binary = self.binary()?;
        let folder = root().join("target/test-reports");
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let report = folder.join(format!("{}.xml", name.replace(' ', "-")));
        let _ = fs::remove_file(&report);
        let mut command = Command::new(python);
        command
            .args(["-m", "pytest", "-q", "-rs", "--junitxml"])
            .arg(&report)
            .args(paths)
            .env("VIRGA_BINARY", &binary)
            .current_dir(root())
            .stdin(Stdio::null());
        Ok((command, report))
    }

    /// Starts pytest; [`Run::join`] waits for it.
    fn pytest_beside(&mut self, name: &'static str, python: &Path, paths: &[&str]) -> Outcome {
        let (mut command, report) = self.pytest_command(name, python, paths)?;
        announce(&format!("{name}, beside what follows"));
        let log = report.with_extension("log");
        let out = fs::File::create(&log).map_err(at(&log))?;
        let err = out.try_clone().map_err(at(&log))?;
        let child = command
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        self.beside = Some(Beside {
            name,
            child,
            report,
            log,
            started: Instant::now(),
        });
        Ok(())
    }

    /// Waits for what runs beside, and counts it.
    fn join(&mut self) -> Outcome {
        let Some(mut beside) = self.beside.take() else {
            return Ok(());
        };
        announce(beside.name);
        let status = beside
            .child
            .wait()
            .map_err(|error| format!("{}: {error}", beside.name))?;
        print!("{}", fs::read_to_string(&beside.log).unwrap_or_default());
        let (passed, failed, skipped) = outcome(&beside.report, status.success());
        self.add(beside.name, (passed, failed, skipped), beside.started.elapsed());
        if passed + failed == 0 {
            self.missing.push(format!(
                "{} ({skipped} skipped): this machine lacks `terraform` or a local copy of its AWS provider, see \
                 tests/README.md",
                beside.name
            ));
        }
        Ok(())
    }
}

fn announce(name: &str) {
    println!("\n== {name}");
    let _ = std::io::stdout().flush();
}

fn rust(run: &mut Run) -> Outcome {
    let mut format = run.cargo(&["fmt", "--all", "--check"]);
    run.check("format", &mut format)?;
    let mut lints = run.cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]);
    run.check("lints", &mut lints)?;
    let mut lints = run.cargo(&["clippy", "--all-targets", "--quiet"]);
    lints.args(WITH_BUCKETS).args(["--", "-D", "warnings"]);
    run.check("lints of buckets", &mut lints)?;

    // Those that need it say nothing that is seen, and pass.
    if let Err(missing) = postgres::prepare() {
        run.missing.push(missing);
    }
    run.cargo_tests("tests of the workspace", &["--workspace", "--all-targets"])
}

/// The program with its optional part, which `--workspace` leaves out.
const WITH_BUCKETS: &[&str] = &[
    "-p",
    "virga-blob-object-store",
    "-p",
    "virga",
    "--features",
    "virga/object-store",
];

/// What only that part does. Nearly all of the workspace is compiled anew for it.
fn buckets(run: &mut Run) -> Outcome {
    if let Err(missing) = postgres::prepare() {
        run.missing.push(missing);
    }
    let tests = [
        "--lib",
        "--test",
        "buckets",
        "--test",
        "command_line",
        "--test",
        "objects",
    ];
    run.cargo_tests("tests of buckets", &[WITH_BUCKETS, &tests].concat())
}

fn specs(run: &mut Run) -> Outcome {
    let python = environment(".venv", "tests/requirements.txt")?;
    run.pytest("specs", &python, &["specs"])?;
    Ok(())
}

fn clients(run: &mut Run) -> Outcome {
    let python = environment(".venv", "tests/requirements.txt")?;
    run.pytest("boto3 by json", &python, &["tests/sdk"])?;
    let older = environment(".venv-query", "tests/requirements-query.txt")?;
    run.pytest("boto3 by query", &older, &["tests/sdk"])?;
    run.pytest("bare HTTP", &python, &["tests/wire"])?;
    let mut without = Vec::new();
    for (program, what) in [("rclone", "rclone against S3"), ("s3fs", "a bucket as a file system")] {
        let mut found = debian::program(program, what);
        if program == "s3fs" {
            found = found.and_then(|()| debian::may_mount(what));
        }
        if let Err(missing) = found {
            run.missing.push(missing);
            without.push(format!("not {program}"));
        }
    }
    run.pytest("AWS CLI", &python, &["tests/cli", "-m", &without.join(" and ")])?;
    run.pytest("libraries", &python, &["tests/libraries"])?;
    Ok(())
}

fn terraform(run: &mut Run) -> Outcome {
    let python = environment(".venv", "tests/requirements.txt")?;
    run.pytest_beside("Terraform", &python, &["tests/terraform"])
}

/// The Python of a virtual environment, made anew where its requirements have changed.
fn environment(folder: &str, requirements: &str) -> Result<PathBuf, String> {
    let (folder, requirements) = (root().join(folder), root().join(requirements));
    let wanted = fs::read(&requirements).map_err(at(&requirements))?;
    let wanted = models::digest(&wanted);
    let stamp = folder.join("requirements.sha256");
    let python = if cfg!(windows) {
        folder.join("Scripts/python.exe")
    } else {
        folder.join("bin/python")
    };
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    announce(&format!("set up {}", folder.display()));
    let started = Instant::now();
    let mut make = Command::new(system_python()?);
    make.args(["-m", "venv", "--clear"]).arg(&folder);
    finish(&mut make)
        .map_err(|error| format!("{error}; on Debian and Ubuntu, `apt install python3-venv` brings what is missing"))?;
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(&requirements);
    finish(&mut install)?;
    fs::write(&stamp, wanted).map_err(at(&stamp))?;
    println!("done in {:.1} s", started.elapsed().as_secs_f64());
    Ok(python)
}

fn finish(command: &mut Command) -> Outcome {
    let status = command.stdin(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

/// A Python that is new enough: `PYTHON` where it is set, else the first on the path.
fn system_python() -> Result<PathBuf, String> {
    let chosen = std::env::var_os("PYTHON").map(PathBuf::from);
    let names = [
        "python3",
        "python",
        "python3.14",
        "python3.13",
        "python3.12",
        "python3.11",
        "python3.10",
    ];
    let candidates: Vec<PathBuf> = match chosen {
        Some(python) => vec![python],
        None => names.iter().map(PathBuf::from).collect(),
    };
    let mut found = Vec::new();
    for python in candidates {
        let code = "import sys; print(*sys.version_info[:2])";
        let Ok(output) = Command::new(&python).args(["-c", code]).stdin(Stdio::null()).output() else {
            continue;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let mut parts = text.split_whitespace().map_while(|part| part.parse::<u32>().ok());
        let (Some(major), Some(minor)) = (parts.next(), parts.next()) else {
            continue;
        };
        if (major, minor) >= PYTHON_MIN {
            return Ok(python);
        }
        found.push(format!("{} is {major}.{minor}", python.display()));
    }
    let (major, minor) = PYTHON_MIN;
    let found = if found.is_empty() {
        "none was found".to_owned()
    } else {
        found.join(", ")
    };
    Err(format!(
        "the tests need Python {major}.{minor} or later ({found}); PYTHON=… names another"
    ))
}

/// What a run of pytest came to. One that broke before it wrote a report counts as a failure.
fn outcome(report: &Path, success: bool) -> (u64, u64, u64) {
    let read = fs::read_to_string(report).ok();
    let (passed, failed, skipped) = read.and_then(|xml| counts(&xml)).unwrap_or_default();
    (passed, if success { failed } else { failed.max(1) }, skipped)
}

/// Passed, failed and skipped, of a JUnit report.
fn counts(xml: &str) -> Option<(u64, u64, u64)> {
    let suite = xml.split_once("<testsuite ")?.1.split_once('>')?.0;
    let value = |name: &str| -> Option<u64> {
        let quoted = suite.split_once(&format!("{name}=\""))?.1;
        quoted.split_once('"')?.0.parse().ok()
    };
    let (failed, skipped) = (value("failures")? + value("errors")?, value("skipped")?);
    Some((value("tests")?.saturating_sub(failed + skipped), failed, skipped))
}

/// The number that stands right before `label`; zero where there is none.
fn number_before(text: &str, label: &str) -> u64 {
    let head = text.split_once(label).map_or("", |(head, _)| head);
    let digits = head.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{counts, number_before};

    #[test]
    fn results_are_counted() {
        let line = "ok. 41 passed; 2 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(number_before(line, " passed"), 41);
        assert_eq!(number_before(line, " failed"), 2);
        assert_eq!(number_before(line, " broken"), 0);
    }

    #[test]
    fn reports_are_counted() {
        let xml = r#"<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="0.1">"#;
        assert_eq!(counts(xml), Some((4, 3, 3)));
        assert_eq!(counts("<nothing/>"), None);
    }
}
