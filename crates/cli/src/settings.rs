//! Every setting of `virga start`, declared once. The flag, the environment variable and the key in `virga.toml` follow
//! from the name: `log_level` is `--log-level`, `VIRGA_LOG_LEVEL` and `log_level`.

use crate::Place;

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number from 0 to 65535.
    Port,
    /// An address or host name to listen on.
    Host,
    /// A whole number from 0 to 2^64-1.
    Number,
    /// A path.
    Folder,
    /// Where a database is: `postgres://…`. It may hold a password, so it is never shown as it is.
    Database,
    /// Where bytes are: a path, or `s3://BUCKET/PREFIX`.
    Shelf,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Lower case with underscores.
    pub name: &'static str,
    /// What stands for the value in help.
    pub value: &'static str,
    pub kind: Kind,
    /// What holds where nobody says anything; empty for nothing.
    pub default: &'static str,
    /// For people; the first sentence fits on a line of help.
    pub text: &'static str,
}

impl Setting {
    /// `log-level`
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// `VIRGA_LOG_LEVEL`
    pub fn environment(&self) -> String {
        environment(self.name)
    }

    /// Refuses a value that the setting cannot hold; `from` says where it was written.
    pub fn check(&self, value: &str, from: &str) -> Result<(), String> {
        let wrong = |what: String| Err(format!("{from} must be {what}, not {value:?}."));
        match self.kind {
            Kind::Port if value.parse::<u16>().is_err() => {
                wrong("a number from 0 to 65535 (0 takes any free port)".to_owned())
            }
            Kind::Number if value.parse::<u64>().is_err() => wrong("a whole number, 0 or more".to_owned()),
            Kind::Host if value.is_empty() || value.contains(['/', ' ']) => {
                wrong("an address such as 127.0.0.1, or a host name".to_owned())
            }
            Kind::Database
                if !["postgres://", "postgresql://"]
                    .iter()
                    .any(|scheme| value.starts_with(scheme)) =>
            {
                Err(format!(
                    "{from} must be the URL of a database, such as postgres://user@host/database."
                ))
            }
            Kind::Folder if value.is_empty() => wrong("the path of a folder".to_owned()),
            Kind::Shelf => match Place::parse(value) {
                Ok(_) => Ok(()),
                Err(what) => wrong(what),
            },
            Kind::Choice(words) if !words.contains(&value) => {
                let hint = virga_admin::text::did_you_mean(value, words.iter().copied());
                wrong(format!("one of {}", words.join(", "))).map_err(|error| match hint.as_str() {
                    "" => error,
                    hint => format!("{}{hint}", error.trim_end_matches('.')),
                })
            }
            _ => Ok(()),
        }
    }
}

impl Setting {
    /// The value as people may see it.
    pub(crate) fn shown(&self, value: &str) -> String {
        match (self.kind, value.split_once("://")) {
            (Kind::Database, Some((scheme, rest))) => {
                let (rest, _) = rest.split_once('?').unwrap_or((rest, ""));
                match rest.rsplit_once('@') {
                    Some((login, place)) => {
                        let (user, _) = login.split_once(':').unwrap_or((login, ""));
                        format!("{scheme}://{user}@{place}")
                    }
                    None => format!("{scheme}://{rest}"),
                }
            }
            _ => value.to_owned(),
        }
    }
}

/// The environment variable of a name.
pub(crate) fn environment(name: &str) -> String {
    format!("VIRGA_{}", name.replace('-', "_").to_uppercase())
}

/// All settings of the server, in the order of help.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "port",
        value: "PORT",
        kind: Kind::Port,
        default: "4566",
        text: "The port to listen on, for HTTP and HTTPS alike. 0 takes any free one.",
    },
    Setting {
        name: "host",
        value: "HOST",
        kind: Kind::Host,
        default: "127.0.0.1",
        text: "The address to listen on. 0.0.0.0 lets other machines in; they then have all of this cloud.",
    },
    Setting {
        name: "log",
        value: "FORM",
        kind: Kind::Choice(&["human", "json"]),
        default: "human",
        text: "How each call is logged: human or json. One line per call, on standard output.",
    },
    Setting {
        name: "log_level",
        value: "LEVEL",
        kind: Kind::Choice(&["off", "error", "warn", "info", "debug"]),
        default: "info",
        text: "Which calls are logged: off, error, warn, info, debug. error logs those that Virga failed (5xx), warn also \
               those that it refused (4xx), info all; debug adds Virga's own steps.",
    },
    Setting {
        name: "data",
        value: "DIR",
        kind: Kind::Folder,
        default: "",
        text: "A folder to keep everything in: state, TLS certificate, pid file, log. Without it state is in memory and gone \
               when Virga stops.",
    },
    Setting {
        name: "store",
        value: "URL",
        kind: Kind::Database,
        default: "",
        text: "A database to keep state in, in place of a folder: postgres://USER@HOST/DATABASE. Several Virgas may share it. \
               A password may stand in it or in PGPASSWORD.",
    },
    Setting {
        name: "blobs",
        value: "PLACE",
        kind: Kind::Shelf,
        default: "",
        text: "With --store: where the bytes of objects over 64 KiB are, if not in the database: a folder that all Virgas of \
               that database reach under some path, or s3://BUCKET/PREFIX in a Virga built with the feature object-store.",
    },
    Setting {
        name: "seed",
        value: "N",
        kind: Kind::Number,
        default: "",
        text: "Draw all ids from this seed. The same seed and the same calls give the same ids; without it they are random.",
    },
    Setting {
        name: "worlds_max",
        value: "N",
        kind: Kind::Number,
        default: "10000",
        text: "How many worlds there may be at once, the first among them.",
    },
];

/// Environment variables of the house that are no settings of the server.
pub const OTHER_VARIABLES: &[(&str, &str)] = &[
    (
        "VIRGA_CONFIG",
        "The settings file to read in place of `virga.toml` in the current folder; as `--config`.",
    ),
    (
        "VIRGA_ENDPOINT",
        "The running Virga that commands speak to; as `--endpoint`.",
    ),
    ("VIRGA_WORLD", "The world that commands act in; as `--world`."),
];

#[cfg(test)]
mod tests {
    use super::SETTINGS;

    #[test]
    fn passwords_are_not_shown() {
        let shown = |value: &str| {
            SETTINGS
                .iter()
                .find(|setting| setting.name == "store")
                .map(|s| s.shown(value))
        };
        let safe = Some("postgres://me@host/x".to_owned());
        assert_eq!(shown("postgres://me@host/x"), safe);
        assert_eq!(shown("postgres://me:p@ss:w/rd@host/x"), safe);
        assert_eq!(shown("postgres://me:pass@host/x?password=word"), safe);
        assert_eq!(shown(""), Some(String::new()));
    }
}
