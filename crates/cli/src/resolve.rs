//! Which value of a setting holds: the flag's, else the environment's, else the file's, else the default.

use crate::settings::{OTHER_VARIABLES, SETTINGS, environment};
use crate::{Failure, Place};
use log::LevelFilter;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use virga_admin::LogFormat;
use virga_admin::text::did_you_mean;
use virga_service::Setting as ServiceSetting;

/// The settings that services declare, by service.
pub type ServiceSettings = BTreeMap<&'static str, Vec<ServiceSetting>>;

/// The file that is read where no other is named.
const FILE: &str = "virga.toml";

/// How the server shall run.
#[derive(Clone, Debug)]
pub struct StartOptions {
    pub host: String,
    pub port: u16,
    pub log: LogFormat,
    pub log_level: LevelFilter,
    /// Where certificate, pid file and log are kept; nothing is written where there is none.
    pub data: Option<PathBuf>,
    /// The URL of a database that state is kept in.
    pub store: Option<String>,
    /// What all nodes of the database share for the bytes of objects, where that is not the database itself.
    pub blobs: Option<Place>,
    pub seed: Option<u64>,
    /// Worlds at once, the first among them.
    pub worlds_max: usize,
    /// By service, then name: what the user has set.
    pub services: BTreeMap<String, BTreeMap<String, String>>,
}

/// A value and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub value: String,
    /// `--port`, `VIRGA_PORT`, `port in virga.toml` or `default`.
    pub from: String,
}

/// Every value, before it is read.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// By name; all settings, with their defaults.
    pub settings: BTreeMap<&'static str, Said>,
    pub services: BTreeMap<String, BTreeMap<String, Said>>,
}

/// Merges all sources and refuses what none of them should say.
pub(crate) fn resolve(
    flags: &BTreeMap<String, String>,
    variables: &BTreeMap<String, String>,
    services: &ServiceSettings,
) -> Result<Resolved, Failure> {
    let mut found = Resolved {
        settings: SETTINGS
            .iter()
            .map(|setting| {
                let (value, from) = (setting.default.to_owned(), "default".to_owned());
                (setting.name, Said { value, from })
            })
            .collect(),
        services: BTreeMap::new(),
    };
    let config = flags.get("config").or_else(|| variables.get("VIRGA_CONFIG"));
    if let Some((name, text)) = read_file(config.map(String::as_str))? {
        found.take_file(&name, &text, services)?;
    }
    found.take_environment(variables, services)?;
    for setting in SETTINGS {
        if let Some(value) = flags.get(&setting.flag()) {
            found.say(setting.name, value.clone(), format!("--{}", setting.flag()))?;
        }
    }
    Ok(found)
}

impl Resolved {
    /// The values in the types that the server takes.
    pub(crate) fn options(&self) -> Result<StartOptions, Failure> {
        let value = |name: &str| self.settings.get(name).map_or("", |said| said.value.as_str());
        // Every value has been checked where it was said.
        let broken = |name: &str| Failure::usage(format!("The setting {name} cannot be read."));
        Ok(StartOptions {
            host: value("host").to_owned(),
            port: value("port").parse().map_err(|_| broken("port"))?,
            log: match value("log") {
                "json" => LogFormat::Json,
                _ => LogFormat::Human,
            },
            log_level: value("log_level").parse().map_err(|_| broken("log_level"))?,
            data: Some(value("data")).filter(|data| !data.is_empty()).map(PathBuf::from),
            store: Some(value("store")).filter(|url| !url.is_empty()).map(str::to_owned),
            blobs: Some(value("blobs"))
                .filter(|blobs| !blobs.is_empty())
                .map(|blobs| Place::parse(blobs).map_err(|_| broken("blobs")))
                .transpose()?,
            seed: match value("seed") {
                "" => None,
                seed => Some(seed.parse().map_err(|_| broken("seed"))?),
            },
            worlds_max: value("worlds_max").parse().map_err(|_| broken("worlds_max"))?,
            services: self
                .services
                .iter()
                .map(|(service, values)| {
                    let values = values.iter().map(|(name, said)| (name.clone(), said.value.clone()));
                    (service.clone(), values.collect())
                })
                .collect(),
        })
    }

