//! Builds a cloud, its edge and its admin from the options, and runs them until somebody stops it.

use crate::bucket;
use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
#[cfg(unix)]
use std::task::Poll;
use tokio::runtime::Builder;
use virga_admin::{Admin, CallLog, Diagnostics, Printer, SNAPSHOT_PATH};
use virga_base::{Clock, Ids};
use virga_blob::{Blobs, Shelf};
use virga_cli::{Failure, Listening, Place, StartOptions};
use virga_edge::{BindError, Edge, EdgeOptions, Streamed};
use virga_service::{CloudOptions, Worlds};
use virga_store::{DiskEngine, MemoryEngine, Store};
use virga_store_postgres::PostgresEngine;

/// Threads that answer calls: as many as the machine has, within reason. One would let a slow call hold up all others.
const WORKERS_MIN: usize = 2;
const WORKERS_MAX: usize = 16;
/// Where in the data folder the rows are.
const STATE_FOLDER: &str = "state";

/// Where in the data folder the bytes of large objects are.
const BLOB_FOLDER: &str = "blobs";

/// Runs the server until it is stopped.
pub fn start(options: StartOptions, listening: Listening) -> Result<(), Failure> {
    let workers = std::thread::available_parallelism().map_or(WORKERS_MIN, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers.clamp(WORKERS_MIN, WORKERS_MAX))
        .thread_name("virga")
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("Virga cannot start its threads: {error}.")))?;
    let result = runtime.block_on(serve(options, listening));
    // Deferred work under way is not waited for: its rows are taken up again, or gone with the memory.
    runtime.shutdown_background();
    result
}

async fn serve(options: StartOptions, listening: Listening) -> Result<(), Failure> {
    let shelf = shelf(&options)?;
    let database = options.store.as_deref().map(open_database).transpose()?;
    let disk = match (&options.data, &database) {
        (Some(data), None) => Some(open(data)?),
        _ => None,
    };
    let blobs = blobs(&options, shelf, database.as_ref())?;
    let cloud = CloudOptions {
        store: Store::new(match (database, &disk) {
            (Some(database), _) => Box::new(database),
            (None, Some(disk)) => Box::new(disk.clone()),
            (None, None) => Box::new(MemoryEngine::default()),
        }),
        clock: Clock::real(),
        ids: options.seed.map_or_else(Ids::random, Ids::seeded),
        services: virga_catalog::services(),
        settings: options.services.clone(),
    };
    tokio::task::spawn_blocking(|| {
        if let Err(error) = Blobs::sweep_leftovers() {
            log::warn!("what earlier processes have left cannot be removed: {error}");
        }
    });
    let worlds = Worlds::open_with_blobs(cloud, blobs.clone(), options.worlds_max)
        .await
        .map_err(|error| Failure::usage(format!("Virga cannot read its state: {error}.")))?;
    Diagnostics::install(options.log, options.log_level, worlds.main().clone());
    let calls = Arc::new(CallLog::default());
    let admin = Admin::new(worlds.clone(), calls.clone(), env!("CARGO_PKG_VERSION"));
    if let Some(seed) = options.seed {
        admin.set_seed(seed);
    }
    let edge = Edge::bind(EdgeOptions {
        host: address_of(&options.host).await?,
        port: options.port,
        certificate_folder: options.data.clone(),
        observer: calls.clone(),
        internal: Some(admin.internal()),
        streamed: vec![Streamed {
            path: SNAPSHOT_PATH,
            answer: admin.snapshots(),
        }],
        ..EdgeOptions::default()
    })
    .await
    .map_err(|error| explain(&options, &error))?;
    let certificate = edge.certificate();
    admin.set_certificate(Box::new(move || {
        let certificate = certificate.clone();
        Box::pin(async move { certificate.pem().await.map_err(|error| error.to_string()) })
    }));
    // Whoever hears that it listens may ask it to end at once.
    let signals = Signals::listen();
    listening.at(&options, edge.local_addr().port())?;
    let printer = if options.log_level == log::LevelFilter::Off {
        None
    } else {
        let out = std::io::stdout();
        let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let printer = Printer::start(calls, options.log, options.log_level, colour, Box::new(out));
        printer
            .map(Some)
            .map_err(|error| Failure::usage(format!("Virga cannot start its log: {error}.")))?
    };
    if disk.is_some() {
        for world in worlds.list() {
            let taken_up = world.take_up_work().await;
            taken_up.map_err(|error| Failure::usage(format!("Virga cannot take up its deferred work: {error}.")))?;
        }
    }
    let running = tokio::spawn(worlds.clone().run());
    let closed = edge.serve(worlds, asked_to_stop(admin, signals)).await;
    running.abort();
    if let Some(disk) = disk {
        // Whoever sees the port free shall find all on disk.
        let _ = tokio::task::spawn_blocking(move || disk.close()).await;
    }
    let _ = tokio::task::spawn_blocking(move || blobs.close()).await;
    if let Some(printer) = printer {
        printer.finish();
    }
    drop(listening);
    drop(closed);
    Ok(())
}

