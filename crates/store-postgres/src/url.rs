//! `postgres://USER:PASSWORD@HOST:PORT/DATABASE?…`

use percent_encoding::percent_decode_str;
use std::fmt;

/// Whether the line to the server is encrypted; the words of `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Disable,
    /// If the server can.
    Prefer,
    /// Without knowing the server.
    Require,
    /// And the server's certificate must be for its name, by `sslrootcert`.
    VerifyFull,
}

/// Where the database is, and how it is spoken to.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// A name, an address, or the folder of a socket.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    pub database: String,
    pub tls: Tls,
    /// A file of certificates.
    pub root_certificate: Option<String>,
    /// Connections at once.
    pub connections: usize,
}

/// Without the password, so that no log has it.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options {
            host,
            port,
            user,
            database,
            ..
        } = self;
        if host.contains(':') {
            write!(f, "postgres://{user}@[{host}]:{port}/{database}")
        } else {
            write!(f, "postgres://{user}@{host}:{port}/{database}")
        }
    }
}

const PORT: u16 = 5432;
const CONNECTIONS: usize = 16;
const CONNECTIONS_MAX: usize = 1_000;

fn decoded(text: &str) -> Result<String, String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| "it is not UTF-8".to_owned())
}

impl Options {
    /// Reads a URL. `password` is taken where the URL has none. An error says what is wrong with it, without its
    /// password.
    pub fn parse(url: &str, password: Option<String>) -> Result<Options, String> {
        let rest = ["postgres://", "postgresql://"]
            .iter()
            .find_map(|scheme| url.strip_prefix(scheme));
        let rest = rest.ok_or("it must begin with postgres://")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, given) = match login.split_once(':') {
            Some((user, password)) => (user, Some(decoded(password)?)),
            None => (login, None),
        };
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match place.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let mut options = Options {
            host: decoded(host)?,
            port: port.filter(|port| !port.is_empty()).map_or(Ok(PORT), read_port)?,
            user: decoded(user)?,
            password: given.or(password),
            database: decoded(database)?,
            tls: Tls::Prefer,
            root_certificate: None,
            connections: CONNECTIONS,
        };
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            options.set(name, decoded(value)?)?;
        }
        if options.host.is_empty() {
            options.host = "localhost".to_owned();
        }
        if options.user.is_empty() {
            return Err("it names no user (postgres://USER@HOST/DATABASE)".to_owned());
        }
        if options.database.is_empty() {
            options.database = options.user.clone();
        }
        if options.tls == Tls::VerifyFull && options.root_certificate.is_none() {
            return Err("sslmode=verify-full needs sslrootcert=FILE".to_owned());
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "host" => self.host = value,
            "port" => self.port = read_port(&value)?,
            "user" => self.user = value,
            "password" => self.password = Some(value),
            "dbname" => self.database = value,
            "sslrootcert" => self.root_certificate = Some(value),
            "sslmode" => {
                self.tls = match value.as_str() {
                    "disable" => Tls::Disable,
                    "prefer" => Tls::Prefer,
                    "require" => Tls::Require,
                    "verify-full" => Tls::VerifyFull,
                    _ => return Err("sslmode must be disable, prefer, require or verify-full".to_owned()),
                }
            }
            "connections" => {
                let number = value
                    .parse()
                    .ok()
                    .filter(|number| (3..=CONNECTIONS_MAX).contains(number));
                self.connections =
                    number.ok_or_else(|| format!("connections must be a number from 3 to {CONNECTIONS_MAX}"))?;
            }
            _ => {
                return Err(format!(
                    "it has {name}=, but only host, port, user, password, dbname, sslmode, sslrootcert and connections \
                     may stand behind the ?"
                ));
            }
        }
        Ok(())
    }
}

fn read_port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("{text:?} is no port"))
}

#[cfg(test)]
mod tests {
    use super::{Options, Tls};

    #[test]
    fn urls_are_read() {
        let options = Options::parse("postgres://me:s%40crt@db.example:6543/clouds?sslmode=require", None);
        let Ok(options) = options else { panic!("{options:?}") };
        assert_eq!((options.host.as_str(), options.port), ("db.example", 6543));
        assert_eq!(options.password.as_deref(), Some("s@crt"));
        assert_eq!((options.database.as_str(), options.tls), ("clouds", Tls::Require));
        assert_eq!(options.to_string(), "postgres://me@db.example:6543/clouds");
        assert!(!format!("{options:?}").contains("crt"));
        let Ok(options) = Options::parse("postgresql://me@%2Frun%2Fpostgresql?connections=5", Some("p".into())) else {
            panic!("a socket")
        };
        assert_eq!(
            (options.host.as_str(), options.database.as_str()),
            ("/run/postgresql", "me")
        );
        assert_eq!((options.connections, options.password.as_deref()), (5, Some("p")));
        let Ok(options) = Options::parse("postgres://me@[::1]:7/x", None) else {
            panic!("an address")
        };
        assert_eq!((options.host.as_str(), options.port), ("::1", 7));
    }

    #[test]
    fn wrong_urls_say_what_is_wrong() {
        for (url, part) in [
            ("mysql://me@host/x", "begin with postgres://"),
            ("postgres://host/x", "names no user"),
            ("postgres://me@host:x/x", "is no port"),
            ("postgres://me@host/x?colour=red", "colour="),
            ("postgres://me@host/x?sslmode=maybe", "sslmode"),
            ("postgres://me@host/x?sslmode=verify-full", "sslrootcert"),
            ("postgres://me@host/x?connections=1", "connections"),
        ] {
            let error = Options::parse(url, None).err().unwrap_or_default();
            assert!(error.contains(part), "{url}: {error}");
        }
    }
}
