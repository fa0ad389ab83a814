//! A PostgreSQL of one's own for tests: made in a temporary folder, reached by loopback alone, gone with the process.

use std::io;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A running server.
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    user: Option<(u32, u32)>,
    databases: AtomicU32,
    /// Stops the server and removes its folder once its standard input ends, however this process does.
    _keeper: Child,
}

/// Who can do anything with the server; everybody on this machine may be it.
const USER: &str = "virga";

/// The server that all tests of a process share; nothing where this machine has no PostgreSQL, which is then said.
pub fn shared() -> Option<&'static Postgres> {
    static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
    SHARED.get_or_init(start).as_ref()
}

/// The URL of an empty database of that server, another one for each call; nothing where this machine has no PostgreSQL.
///
/// # Panics
///
/// Where there is one and it makes no database.
pub fn database() -> Option<String> {
    match shared()?.database() {
        Ok(url) => Some(url),
        Err(error) => panic!("no database: {error}"),
    }
}

/// Another server; nothing where this machine has no PostgreSQL.
///
/// # Panics
///
/// Where there is one and it does not start.
pub fn start() -> Option<Postgres> {
    let Some(programs) = programs() else {
        eprintln!("NOT RUN: this machine has no PostgreSQL (`apt-get install postgresql`); nothing was tested");
        return None;
    };
    match Postgres::start(programs) {
        Ok(postgres) => Some(postgres),
        Err(error) => panic!("PostgreSQL does not start: {error}"),
    }
}

/// Where the server's programs are: `VIRGA_POSTGRES_PROGRAMS`, on the path, or where Debian puts them.
fn programs() -> Option<PathBuf> {
    let chosen = std::env::var_os("VIRGA_POSTGRES_PROGRAMS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    debian.sort();
    chosen
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(debian.into_iter().rev())
        .find(|folder| {
            ["initdb", "pg_ctl", "postgres", "psql"]
                .iter()
                .all(|name| folder.join(name).is_file())
        })
}

/// Somebody who is not root, as whom the server must run.
fn other_user() -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map_while(|id| id.parse().ok());
        Some((ids.next()?, ids.next()?))
    };
    find("postgres").or_else(|| find("nobody"))
}

impl Postgres {
    fn start(programs: PathBuf) -> io::Result<Postgres> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "virga-postgres-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        // The folder belongs to whoever runs this: to root, only if it is root.
        let is_root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&folder)?) == 0;
        let user = if is_root { other_user() } else { None };
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid))?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let run = |program: &str| command(&programs, &folder, user, program);
        let data = folder.join("data");
        finish(
            run("initdb")
                .arg("-D")
                .arg(&data)
                .args(["-U", USER, "-A", "trust", "-E", "UTF8"])
                .args(["--no-locale", "--no-sync"]),
        )?;
        let mut keeper = Command::new("sh");
        let script = "read -r _; \"$0\" -D \"$1/data\" -m immediate -s stop; rm -rf \"$1\"";
        keeper.arg("-c").arg(script).arg(programs.join("pg_ctl")).arg(&folder);
        if let Some((uid, gid)) = user {
            keeper.uid(uid).gid(gid);
        }
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let postgres = Postgres {
            _keeper: keeper.current_dir("/").spawn()?,
            programs,
            folder,
            port,
            user,
            databases: AtomicU32::new(0),
        };
        postgres.go_on()?;
        Ok(postgres)
    }

    fn control(&self) -> Command {
        let mut command = command(&self.programs, &self.folder, self.user, "pg_ctl");
        command.arg("-D").arg(self.folder.join("data")).args(["-s", "-w"]);
        command
    }

    /// Starts the server again. It does not sync: the machine outlives these tests, so what it wrote is there all the same.
    pub fn go_on(&self) -> io::Result<()> {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={} -c max_connections=200 -c fsync=off",
            self.port,
            self.folder.display()
        );
        finish(
            self.control()
                .arg("-l")
                .arg(self.folder.join("log"))
                .arg("-o")
                .arg(options)
                .arg("start"),
        )
    }

    /// Stops the server as a crash would.
    pub fn stop(&self) -> io::Result<()> {
        finish(self.control().args(["-m", "immediate", "stop"]))
    }

    /// Makes an empty database and answers its URL.
    pub fn database(&self) -> io::Result<String> {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(format!("postgres://{USER}@127.0.0.1:{}/{name}", self.port))
    }

    /// Runs SQL and answers what it says, a line a row.
    pub fn sql(&self, database: &str, sql: &str) -> io::Result<String> {
        let mut command = command(&self.programs, &self.folder, self.user, "psql");
        let port = self.port.to_string();
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            USER,
        ]);
        let output = command.args(["-d", database, "-c", sql]).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

fn command(programs: &Path, folder: &Path, user: Option<(u32, u32)>, program: &str) -> Command {
    let mut command = Command::new(programs.join(program));
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    // Its own folder is the one that this user can surely enter.
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// The server must not hold the pipes of whoever runs the tests, so nothing is inherited.
fn finish(command: &mut Command) -> io::Result<()> {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{command:?}: {status}")))
    }
}
