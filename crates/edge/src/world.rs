//! Which world a request means: the one that its header names, else the one that its host names, else the first.

use http::{HeaderName, HeaderValue};
use std::sync::Arc;
use virga_base::AwsError;
use virga_service::{Cloud, MAIN, Worlds, is_reserved};

pub(crate) static WORLD: HeaderName = HeaderName::from_static("x-virga-world");
const DOMAIN: &str = ".localhost";

/// The world that a request means.
pub(crate) enum Chosen {
    Main,
    Fork {
        world: Arc<Cloud>,
        /// The host without the label that names the world, if that is how it was chosen.
        host: Option<Box<str>>,
    },
    Unknown(Unknown),
}

/// There is no such world.
pub(crate) struct Unknown {
    name: Box<str>,
    by_host: bool,
}

impl Unknown {
    /// Whether a request for that service is refused. A host may also name a bucket.
    pub(crate) fn refuses(&self, service: &str) -> bool {
        !self.by_host || service != "s3"
    }

    pub(crate) fn message(&self) -> String {
        let name = &self.name;
        let source = if self.by_host { "host" } else { "header x-virga-world" };
        format!(
            "There is no world {name:?}, which the request's {source} names; make it with `virga world fork {name}`."
        )
    }

    pub(crate) fn error(&self) -> AwsError {
        AwsError::new("UnknownWorld", self.message())
    }
}

/// Chooses by what the header and the host say.
pub(crate) fn choose(worlds: &Worlds, named: Option<&HeaderValue>, host: Option<&str>) -> Chosen {
    if let Some(named) = named {
        let name = named.to_str().unwrap_or("?").trim();
        return match name {
            "" | MAIN => Chosen::Main,
            name => find(worlds, name, None).unwrap_or_else(|| unknown(name, false)),
        };
    }
    let Some((before, label, port)) = host.and_then(split) else {
        return Chosen::Main;
    };
    if label == MAIN {
        // The label is no part of what the host tells otherwise, but nothing else is named so.
        return Chosen::Main;
    }
    find(worlds, label, Some((before, port))).unwrap_or_else(|| {
        let means_other = is_reserved(label) || label.bytes().any(|byte| byte.is_ascii_uppercase());
        if means_other {
            Chosen::Main
        } else {
            unknown(label, true)
        }
    })
}

fn find(worlds: &Worlds, name: &str, host: Option<(&str, &str)>) -> Option<Chosen> {
    let world = worlds.get(name)?;
    world.touch();
    let host = host.map(|(before, port)| format!("{before}{}{port}", &DOMAIN[usize::from(before.is_empty())..]).into());
    Some(Chosen::Fork { world, host })
}

fn unknown(name: &str, by_host: bool) -> Chosen {
    let name = name.into();
    Chosen::Unknown(Unknown { name, by_host })
}

/// `bucket.s3.NAME.localhost:4566` in what is before the name, the name, and the port with its colon.
fn split(host: &str) -> Option<(&str, &str, &str)> {
    let end = host.bytes().rposition(|byte| byte == b':').unwrap_or(host.len());
    let (name, port) = host.split_at(end);
    let labels = name.len().checked_sub(DOMAIN.len()).filter(|labels| *labels > 0)?;
    if !name.as_bytes()[labels..].eq_ignore_ascii_case(DOMAIN.as_bytes()) {
        return None;
    }
    let labels = name.get(..labels)?;
    Some(match labels.rsplit_once('.') {
        Some((before, label)) => (before, label, port),
        None => ("", labels, port),
    })
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn the_label_before_localhost_may_name_a_world() {
        for (host, expected) in [
            ("t1.localhost:4566", Some(("", "t1", ":4566"))),
            ("t1.LOCALHOST", Some(("", "t1", ""))),
            ("b.s3.t1.localhost:1", Some(("b.s3", "t1", ":1"))),
            ("localhost:4566", None),
            (".localhost", None),
            ("localhost", None),
            ("127.0.0.1:4566", None),
            ("[::1]:4566", None),
            ("t1.localhost.example.com", None),
            ("", None),
        ] {
            assert_eq!(split(host), expected, "{host}");
        }
    }
}
