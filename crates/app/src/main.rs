//! The program: where everything meets, and nothing else. `virga_cli` reads the command; `virga start` ends up in
//! [`serve`].

mod bucket;
mod serve;

/// Measured in `docs/decisions/allocator.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::process::ExitCode;
use virga_cli::{Program, ServiceSettings};

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    let environment = std::env::vars_os();
    virga_cli::run(&Program {
        arguments: arguments
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
        environment: environment
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect(),
        version: env!("CARGO_PKG_VERSION"),
        service_settings,
        start: serve::start,
    })
}

fn service_settings() -> ServiceSettings {
    let services = virga_catalog::services().into_iter();
    services
        .filter(|service| !service.settings.is_empty())
        .map(|service| (service.name, service.settings))
        .collect()
}
