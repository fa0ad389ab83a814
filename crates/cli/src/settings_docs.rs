//! `docs/settings.md`, written from the declarations.

use crate::resolve::{ServiceSettings, service_variable};
use crate::settings::{OTHER_VARIABLES, SETTINGS};

/// The page of all settings.
pub fn settings_markdown(services: &ServiceSettings) -> String {
    let mut page = String::from(
        "<!-- Written by `virga settings --output markdown`; do not edit. -->\n\n# Settings\n\n\
         A setting is taken from the flag of `virga start`, else from the environment, else from `virga.toml` in the \
         current folder (or the file that `--config` or `VIRGA_CONFIG` names), else it has its default. A name that does \
         not exist is an error wherever it is written.\n\n\
         | In `virga.toml` | Flag | Environment | Default | Meaning |\n|---|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        page.push_str(&format!(
            "| `{}` | `--{} {}` | `{}` | {} | {} |\n",
            setting.name,
            setting.flag(),
            setting.value,
            setting.environment(),
            code(setting.default),
            setting.text
        ));
    }
    page.push_str("\n## Other variables\n\n| Environment | Meaning |\n|---|---|\n");
    for (name, text) in OTHER_VARIABLES {
        page.push_str(&format!("| `{name}` | {text} |\n"));
    }
    page.push_str("\n## Settings of services\n\nIn `virga.toml` they stand in a table of the service's name:\n\n");
    let example = services
        .iter()
        .find_map(|(service, declared)| Some((service, declared.first()?)));
    if let Some((service, setting)) = example {
        page.push_str(&format!(
            "```toml\nport = 4566\n\n[{service}]\n{} = {}\n```\n\n",
            setting.name,
            toml_value(setting.default)
        ));
    }
    page.push_str("| Service | In `virga.toml` | Environment | Default | Meaning |\n|---|---|---|---|---|\n");
    for (service, declared) in services {
        for setting in declared {
            page.push_str(&format!(
                "| {service} | `{}` | `{}` | {} | {} |\n",
                setting.name,
                service_variable(service, setting),
                code(setting.default),
                setting.text
            ));
        }
    }
    page
}

fn code(default: &str) -> String {
    if default.is_empty() {
        "none".to_owned()
    } else {
        format!("`{default}`")
    }
}

fn toml_value(default: &str) -> String {
    if default.parse::<f64>().is_ok() || default.parse::<bool>().is_ok() {
        default.to_owned()
    } else {
        format!("{default:?}")
    }
}
