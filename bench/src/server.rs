//! Servers under test: started here, stopped when dropped.

use crate::load::{self, Connection};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ours alone: the child was started below and its id cannot have been given to another before `wait`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(|error| error.to_string())
}

impl Server {
    /// Starts Virga; answers it and the time from the start of the process to its first answer.
    pub async fn start_virga(program: &Path) -> Result<(Server, Duration), String> {
        let port = free_port()?;
        let mut command = Command::new(program);
        command.args(["start", "--port", &port.to_string(), "--log-level", "error"]);
        Server::start(command, port).await
    }

    /// The same on a data folder.
    pub async fn start_virga_on(program: &Path, folder: &Path) -> Result<(Server, Duration), String> {
        let port = free_port()?;
        let mut command = Command::new(program);
        command
            .args(["start", "--port", &port.to_string(), "--log-level", "error", "--data"])
            .arg(folder);
        Server::start(command, port).await
    }

    /// Asks Virga to stop and waits for its end.
    pub async fn stop(mut self) -> Result<(), String> {
        let mut connection = Connection::open(self.address).await?;
        let request = b"POST /_virga/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
        connection.exchange(request).await?;
        drop(connection);
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {status}"))
        }
    }

    pub async fn start_bare(program: &Path) -> Result<Server, String> {
        let port = free_port()?;
        let mut command = Command::new(program);
        command.arg(port.to_string());
        Ok(Server::start(command, port).await?.0)
    }

    async fn start(command: Command, port: u16) -> Result<(Server, Duration), String> {
        Server::start_with(command, port, &load::caller_identity()).await
    }

    /// Starts a server that answers this request with 200 once it is there.
    pub async fn start_with(mut command: Command, port: u16, request: &[u8]) -> Result<(Server, Duration), String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        let began = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        let server = Server { child, address };
        while began.elapsed() < Duration::from_secs(10) {
            if let Ok(mut connection) = Connection::open(address).await {
                connection.exchange(request).await?;
                return Ok((server, began.elapsed()));
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        Err(format!("{:?} did not answer within ten seconds", command.get_program()))
    }

    /// Bytes of memory that the process holds.
    pub fn resident_bytes(&self) -> Result<u64, String> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).map_err(|error| error.to_string())?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .ok_or("no VmRSS")?;
        let kib: u64 = line
            .trim()
            .trim_end_matches("kB")
            .trim()
            .parse()
            .map_err(|_| "VmRSS is no number".to_owned())?;
        Ok(kib * 1024)
    }
}
