//! The edge as its users see it: bind, serve, stop.

use crate::body::Payload;
use crate::chain::{self, Desk, Peer, Received};
use crate::connection;
use crate::cors::Origins;
use crate::options::EdgeOptions;
use crate::tls::{Certificate, Tls};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use virga_auth::SigningKeys;
use virga_service::Worlds;

/// Why nothing listens. Its text is one sentence for people.
#[derive(Debug)]
pub enum BindError {
    /// Another program listens there.
    PortBusy(SocketAddr),
    /// The system forbids the port (below 1024 without rights).
    NotPermitted(SocketAddr),
    /// The machine has no such address.
    NoSuchAddress(IpAddr),
    Other(SocketAddr, io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindError::PortBusy(address) => write!(
                f,
                "Port {} of {} is in use by another program: stop that, or choose another port.",
                address.port(),
                address.ip()
            ),
            BindError::NotPermitted(address) => write!(
                f,
                "The system does not permit listening on port {}: choose one of 1024 or above.",
                address.port()
            ),
            BindError::NoSuchAddress(ip) => write!(f, "This machine has no address {ip} to listen on."),
            BindError::Other(address, error) => write!(f, "Cannot listen on {address}: {error}."),
        }
    }
}

impl std::error::Error for BindError {}

/// A listener that serves a cloud.
pub struct Edge {
    listeners: Vec<TcpListener>,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) options: EdgeOptions,
    pub(crate) origins: Origins,
    pub(crate) keys: SigningKeys,
    pub(crate) tls: Arc<Tls>,
}

impl Edge {
    /// Takes the port. On 127.0.0.1 the same port of ::1 is taken too where it is free, because `localhost` may mean
    /// either.
    ///
    /// # Errors
    /// [`BindError`], which tells a busy port, a forbidden port and a wrong address apart.
    pub async fn bind(options: EdgeOptions) -> Result<Edge, BindError> {
        let wanted = SocketAddr::new(options.host, options.port);
        let first = listen(wanted).await?;
        let address = first.local_addr().map_err(|error| BindError::Other(wanted, error))?;
        let mut listeners = vec![first];
        if options.host == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            let twin = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), address.port());
            listeners.extend(listen(twin).await.ok());
        }
        Ok(Edge {
            listeners,
            address,
            shared: Arc::new(Shared {
                origins: Origins::new(&options.allow_origins),
                keys: SigningKeys::default(),
                tls: Arc::new(Tls::new(options.certificate_folder.clone())),
                options,
            }),
        })
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The certificate that clients over TLS are shown.
    pub fn certificate(&self) -> Certificate {
        Certificate(self.shared.tls.clone())
    }

    /// Serves these worlds until `shutdown` completes, then lets requests under way finish for a while. The port stays taken
    /// for as long as the answer lives; connections are closed at once then.
    pub async fn serve(self, worlds: Arc<Worlds>, shutdown: impl Future<Output = ()>) -> Closed {
        let desk = Arc::new(Desk::new(self.shared.clone(), worlds));
        let limits = &self.shared.options.limits;
        let room_max = u32::try_from(limits.connections_max).unwrap_or(u32::MAX);
        let room = Arc::new(Semaphore::new(room_max as usize));
        let (stop, stopping) = watch::channel(false);
        let loops: Vec<_> = self
            .listeners
            .into_iter()
            .map(|listener| tokio::spawn(accept(listener, desk.clone(), room.clone(), stopping.clone())))
            .collect();
        shutdown.await;
        stop.send_replace(true);
        // Every connection holds one place; all places free means that none is left.
        let all_closed = room.acquire_many(room_max);
        if tokio::time::timeout(limits.stop_max, all_closed).await.is_err() {
            log::warn!("stopped with requests under way");
        }
        Closed(loops)
    }

    /// Answers one request in process, without a connection.
    pub async fn handle(&self, worlds: Arc<Worlds>, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let desk = Desk::new(self.shared.clone(), worlds);
        let peer = Peer::new(self.address, false);
        let received = Received::new(&peer, request, |body, _| Payload::Whole(body));
        let (head, body) = chain::walk(&desk, &peer, received).await.into_parts();
        match body.collect().await {
            Ok(body) => http::Response::from_parts(head, body.to_bytes()),
            Err(error) => {
                log::warn!("an answer broke off: {error}");
                http::Response::from_parts(head, Bytes::new())
            }
        }
    }
}

/// A listener that serves nobody any more, but has the port still. Dropped, it gives the port free.
pub struct Closed(Vec<JoinHandle<()>>);

impl Drop for Closed {
    fn drop(&mut self) {
        for running in &self.0 {
            running.abort();
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::PortBusy(address),
        io::ErrorKind::PermissionDenied => BindError::NotPermitted(address),
        io::ErrorKind::AddrNotAvailable => BindError::NoSuchAddress(address.ip()),
        _ => BindError::Other(address, error),
    })
}

async fn accept(listener: TcpListener, desk: Arc<Desk>, room: Arc<Semaphore>, stopping: watch::Receiver<bool>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // With all places taken, newcomers wait: this one here, the others in the system's queue.
                let Ok(place) = room.clone().acquire_owned().await else {
                    return;
                };
                if *stopping.borrow() {
                    continue;
                }
                let (desk, stopping) = (desk.clone(), stopping.clone());
                tokio::spawn(async move {
                    connection::serve(stream, peer, desk, stopping).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, or a client that has gone already: neither is the listener's end.
                log::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
