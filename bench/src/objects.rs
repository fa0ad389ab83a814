//! S3: reads and writes against nginx and the file system, a bucket of many keys, memory while a large body streams.

use crate::load::{self, Connection, Load};
use crate::report::{self, Report};
use crate::server::Server;
use base64::prelude::{BASE64_STANDARD, Engine};
use crc_fast::{CrcAlgorithm, Digest as Crc};
use md5::{Digest, Md5};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const MIB: usize = 1024 * 1024;
const SMALL: usize = 1024;
const LARGE: usize = 8 * MIB;
/// Connections of the reads.
const READERS: usize = 32;
const LARGE_READERS: usize = 4;
/// Connections that fill a bucket.
const FILLERS: usize = 16;

/// How much is measured.
pub struct Size {
    pub seconds: f64,
    pub turns: usize,
    /// Of the large bucket.
    pub keys: usize,
    /// Of the body that streams.
    pub body_bytes: u64,
}

/// All figures of S3.
pub async fn all(virga: &Path, size: &Size, report: &mut Report) -> Result<(), String> {
    let folder = Folder::make()?;
    let (server, _) = Server::start_virga(virga).await?;
    let mut connection = Connection::open(server.address).await?;
    connection.exchange(&load::s3("PUT", "/bench", "", b"")).await?;
    for (name, bytes) in [("small", body(SMALL)), ("large", body(LARGE))] {
        connection
            .exchange(&load::s3("PUT", &format!("/bench/{name}"), "", &bytes))
            .await?;
        fs::write(folder.path.join(name), &bytes).map_err(|error| error.to_string())?;
    }
    reads(&server, &folder.path, size, report).await?;
    writes(&mut connection, &folder.path, size, report).await?;
    memory(&server, size, report).await?;
    drop(server);
    let (server, _) = Server::start_virga(virga).await?;
    keys(&server, size, report).await
}

/// Makes a bucket; what a program is trained with: reads, writes and a listing.
pub async fn training(server: &Server) -> Result<Vec<Vec<Vec<u8>>>, String> {
    let mut connection = Connection::open(server.address).await?;
    connection.exchange(&load::s3("PUT", "/train", "", b"")).await?;
    for (name, length) in [("small", SMALL), ("large", LARGE)] {
        let put = load::s3("PUT", &format!("/train/{name}"), "", &body(length));
        connection.exchange(&put).await?;
    }
    Ok(vec![
        vec![load::s3("GET", "/train/small", "", b"")],
        vec![load::s3("GET", "/train/large", "", b"")],
        vec![load::s3("PUT", "/train/put", "", &body(SMALL))],
        vec![load::s3("PUT", "/train/large", "", &body(LARGE))],
        vec![load::s3("GET", "/train?list-type=2", "", b"")],
    ])
}

/// A folder of our own, removed when dropped.
pub struct Folder {
    pub path: PathBuf,
}

