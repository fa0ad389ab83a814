//! Two Virgas on one PostgreSQL whose objects' bytes are in a third's S3. Where this machine has no PostgreSQL, the test
//! says so and does nothing.
#![cfg(unix)]

mod s3;
#[path = "../keeping/server.rs"]
mod server;

use server::Server;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use virga_testkit::postgres;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const MIB: usize = 1024 * 1024;
/// Beats of the nodes and a look at what was doubted, several times over.
const GONE_MAX: Duration = Duration::from_secs(60);

/// Data folders, removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn start(&self, name: &str, more: &[&str], variables: &[(&str, &str)]) -> Result<Server, String> {
        let folder = self.0.join(name);
        let mut command = server::command(Path::new(env!("CARGO_BIN_EXE_virga")), &folder);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command.args(more).envs(variables.iter().copied());
        Server::start(command, &folder)
    }
}

/// Waits until the back end has so many objects of the nodes, and uploads that are not ended.
fn waits_for(backend: &str, objects: usize, uploads: usize) -> Result<(), String> {
    let begin = Instant::now();
    loop {
        let listed = s3::done(backend, "GET", "/bytes?list-type=2&prefix=of%2Fnodes%2F", b"")?;
        let begun = s3::done(backend, "GET", "/bytes?uploads", b"")?;
        let found = (s3::texts(&listed, "Key").len(), s3::texts(&begun, "UploadId").len());
        if found == (objects, uploads) {
            println!("{found:?} after {:.1} s", begin.elapsed().as_secs_f64());
            return Ok(());
        }
        if begin.elapsed() > GONE_MAX {
            return Err(format!("{found:?} objects and uploads, not {objects} and {uploads}"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn nodes_keep_bytes_in_a_bucket_of_another_virga() -> Outcome {
    let Some(database) = postgres::shared() else {
        return Ok(());
    };
    let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("objects-{}", std::process::id())));
    let url = database.database()?;
    let backend = folder.start("backend", &[], &[])?;
    let backend = backend.address();
    s3::done(backend, "PUT", "/bytes", b"")?;
    let endpoint = format!("http://{backend}");
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let flags = ["--store", url.as_str(), "--blobs", "s3://bytes/of/nodes"];
    let mut first = folder.start("first", &flags, &variables)?;
    let second = folder.start("second", &flags, &variables)?;
    let (here, there) = (first.address().to_owned(), second.address());

    s3::done(&here, "PUT", "/photos", b"")?;
    let wanted: Vec<u8> = (0..8 * MIB).map(|at| (at % 251) as u8).collect();
    s3::done(&here, "PUT", "/photos/cat", &wanted)?;
    s3::done(&here, "PUT", "/photos/small", &wanted[..1000])?;
    waits_for(backend, 1, 0)?;
    let listed = s3::done(backend, "GET", "/bytes?list-type=2", b"")?;
    assert_eq!(s3::texts(&listed, "Size"), [(8 * MIB).to_string()]);
    assert!(s3::done(there, "GET", "/photos/cat", b"")? == wanted);
    let part = s3::call(there, "GET", "/photos/cat", "Range: bytes=5000000-6000000\r\n", b"")?;
    assert!(part.0 == 206 && part.1 == wanted[5_000_000..=6_000_000]);

    // A node that dies in the midst of an upload leaves parts that nobody sees, until it is taken for dead.
    let mut half = s3::begin(&here, "PUT", "/photos/half", "", 8 * MIB)?;
    half.write_all(&wanted[..7 * MIB])?;
    waits_for(backend, 1, 1)?;
    first.kill();
    let name = url.rsplit('/').next().unwrap_or_default();
    database.sql(name, "UPDATE virga_blob_nodes SET heard = heard - 301000")?;
    let third = folder.start("third", &flags, &variables)?;
    waits_for(backend, 1, 0)?;
    assert!(s3::done(third.address(), "GET", "/photos/cat", b"")? == wanted);

    s3::done(there, "DELETE", "/photos/cat", b"")?;
    waits_for(backend, 0, 0)?;
    assert_eq!(s3::done(third.address(), "GET", "/photos/small", b"")?, wanted[..1000]);
    let (status, _) = s3::call(third.address(), "GET", "/photos/cat", "", b"")?;
    assert_eq!(status, 404);
    Ok(())
}