/// Opens the engine of a data folder. The folder is shared with certificate, pid file and log, so it has one of its own.
fn open(data: &Path) -> Result<Arc<DiskEngine>, Failure> {
    DiskEngine::open(&data.join(STATE_FOLDER))
        .map(Arc::new)
        .map_err(|error| Failure::usage(format!("Virga {error}")))
}

/// Opens the engine of a database. The password may also be where PostgreSQL's own programs look for it.
fn open_database(url: &str) -> Result<PostgresEngine, Failure> {
    PostgresEngine::open(url, std::env::var("PGPASSWORD").ok()).map_err(Failure::usage)
}

/// The shelf that `--blobs` names.
fn shelf(options: &StartOptions) -> Result<Option<Box<dyn Shelf>>, Failure> {
    if options.blobs.is_some() && options.store.is_none() {
        return Err(Failure::usage(
            "--blobs is for a cloud with --store, whose nodes share what it names; without it, the bytes of objects are in \
             the folder of --data.",
        ));
    }
    match &options.blobs {
        Some(Place::Folder(folder)) => Ok(Some(Blobs::folder(folder.clone()))),
        Some(Place::Bucket { bucket, prefix }) => bucket::open(bucket, prefix).map(Some),
        None => Ok(None),
    }
}

/// Where the bytes of large objects lie: with the rows, if nothing else is said.
fn blobs(
    options: &StartOptions,
    shelf: Option<Box<dyn Shelf>>,
    database: Option<&PostgresEngine>,
) -> Result<Blobs, Failure> {
    match (database, &options.data) {
        (Some(database), _) => {
            let (pieces, register) = database.blobs();
            Blobs::shared(shelf.unwrap_or_else(|| Box::new(pieces)), Box::new(register))
                .map_err(|error| Failure::usage(format!("The bytes of objects cannot be kept in the store: {error}.")))
        }
        (None, Some(data)) => Ok(Blobs::kept(data.join(BLOB_FOLDER))),
        (None, None) => Ok(Blobs::private()),
    }
}

/// The address that a host name stands for.
async fn address_of(host: &str) -> Result<IpAddr, Failure> {
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return Ok(address);
    }
    let found = tokio::net::lookup_host((host, 0)).await;
    let mut addresses: Vec<IpAddr> = found.into_iter().flatten().map(|address| address.ip()).collect();
    // `localhost` may mean either; the edge takes the other too.
    addresses.sort();
    addresses.into_iter().next().ok_or_else(|| {
        Failure::usage(format!(
            "The host {host:?} has no address here; give --host an address such as 127.0.0.1."
        ))
    })
}

fn explain(options: &StartOptions, error: &BindError) -> Failure {
    Failure::usage(match error {
        BindError::PortBusy(_) => format!(
            "Port {port} of {host} is in use: stop what listens there (`virga stop`, if it is a Virga), or choose another \
             with --port.",
            port = options.port,
            host = options.host
        ),
        BindError::NoSuchAddress(ip) => {
            format!("This machine has no address {ip}; give --host one that it has, such as 127.0.0.1.")
        }
        error => error.to_string(),
    })
}

/// Completes at Ctrl-C, at the system's request, or at `/_virga/stop`. A second Ctrl-C ends the process at once.
async fn asked_to_stop(admin: Arc<Admin>, mut signals: Signals) {
    tokio::select! {
        () = admin.stopped() => {}
        () = signals.next() => {
            tokio::spawn(async move {
                signals.next().await;
                std::process::exit(130);
            });
            // Followers of the log are let go.
            admin.stop();
        }
    }
}

/// Ctrl-C, and the system's request to end. Once this is made, neither ends the process by itself.
#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn listen() -> Signals {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        Signals(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    /// Completes at the next.
    async fn next(&mut self) {
        std::future::poll_fn(|cx| {
            let is_told = self.0.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
            if is_told { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Signals {
        Signals
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
