//! `virga env`: what points AWS clients at Virga, in the user's shell's own words.

use crate::args::Parsed;
use crate::client::Client;
use crate::{Failure, Program, out};
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
    out::print(&script(shell, &variables(client.endpoint(), access_key, region)))
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
    use super::{SHELLS, script, variables};

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