    fn say(&mut self, name: &str, value: String, from: String) -> Result<(), Failure> {
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) {
            setting.check(&value, &from).map_err(Failure::usage)?;
            self.settings.insert(setting.name, Said { value, from });
        }
        Ok(())
    }

    fn say_service(
        &mut self,
        service: &str,
        setting: &ServiceSetting,
        value: String,
        from: String,
    ) -> Result<(), Failure> {
        check_like_default(setting, &value, &from)?;
        let values = self.services.entry(service.to_owned()).or_default();
        values.insert(setting.name.to_owned(), Said { value, from });
        Ok(())
    }

    fn take_file(&mut self, file: &str, text: &str, services: &ServiceSettings) -> Result<(), Failure> {
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            let reason = error.to_string();
            Failure::usage(format!("{file} is not valid TOML: {}", reason.trim_end()))
        })?;
        for (key, value) in table {
            match value {
                toml::Value::Table(values) => {
                    let Some((service, declared)) = services.get_key_value(key.as_str()) else {
                        let hint = did_you_mean(&key, services.keys().copied());
                        return Err(Failure::usage(format!(
                            "{file} has a table [{key}], but no service of that name has settings{hint} `virga settings` \
                             lists all.",
                            hint = end(&hint)
                        )));
                    };
                    for (name, value) in values {
                        let from = format!("{name} of [{service}] in {file}");
                        let Some(setting) = declared.iter().find(|setting| setting.name == name) else {
                            let hint = did_you_mean(&name, declared.iter().map(|setting| setting.name));
                            return Err(Failure::usage(format!(
                                "{file} sets {name} of [{service}], but there is no such setting{hint} `virga settings` \
                                 lists all.",
                                hint = end(&hint)
                            )));
                        };
                        self.say_service(service, setting, scalar(&value, &from)?, from)?;
                    }
                }
                value => {
                    let known = SETTINGS.iter().map(|setting| setting.name);
                    if !known.clone().any(|name| name == key) {
                        let hint = did_you_mean(&key, known);
                        return Err(Failure::usage(format!(
                            "{file} sets {key}, but there is no such setting{hint} `virga settings` lists all.",
                            hint = end(&hint)
                        )));
                    }
                    let from = format!("{key} in {file}");
                    self.say(&key, scalar(&value, &from)?, from)?;
                }
            }
        }
        Ok(())
    }

    fn take_environment(
        &mut self,
        variables: &BTreeMap<String, String>,
        services: &ServiceSettings,
    ) -> Result<(), Failure> {
        for (variable, value) in variables.iter().filter(|(name, _)| name.starts_with("VIRGA_")) {
            if OTHER_VARIABLES.iter().any(|(name, _)| name == variable) || is_service_link(variable, value) {
                continue;
            }
            if let Some(setting) = SETTINGS.iter().find(|setting| setting.environment() == *variable) {
                self.say(setting.name, value.clone(), variable.clone())?;
                continue;
            }
            let of_services = || {
                services.iter().flat_map(|(service, declared)| {
                    declared
                        .iter()
                        .map(move |setting| (*service, setting, service_variable(service, setting)))
                })
            };
            if let Some((service, setting, _)) = of_services().find(|(_, _, name)| name == variable) {
                self.say_service(service, setting, value.clone(), variable.clone())?;
                continue;
            }
            let known: Vec<String> = SETTINGS
                .iter()
                .map(|setting| setting.environment())
                .chain(OTHER_VARIABLES.iter().map(|(name, _)| (*name).to_owned()))
                .chain(of_services().map(|(_, _, name)| name))
                .collect();
            let hint = did_you_mean(variable, known.iter().map(String::as_str));
            return Err(Failure::usage(format!(
                "The environment sets {variable}, but there is no such setting{hint} Unset it, or see `virga settings`.",
                hint = end(&hint)
            )));
        }
        Ok(())
    }
}

/// Kubernetes tells every container of a service named `virga` in variables that look like ours.
fn is_service_link(variable: &str, value: &str) -> bool {
    variable.starts_with("VIRGA_SERVICE_")
        || variable.starts_with("VIRGA_PORT_")
        || (variable == "VIRGA_PORT" && value.contains("://"))
}

/// `VIRGA_SQS_DELETE_WAIT_S`
pub(crate) fn service_variable(service: &str, setting: &ServiceSetting) -> String {
    environment(&format!("{service}_{}", setting.name))
}

fn read_file(named: Option<&str>) -> Result<Option<(String, String)>, Failure> {
    let name = match named {
        Some(name) => name,
        None if Path::new(FILE).exists() => FILE,
        None => return Ok(None),
    };
    match std::fs::read_to_string(name) {
        Ok(text) => Ok(Some((name.to_owned(), text))),
        Err(error) => Err(Failure::usage(format!(
            "The settings file {name} cannot be read: {error}."
        ))),
    }
}

fn scalar(value: &toml::Value, from: &str) -> Result<String, Failure> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        _ => Err(Failure::usage(format!(
            "{from} must be a text, a number, true or false."
        ))),
    }
}

/// A service's setting takes what its default is: a whole number, true or false, or any text.
fn check_like_default(setting: &ServiceSetting, value: &str, from: &str) -> Result<(), Failure> {
    let wrong = |what: &str| Err(Failure::usage(format!("{from} must be {what}, not {value:?}.")));
    if setting.default.parse::<i64>().is_ok() && value.parse::<i64>().is_err() {
        return wrong("a whole number");
    }
    if setting.default.parse::<bool>().is_ok() && value.parse::<bool>().is_err() {
        return wrong("true or false");
    }
    Ok(())
}

/// A sentence's end behind an optional hint.
fn end(hint: &str) -> &str {
    if hint.is_empty() { "." } else { hint }
}
