//! Virga on a data folder: SendMessage that waits for the disk, and a start with a gigabyte that is there already.

use crate::load::{Connection, Load};
use crate::queue;
use crate::report::{Report, median};
use crate::server::Server;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const CONNECTIONS: usize = 64;
const STARTS: usize = 7;

/// A folder beside the programs, so on a disk and not in memory; removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let path = program.with_file_name(format!("bench-data-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// SendMessage on 64 connections, on disk and in memory in turns.
pub async fn sends(virga: &Path, seconds: f64, rounds: usize, report: &mut Report) -> Result<(), String> {
    let folder = Folder::new()?;
    let device = device(&folder.0).map_err(|error| error.to_string())?;
    let (memory, _) = Server::start_virga(virga).await?;
    let (disk, _) = Server::start_virga_on(virga, &folder.0.join("data")).await?;
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let in_memory = send(&memory, seconds).await?;
        let before = syncs(&disk).await?;
        let began = Instant::now();
        let on_disk = send(&disk, seconds).await?;
        let syncs = (syncs(&disk).await? - before) as f64 / began.elapsed().as_secs_f64();
        ratios.push(on_disk / in_memory);
        rates.push((on_disk, in_memory, syncs));
    }
    report.at_least(
        "SQS SendMessage durable, 64 connections: over memory's",
        median(&mut ratios),
        0.5,
    );
    let (on_disk, in_memory, syncs) = rates[rates.len() / 2];
    report.note(format!(
        "durable SendMessage: {on_disk:.0}/s with {syncs:.0} fsyncs/s, in memory {in_memory:.0}/s; the device alone does \
         {device:.0} appends of 4 KiB with fdatasync a second"
    ));
    Ok(())
}

async fn send(server: &Server, seconds: f64) -> Result<f64, String> {
    let queue = queue::create(server, "durable").await?;
    let load = Load {
        address: server.address,
        connections: CONNECTIONS,
        seconds,
    };
    let measured = load.run(&[queue::send_request(&queue, 256)]).await?;
    queue::purge(server, &queue).await?;
    Ok(measured.per_second)
}

async fn syncs(server: &Server) -> Result<u64, String> {
    let mut connection = Connection::open(server.address).await?;
    let request = b"GET /_virga/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let health = String::from_utf8_lossy(connection.exchange(request).await?).into_owned();
    let digits = health
        .split_once("\"syncs\":")
        .map_or("", |(_, rest)| rest.trim_start());
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().map_err(|_| format!("no syncs in {health}"))
}

/// How many appends of 4 KiB, each synced, the disk does a second.
fn device(folder: &Path) -> std::io::Result<f64> {
    let path = folder.join("device");
    let mut file = std::fs::File::create(&path)?;
    let began = Instant::now();
    for _ in 0..1000 {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
    }
    let rate = 1000.0 / began.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}

/// Starts with a folder that `fill` has made, after a kill and after clean stops.
pub async fn starts(virga: &Path, fill: &Path, bytes: u64, report: &mut Report) -> Result<(), String> {
    let folder = Folder::new()?;
    let data = folder.0.join("data");
    let status = Command::new(fill)
        .arg(data.join("state"))
        .arg(bytes.to_string())
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("{}: {error}", fill.display()))?;
    if !status.success() {
        return Err(format!("{} failed", fill.display()));
    }
    let size = size(&data.join("state")).map_err(|error| error.to_string())? as f64 / 1e9;
    let (mut clean, mut killed) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        // `fill` ends as a kill would; so does dropping a server.
        let (server, first_answer) = Server::start_virga_on(virga, &data).await?;
        killed.push(first_answer.as_secs_f64() * 1000.0);
        server.stop().await?;
        let (server, first_answer) = Server::start_virga_on(virga, &data).await?;
        clean.push(first_answer.as_secs_f64() * 1000.0);
        let queue = queue::create(&server, "filled").await?;
        let load = Load {
            address: server.address,
            connections: 16,
            seconds: 0.5,
        };
        load.run(&[queue::send_request(&queue, 1024)]).await?;
    }
    let name = |after: &str| format!("start with {size:.1} GB after {after}, ms (median of {STARTS})");
    report.at_most(&name("a kill"), median(&mut killed), 150.0);
    report.at_most(&name("a stop"), median(&mut clean), 150.0);
    Ok(())
}

fn size(folder: &Path) -> std::io::Result<u64> {
    std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.metadata()?.len()))
        .sum()
}
