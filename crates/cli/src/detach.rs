//! `virga start --detach`: starts this program again in the background and waits until it answers.

use crate::client::Client;
use crate::resolve::StartOptions;
use crate::{Failure, Program, out};
use serde_json::Value as Json;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Tells the child in which file to say that it listens.
pub(crate) const READY_FILE: &str = "VIRGA_READY_FILE";
const LOG_FILE: &str = "virga.log";
const READY_MAX: Duration = Duration::from_secs(20);
/// A log that has grown beyond is put aside at the next start.
const LOG_MAX_BYTES: u64 = 16 * 1024 * 1024;

pub(crate) fn detach(program: &Program, options: &StartOptions) -> Result<(), Failure> {
    let folder = match &options.data {
        Some(data) => data.clone(),
        None => state_folder(program)?,
    };
    let name = match options.data {
        Some(_) => LOG_FILE.to_owned(),
        None => format!("virga-{}.log", options.port),
    };
    let log_path = folder.join(name);
    let ready_path = folder.join(format!(".virga-{}.ready", std::process::id()));
    let log_file = open_log(&log_path)
        .map_err(|error| Failure::usage(format!("The log {} cannot be written: {error}.", log_path.display())))?;
    let log_begin = log_file.metadata().map_or(0, |facts| facts.len());
    let mut child = spawn(program, log_file, &ready_path)?;
    let ready = wait(&mut child, &ready_path, (&log_path, log_begin));
    let _ = std::fs::remove_file(&ready_path);
    let ready = ready?;
    let endpoint = ready.get("endpoint").and_then(Json::as_str).unwrap_or_default();
    Client::new(endpoint)?.get("/_virga/health")?;
    out::print(&format!(
        "Virga runs at {endpoint} (pid {}); its log is {}.\n\n  eval \"$(virga env{})\"\n  aws sqs create-queue --queue-name \
         hello\n  virga stop{}\n",
        child.id(),
        log_path.display(),
        other_endpoint(endpoint),
        other_endpoint(endpoint)
    ))
}

fn other_endpoint(endpoint: &str) -> String {
    if endpoint == crate::client::ENDPOINT_DEFAULT {
        String::new()
    } else {
        format!(" --endpoint {endpoint}")
    }
}

/// The same command without `--detach`, in a group of its own, so that Ctrl-C here does not reach it.
fn spawn(program: &Program, log_file: File, ready_path: &Path) -> Result<Child, Failure> {
    let cannot = |what: &str, error: std::io::Error| Failure::usage(format!("{what}: {error}."));
    let log_copy = log_file
        .try_clone()
        .map_err(|error| cannot("The log cannot be shared", error))?;
    let itself = std::env::current_exe().map_err(|error| cannot("Virga cannot find its own program", error))?;
    let mut command = Command::new(itself);
    command
        .args(program.arguments.iter().filter(|argument| *argument != "--detach"))
        .env(READY_FILE, ready_path)
        .stdin(Stdio::null())
        .stdout(log_copy)
        .stderr(log_file);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    // CREATE_NEW_PROCESS_GROUP and DETACHED_PROCESS
    std::os::windows::process::CommandExt::creation_flags(&mut command, 0x0000_0200 | 0x0000_0008);
    command
        .spawn()
        .map_err(|error| cannot("Virga cannot be started in the background", error))
}

/// Appends: a Virga that runs already may be writing to the same file.
fn open_log(path: &Path) -> std::io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|facts| facts.len() > LOG_MAX_BYTES) {
        std::fs::rename(path, path.with_extension("old.log"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// The last line that was logged since `begin`.
fn last_line((path, begin): (&Path, u64)) -> Option<String> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(begin)).ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.strip_prefix("virga: ").unwrap_or(line).to_owned())
}

fn wait(child: &mut Child, ready_path: &Path, log: (&Path, u64)) -> Result<Json, Failure> {
    let begin = Instant::now();
    loop {
        if let Some(ready) = std::fs::read_to_string(ready_path)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
        {
            return Ok(ready);
        }
        let ended = child.try_wait().ok().flatten();
        if let Some(status) = ended {
            let reason = last_line(log).unwrap_or_else(|| "it said nothing.".to_owned());
            return Err(match status.code() {
                Some(2) => Failure::usage(reason),
                _ => Failure::refused(format!("Virga ended at once: {reason} Its log is {}.", log.0.display())),
            });
        }
        if begin.elapsed() > READY_MAX {
            let _ = child.kill();
            return Err(Failure::refused(format!(
                "Virga did not answer within {} s. Its log is {}.",
                READY_MAX.as_secs(),
                log.0.display()
            )));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Where the log goes that no data folder takes: the user's folder for such things.
fn state_folder(program: &Program) -> Result<PathBuf, Failure> {
    let variable = |name: &str| {
        program
            .environment
            .get(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let folder = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))
    };
    let folder = folder.unwrap_or_else(std::env::temp_dir).join("virga");
    std::fs::create_dir_all(&folder).map_err(|error| {
        Failure::usage(format!(
            "The folder {} for the log cannot be made: {error}. Name a folder with --data.",
            folder.display()
        ))
    })?;
    Ok(folder)
}
