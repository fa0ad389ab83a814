//! What an edge is made of, and where others take part in it.

use crate::chain::{Arrival, Target};
use bytes::Bytes;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use virga_base::{AwsError, limits};
use virga_service::{Body, BoxFuture, Call, CallRecord, Cloud, Exchange, Observer, Who};

/// Serves what is not AWS: paths under `/_virga/` and `/_localstack/`, and `/` for a browser. Among the request's extensions
/// are the peer's `SocketAddr` and, where the request chose a world that is not the first, its `Arc<Cloud>`, or
/// [`virga_service::UnknownWorld`].
pub type Internal = Arc<dyn Fn(http::Request<Bytes>) -> BoxFuture<http::Response<Bytes>> + Send + Sync>;

/// Serves one path as [`Internal`] does, with bodies that stream, however long they are. A request's own body is bounded by
/// whoever reads it.
#[derive(Clone)]
pub struct Streamed {
    pub path: &'static str,
    pub answer: Arc<dyn Fn(http::Request<Body>) -> BoxFuture<http::Response<Body>> + Send + Sync>,
}

/// A future that may borrow from its call.
pub type Ruling<'a> = Pin<Box<dyn Future<Output = Result<(), AwsError>> + Send + 'a>>;

/// Decides whether a caller may do what it asks for.
pub trait Permit: Send + Sync + 'static {
    fn permit<'a>(&'a self, cloud: &'a Arc<Cloud>, call: &'a Call) -> Ruling<'a>;
}

/// A foreign concern with a place in the chain: fault injection, recording, plug-ins. An error is answered in place of
/// the call.
pub trait Station: Send + Sync + 'static {
    /// The caller is known; the body has not been looked at.
    fn before_decode<'a>(&'a self, arrival: &'a Arrival, target: &'a Target, who: &'a Who) -> Ruling<'a> {
        let _ = (arrival, target, who);
        Box::pin(std::future::ready(Ok(())))
    }

    /// The input is known; it has not been permitted.
    fn after_decode<'a>(&'a self, arrival: &'a Arrival, call: &'a mut Call) -> Ruling<'a> {
        let _ = (arrival, call);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Virga's bounds on what clients control; those of [`virga_base::limits`] unless changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub headers_max_bytes: usize,
    pub headers_max_count: usize,
    /// Of a body that is not streamed, before and after inflating.
    pub body_max_bytes: usize,
    pub connections_max: usize,
    /// How long a connection may be silent before and between requests.
    pub idle_max: Duration,
    pub headers_read_max: Duration,
    /// Between two pieces of a body.
    pub body_read_max: Duration,
    /// How long a graceful stop waits for requests under way.
    pub stop_max: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            headers_max_bytes: limits::HEADERS_MAX_BYTES,
            headers_max_count: limits::HEADERS_MAX_COUNT,
            body_max_bytes: limits::BODY_MAX_BYTES.min(limits::BODY_INFLATED_MAX_BYTES),
            connections_max: limits::CONNECTIONS_MAX,
            idle_max: Duration::from_secs(limits::IDLE_MAX_S),
            headers_read_max: Duration::from_secs(limits::HEADERS_READ_MAX_S),
            body_read_max: Duration::from_secs(limits::BODY_READ_MAX_S),
            stop_max: Duration::from_secs(limits::STOP_MAX_S),
        }
    }
}

/// What an edge is made of. [`EdgeOptions::default`] listens on 127.0.0.1:4566, tells nobody and serves AWS alone.
pub struct EdgeOptions {
    pub host: IpAddr,
    /// Zero takes any free port.
    pub port: u16,
    /// Where the TLS certificate is kept; made anew for each run where absent.
    pub certificate_folder: Option<PathBuf>,
    pub limits: Limits,
    pub observer: Arc<dyn Observer>,
    pub internal: Option<Internal>,
    /// Paths of the internal ones whose bodies stream.
    pub streamed: Vec<Streamed>,
    /// Decides over every call; all is allowed where absent.
    pub permit: Option<Arc<dyn Permit>>,
    pub stations: Vec<Arc<dyn Station>>,
    /// Origins of web pages that may call, beyond those of this machine: `https://app.example`, or `*` for all.
    pub allow_origins: Vec<String>,
}

impl Default for EdgeOptions {
    fn default() -> EdgeOptions {
        EdgeOptions {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 4566,
            certificate_folder: None,
            limits: Limits::default(),
            observer: Arc::new(Silent),
            internal: None,
            streamed: Vec::new(),
            permit: None,
            stations: Vec::new(),
            allow_origins: Vec::new(),
        }
    }
}

/// An observer that forgets.
pub struct Silent;

impl Observer for Silent {
    fn called(&self, _: CallRecord, _: &Exchange<'_>) {}
}