impl Folder {
    pub fn make() -> Result<Folder, String> {
        let path = std::env::temp_dir().join(format!("virga-bench-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        Ok(Folder { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Bytes that no compression makes less.
fn body(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Where Debian puts it, or the path does.
fn nginx() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join("nginx"))
        .find(|program| program.is_file())
}

/// nginx, whose workers would outlive their master if that were killed.
struct Nginx {
    server: Server,
    program: PathBuf,
    folder: PathBuf,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let mut stop = Command::new(&self.program);
        stop.arg("-p")
            .arg(&self.folder)
            .arg("-c")
            .arg(self.folder.join("nginx.conf"));
        let is_told = stop.args(["-s", "stop"]).status().is_ok_and(|status| status.success());
        let (began, pid) = (Instant::now(), self.folder.join("nginx.pid"));
        // The file goes when all have ended.
        while is_told && pid.exists() && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

async fn start_nginx(program: &Path, folder: &Path) -> Result<Nginx, String> {
    let port = crate::server::free_port()?;
    let at = folder.display();
    let settings = format!(
        "daemon off; worker_processes auto; pid {at}/nginx.pid; error_log {at}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;\n\
         client_body_temp_path {at}/t1; proxy_temp_path {at}/t2; fastcgi_temp_path {at}/t3;\n\
         uwsgi_temp_path {at}/t4; scgi_temp_path {at}/t5;\n\
         server {{ listen 127.0.0.1:{port} backlog=1024; root {at}; }} }}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, settings).map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(&file);
    let probe = load::s3("GET", "/small", "", b"");
    let (server, _) = Server::start_with(command, port, &probe).await?;
    Ok(Nginx {
        server,
        program: program.to_owned(),
        folder: folder.to_owned(),
    })
}

async fn reads(virga: &Server, folder: &Path, size: &Size, report: &mut Report) -> Result<(), String> {
    let Some(program) = nginx() else {
        report.note("NOT MEASURED: reads against nginx, which is not installed (Debian: nginx-light)".to_owned());
        return Ok(());
    };
    let nginx = start_nginx(&program, folder).await?;
    for (name, connections, bar, unit) in [
        ("small", READERS, 0.6, "S3 GET 1 KiB: requests/s over nginx"),
        ("large", LARGE_READERS, 0.8, "S3 GET 8 MiB: bytes/s over nginx"),
    ] {
        let ours = [load::s3("GET", &format!("/bench/{name}"), "", b"")];
        let theirs = [load::s3("GET", &format!("/{name}"), "", b"")];
        let (mut ratios, mut our_rates, mut their_rates) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..size.turns {
            let turn = async |server: &Server, requests: &[Vec<u8>]| {
                let load = Load {
                    address: server.address,
                    connections,
                    seconds: size.seconds,
                };
                load.run(requests).await
            };
            let base = turn(&nginx.server, &theirs).await?;
            let mine = turn(virga, &ours).await?;
            ratios.push(mine.per_second / base.per_second);
            our_rates.push(mine.per_second);
            their_rates.push(base.per_second);
        }
        report.at_least(unit, report::median(&mut ratios), bar);
        let (ours, theirs) = (report::median(&mut our_rates), report::median(&mut their_rates));
        report.note(format!("S3 GET {name}: {ours:.0}/s, nginx {theirs:.0}/s"));
    }
    Ok(())
}

/// Writes of one client, with MD5 and CRC64NVME to be checked, over a file's plain write with the same hashes.
async fn writes(connection: &mut Connection, folder: &Path, size: &Size, report: &mut Report) -> Result<(), String> {
    let bytes = body(LARGE);
    let (md5, crc) = (Md5::digest(&bytes), {
        let mut crc = Crc::new(CrcAlgorithm::Crc64Nvme);
        crc.update(&bytes);
        crc.finalize()
    });
    let headers = format!(
        "Content-MD5: {}\r\nx-amz-checksum-crc64nvme: {}\r\n",
        BASE64_STANDARD.encode(md5),
        BASE64_STANDARD.encode(crc.to_be_bytes())
    );
    let request = load::s3("PUT", "/bench/written", &headers, &bytes);
    let path = folder.join("written");
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..size.turns * 4 {
        let began = Instant::now();
        plain_write(&path, &bytes).map_err(|error| error.to_string())?;
        let base = began.elapsed().as_secs_f64();
        let began = Instant::now();
        connection.exchange(&request).await?;
        let mine = began.elapsed().as_secs_f64();
        ratios.push(base / mine);
        ours.push(mine * 1000.0);
        theirs.push(base * 1000.0);
    }
    report.at_least(
        "S3 PUT 8 MiB: bytes/s over a plain write with the same hashes",
        report::median(&mut ratios),
        0.5,
    );
    let (ours, theirs) = (report::median(&mut ours), report::median(&mut theirs));
    report.note(format!("S3 PUT 8 MiB: {ours:.1} ms, plain write {theirs:.1} ms"));
    Ok(())
}

fn plain_write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    let (mut md5, mut crc) = (Md5::new(), Crc::new(CrcAlgorithm::Crc64Nvme));
    for piece in bytes.chunks(64 * 1024) {
        md5.update(piece);
        crc.update(piece);
        file.write_all(piece)?;
    }
    std::hint::black_box((md5.finalize(), crc.finalize()));
    Ok(())
}

/// What the server holds at most, looked at now and then.
struct Watched<'a> {
    server: &'a Server,
    looked: Instant,
    most: u64,
}

impl Watched<'_> {
    fn look(&mut self) -> Result<(), String> {
        if self.looked.elapsed() > Duration::from_millis(20) {
            self.looked = Instant::now();
            self.most = self.most.max(self.server.resident_bytes()?);
        }
        Ok(())
    }
}

/// The most that the server holds above what it held idle, while a body goes in and out.
async fn memory(server: &Server, size: &Size, report: &mut Report) -> Result<(), String> {
    tokio::time::sleep(Duration::from_millis(300)).await;
    let idle = server.resident_bytes()?;
    for name in ["in", "out"] {
        let mut watched = Watched {
            server,
            looked: Instant::now(),
            most: idle,
        };
        let began = Instant::now();
        let streamed = match name {
            "in" => stream_in(&mut watched, size.body_bytes).await,
            _ => stream_out(&mut watched, size.body_bytes).await,
        };
        streamed.map_err(|error| format!("a large body {name}: {error}"))?;
        let above = (watched.most - idle) as f64 / MIB as f64;
        let gigabytes = size.body_bytes as f64 / 1e9;
        report.at_most(
            &format!("memory above idle while {gigabytes:.1} GB stream {name}, MiB"),
            above,
            32.0,
        );
        let rate = gigabytes * 1000.0 / began.elapsed().as_secs_f64();
        report.note(format!("S3, {gigabytes:.1} GB {name}: {rate:.0} MB/s"));
    }
    let mut connection = Connection::open(server.address).await?;
    connection
        .send(&load::s3("DELETE", "/bench/huge", "", b""), "204")
        .await
}

async fn stream_in(watched: &mut Watched<'_>, length: u64) -> Result<(), String> {
    let mut connection = Connection::open(watched.server.address).await?;
    let piece = body(MIB);
    connection
        .write(&load::s3_head("PUT", "/bench/huge", "", length))
        .await?;
    let mut left = length;
    while left > 0 {
        let now = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        connection.write(&piece[..now]).await?;
        left -= now as u64;
        watched.look()?;
    }
    connection.send(b"", "200").await
}

async fn stream_out(watched: &mut Watched<'_>, length: u64) -> Result<(), String> {
    let mut connection = Connection::open(watched.server.address).await?;
    connection.send(&load::s3("GET", "/bench/huge", "", b""), "200").await?;
    let mut buffer = vec![0; MIB];
    let mut read = connection.taken();
    while read < length {
        read += connection.read(&mut buffer).await? as u64;
        watched.look()?;
    }
    Ok(())
}

/// A bucket of very many keys, beside one with a single key.
async fn keys(server: &Server, size: &Size, report: &mut Report) -> Result<(), String> {
    let mut connection = Connection::open(server.address).await?;
    for bucket in ["/many", "/few"] {
        connection.exchange(&load::s3("PUT", bucket, "", b"")).await?;
    }
    let (small, name) = (body(SMALL), |number: usize| {
        format!("p{:05}/k{number:07}", number / 100)
    });
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for filler in 0..FILLERS {
        let (address, keys) = (server.address, size.keys);
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            for number in (filler..keys).step_by(FILLERS) {
                let path = format!("/many/{}", name(number));
                connection.exchange(&load::s3("PUT", &path, "", b"x")).await?;
            }
            Ok::<(), String>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| error.to_string())??;
    }
    let rate = size.keys as f64 / began.elapsed().as_secs_f64();
    report.note(format!("S3 PUT of {} keys: {rate:.0}/s", size.keys));

    let middle = name(size.keys / 2);
    for path in ["/few/one".to_owned(), format!("/many/{middle}")] {
        connection.exchange(&load::s3("PUT", &path, "", &small)).await?;
    }
    let mut pages = Vec::new();
    for number in 0..100 {
        let after = name(size.keys / 200 * number);
        let path = format!(
            "/many?list-type=2&delimiter=%2F&start-after={}",
            after.replace('/', "%2F")
        );
        let began = Instant::now();
        connection.exchange(&load::s3("GET", &path, "", b"")).await?;
        pages.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    report.at_most(
        &format!("S3 list with delimiter among {} keys, ms a page", size.keys),
        report::median(&mut pages),
        5.0,
    );
    let mut ratios = Vec::new();
    for _ in 0..size.turns {
        let mut rates = [0.0; 2];
        for (rate, path) in rates.iter_mut().zip(["/few/one", &format!("/many/{middle}")]) {
            let load = Load {
                address: server.address,
                connections: READERS,
                seconds: size.seconds,
            };
            *rate = load.run(&[load::s3("GET", path, "", b"")]).await?.per_second;
        }
        ratios.push(rates[0] / rates[1]);
    }
    report.at_most(
        &format!("S3 GET among {} keys: time over that among one", size.keys),
        report::median(&mut ratios),
        1.3,
    );
    Ok(())
}
