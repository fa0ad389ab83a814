//! `virga start` in the foreground, and `virga settings`.

use crate::args::Parsed;
use crate::resolve::{Resolved, StartOptions, resolve, service_variable};
use crate::settings::SETTINGS;
use crate::{Failure, Program, detach, env, out, settings_markdown};
use serde_json::json;
use std::path::{Path, PathBuf};
use virga_admin::LogFormat;

/// The file in the data folder that names the running Virga.
const PID_FILE: &str = "virga.pid";

pub(crate) fn start(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let resolved = read(program, parsed)?;
    let options = resolved.options()?;
    if let Some(data) = &options.data {
        check_writable(data)?;
    }
    if parsed.has("detach") {
        return detach::detach(program, &options);
    }
    let listening = Listening {
        version: program.version,
        pid_file: options.data.as_ref().map(|data| data.join(PID_FILE)),
        ready_file: program.environment.get(detach::READY_FILE).map(PathBuf::from),
        log: options.log,
        quiet: options.log_level == log::LevelFilter::Off,
    };
    (program.start)(options, listening)
}

fn read(program: &Program, parsed: &Parsed) -> Result<Resolved, Failure> {
    let mut variables = program.environment.clone();
    // Between a detaching Virga and its child; not for users.
    variables.remove(detach::READY_FILE);
    resolve(&parsed.flags, &variables, &(program.service_settings)())
}

/// Shows that the server listens; removes the pid file when it is dropped.
pub struct Listening {
    version: &'static str,
    pid_file: Option<PathBuf>,
    ready_file: Option<PathBuf>,
    log: LogFormat,
    quiet: bool,
}

impl Listening {
    /// Prints where the server listens and what to type next, and writes the pid file.
    pub fn at(&self, options: &StartOptions, port: u16) -> Result<(), Failure> {
        let endpoint = endpoint(&options.host, port);
        let ready = format!("{}\n", json!({"pid": std::process::id(), "endpoint": endpoint}));
        for file in self.pid_file.iter().chain(&self.ready_file) {
            write_whole(file, &ready)
                .map_err(|error| Failure::usage(format!("{} cannot be written: {error}.", file.display())))?;
        }
        match self.log {
            _ if self.quiet => Ok(()),
            LogFormat::Human => out::print(&self.banner(&endpoint, options)),
            LogFormat::Json => {
                let pid = std::process::id();
                let line = json!({"level": "info", "message": "listening", "endpoint": endpoint, "pid": pid});
                out::print(&format!("{line}\n"))
            }
        }
    }

    fn banner(&self, endpoint: &str, options: &StartOptions) -> String {
        let state = match (&options.store, &options.data) {
            (Some(_), _) => "State is kept in the database.".to_owned(),
            (None, Some(data)) => format!("State is kept in {}.", data.display()),
            (None, None) => "State is in memory and gone when Virga stops; --data DIR keeps it.".to_owned(),
        };
        let exports: Vec<String> = env::variables(endpoint, "test", "us-east-1")
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!(
            "Virga {} listens on {endpoint} (HTTP and HTTPS).\n\n  export {}\n  aws sqs create-queue --queue-name hello\n\n\
             {state} Ctrl-C or `virga stop` stops it.\n\n",
            self.version,
            exports.join(" ")
        )
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(file) = &self.pid_file {
            // Somebody else may have started with the same folder since.
            let ours = std::fs::read_to_string(file).is_ok_and(|text| text.contains(&pid_part()));
            if ours {
                let _ = std::fs::remove_file(file);
            }
        }
    }
}

fn pid_part() -> String {
    format!("\"pid\":{},", std::process::id())
}

/// The address that clients on this machine use.
pub(crate) fn endpoint(host: &str, port: u16) -> String {
    match host {
        "0.0.0.0" => format!("http://127.0.0.1:{port}"),
        "::" | "[::]" => format!("http://[::1]:{port}"),
        host if host.contains(':') && !host.starts_with('[') => format!("http://[{host}]:{port}"),
        host => format!("http://{host}:{port}"),
    }
}

/// Readers see all of the text or nothing.
fn write_whole(file: &Path, text: &str) -> std::io::Result<()> {
    let draft = file.with_extension(format!("{}.draft", std::process::id()));
    std::fs::write(&draft, text)?;
    std::fs::rename(&draft, file)
}

/// Makes the data folder and tries it, before anything else can fail for its sake.
fn check_writable(data: &Path) -> Result<(), Failure> {
    let probe = data.join(format!(".virga-{}.probe", std::process::id()));
    let tried = std::fs::create_dir_all(data).and_then(|()| std::fs::write(&probe, ""));
    let _ = std::fs::remove_file(&probe);
    tried.map_err(|error| {
        Failure::usage(format!(
            "The folder {} cannot be written: {error}. Name another with --data, or leave it out: nothing is then kept.",
            data.display()
        ))
    })
}

pub(crate) fn settings(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let services = (program.service_settings)();
    if parsed.flag("output") == Some("markdown") {
        return out::print(&settings_markdown(&services));
    }
    let resolved = read(program, parsed)?;
    // (name, value, where it was said, what it means)
    let mut rows: Vec<[String; 4]> = SETTINGS
        .iter()
        .filter_map(|setting| {
            let said = resolved.settings.get(setting.name)?;
            Some([setting.name, &setting.shown(&said.value), &said.from, setting.text].map(str::to_owned))
        })
        .collect();
    for (service, declared) in &services {
        for setting in declared {
            let said = resolved
                .services
                .get(*service)
                .and_then(|values| values.get(setting.name));
            let (value, from) = said.map_or((setting.default, "default"), |said| (&said.value, &said.from));
            let name = format!("{service}.{}", setting.name);
            let text = format!("{} ({})", setting.text, service_variable(service, setting));
            rows.push([name, value.to_owned(), from.to_owned(), text]);
        }
    }
    if parsed.flag("output") == Some("json") {
        let json: serde_json::Map<String, serde_json::Value> = rows
            .into_iter()
            .map(|[name, value, from, text]| (name, json!({"value": value, "from": from, "text": text})))
            .collect();
        return out::print(&format!("{:#}\n", serde_json::Value::Object(json)));
    }
    let mut table = vec![["SETTING", "VALUE", "FROM", "MEANING"].map(str::to_owned).to_vec()];
    table.extend(rows.into_iter().map(|[name, value, from, text]| {
        let value = if value.is_empty() { "-".to_owned() } else { value };
        let first_sentence = text.split_once(". ").map_or(text.as_str(), |(first, _)| first);
        vec![name, value, from, first_sentence.trim_end_matches('.').to_owned()]
    }));
    out::print(&out::table(&table))
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn the_endpoint_is_one_that_clients_can_use() {
        for (host, expected) in [
            ("127.0.0.1", "http://127.0.0.1:1"),
            ("0.0.0.0", "http://127.0.0.1:1"),
            ("::1", "http://[::1]:1"),
            ("::", "http://[::1]:1"),
            ("localhost", "http://localhost:1"),
        ] {
            assert_eq!(endpoint(host, 1), expected);
        }
    }
}
