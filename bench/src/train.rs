//! `virga-bench --train VIRGA`: what a program that is built to find out its own hot paths is made to do.
//!
//! The loads are those that are measured, and the specifications cover the rest (`cargo xtask release`). Nothing is measured: such a
//! program counts every branch, and is slow.

use crate::objects::{self, Folder};
use crate::server::Server;
use crate::{load, queue, table};
use std::path::Path;

/// Of one load.
const SECONDS: f64 = 3.0;

/// Runs every load for a while and stops the program, which then writes down what it counted. Fails where a call does.
pub async fn run(program: &Path) -> Result<(), String> {
    let (server, _) = Server::start_virga(program).await?;
    let url = queue::create(&server, "bench").await?;
    loads(
        &server,
        &[vec![load::caller_identity()], vec![queue::send_request(&url, 256)]],
    )
    .await?;
    queue::purge(&server, &url).await?;
    queue::cycles(&server, &url, SECONDS).await?;
    loads(&server, &table::training(&server).await?).await?;
    loads(&server, &objects::training(&server).await?).await?;
    server.stop().await?;
    let folder = Folder::make()?;
    let (server, _) = Server::start_virga_on(program, &folder.path).await?;
    let url = queue::create(&server, "bench").await?;
    queue::cycles(&server, &url, SECONDS).await?;
    server.stop().await
}

async fn loads(server: &Server, loads: &[Vec<Vec<u8>>]) -> Result<(), String> {
    for requests in loads {
        load::measure(server.address, requests, SECONDS).await?;
    }
    Ok(())
}
