//! `virga env`: what points AWS clients at Virga, in the user's shell's own words.

use crate::args::Parsed;
use crate::client::Client;
use crate::{Failure, Program, out};
use std::io::Write;
use std::net::ToSocketAddrs;
use virga_base::{Account, Region};

pub(crate) const SHELLS: &[&str] = &["bash", "zsh", "fish", "powershell", "cmd"];

pub(crate) fn env(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let endpoint = crate::client::endpoint(program, parsed);
    let client = Client::new(&endpoint)?;
    let region = parsed.flag("region").unwrap_or(Region::DEFAULT_NAME);
    if let Err(error) = Region::parse(region) {
        return Err(Failure::usage(format!("--region {region:?}: {error}.")));
    }
    // An access key of twelve digits is that account.
    let access_key = parsed.flag("account").unwrap_or("test");
    if parsed.has("account") && Account::parse(access_key).is_err() {
        return Err(Failure::usage(format!(
            "--account must be twelve digits, such as 111122223333, not {access_key:?}."
        )));
    }
    let shell = parsed.flag("shell").unwrap_or_else(|| detect(program));
    let endpoint = match crate::client::world(program, parsed)? {
        Some(world) => in_world(client.endpoint(), &world)?,
        None => client.endpoint().to_owned(),
    };
    out::print(&script(shell, &variables(&endpoint, access_key, region)))
}

/// The same endpoint with a host that chooses the world. Most systems resolve every name under `localhost` to themselves.
fn in_world(endpoint: &str, world: &str) -> Result<String, Failure> {
    let authority = endpoint.trim_start_matches("http://");
    let host_end = authority.rfind(']').map_or(0, |end| end + 1);
    let port_at = authority.get(host_end..).and_then(|rest| rest.rfind(':'));
    let (host, port) = authority.split_at(port_at.map_or(authority.len(), |at| host_end + at));
    let is_local = host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]";
    if !is_local {
        return Err(Failure::usage(format!(
            "A host name chooses a world only under localhost, not at {host}; send the header x-virga-world: {world} instead."
        )));
    }
    let host = format!("{world}.localhost");
    if (host.as_str(), 0).to_socket_addrs().is_err() {
        // Not on standard output, which a shell takes over.
        let _ = writeln!(
            std::io::stderr(),
            "virga: this system does not know {host}; add the line \"127.0.0.1 {host}\" to its hosts file, or send the \
             header x-virga-world: {world}."
        );
    }
    Ok(format!("http://{host}{port}"))
}

/// Both names of the region: the SDKs disagree on which they read.
pub(crate) fn variables(endpoint: &str, access_key: &str, region: &str) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_ACCESS_KEY_ID", access_key.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_REGION", region.to_owned()),
        ("AWS_DEFAULT_REGION", region.to_owned()),
    ]
}

fn script(shell: &str, variables: &[(&str, String)]) -> String {
    variables
        .iter()
        .map(|(name, value)| match shell {
            "fish" => format!("set -gx {name} {value}\n"),
            "powershell" => format!("$env:{name} = \"{value}\"\n"),
            "cmd" => format!("set {name}={value}\n"),
            _ => format!("export {name}={value}\n"),
        })
        .collect()
}

fn detect(program: &Program) -> &'static str {
    let variable = |name: &str| program.environment.get(name).map(String::as_str).unwrap_or_default();
    if let Some(shell) = variable("SHELL").rsplit('/').next().filter(|shell| !shell.is_empty()) {
        return match shell {
            "fish" => "fish",
            "zsh" => "zsh",
            "pwsh" => "powershell",
            _ => "bash",
        };
    }
    match (cfg!(windows), variable("PSModulePath")) {
        (true, "") => "cmd",
        (true, _) => "powershell",
        (false, _) => "bash",
    }
}

#[cfg(test)]
mod tests {
    use super::{SHELLS, in_world, script, variables};

    #[test]
    fn a_world_is_a_host_of_this_machine() {
        for (endpoint, expected) in [
            ("http://127.0.0.1:4566", Some("http://t1.localhost:4566")),
            ("http://[::1]:4566", Some("http://t1.localhost:4566")),
            ("http://localhost", Some("http://t1.localhost")),
            ("http://t2.localhost:1", Some("http://t1.localhost:1")),
            ("http://virga.example:4566", None),
        ] {
            assert_eq!(in_world(endpoint, "t1").ok().as_deref(), expected, "{endpoint}");
        }
    }

    #[test]
    fn every_shell_is_spoken() {
        let first: Vec<String> = SHELLS
            .iter()
            .map(|shell| script(shell, &variables("http://127.0.0.1:1", "test", "us-east-1")))
            .map(|script| script.lines().next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(
            first,
            [
                "export AWS_ENDPOINT_URL=http://127.0.0.1:1",
                "export AWS_ENDPOINT_URL=http://127.0.0.1:1",
                "set -gx AWS_ENDPOINT_URL http://127.0.0.1:1",
                "$env:AWS_ENDPOINT_URL = \"http://127.0.0.1:1\"",
                "set AWS_ENDPOINT_URL=http://127.0.0.1:1",
            ]
        );
    }
}
