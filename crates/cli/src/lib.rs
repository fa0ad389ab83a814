//! The command line: reads arguments and settings, starts the server or speaks to one, and says what went wrong.
//!
//! Every command is declared once in [`commands`], every setting once in [`settings`]; help, the reading of flags,
//! environment and `virga.toml`, `docs/settings.md` and the tests derive from there.
//!
//! Exit codes: 0 done; 1 a running Virga refused or failed; 2 the command could not be tried (wrong flag or setting, no
//! server, port in use).

mod args;
mod calls;
mod client;
mod commands;
mod detach;
mod env;
mod failure;
mod help;
mod journal;
mod manage;
mod out;
mod place;
mod replay;
mod resolve;
pub mod settings;
mod settings_docs;
mod snapshot;
mod start;
mod watch;
mod worlds;

pub use failure::Failure;
pub use place::Place;
pub use resolve::{ServiceSettings, StartOptions};
pub use settings_docs::settings_markdown;
pub use start::Listening;

use std::collections::BTreeMap;
use std::process::ExitCode;

/// What the program gives to the command line.
pub struct Program {
    /// Without the program's own name.
    pub arguments: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub version: &'static str,
    /// The settings that the services declare, by service.
    pub service_settings: fn() -> ServiceSettings,
    /// Runs the server until it is stopped; says through [`Listening`] when it listens.
    pub start: fn(StartOptions, Listening) -> Result<(), Failure>,
}

/// Runs one command.
pub fn run(program: &Program) -> ExitCode {
    match commands::run(program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests;
