//! The paths beside AWS: `/_virga/*` for people and tools, `/_localstack/*` for what expects LocalStack, and the log of
//! calls that both show.
//!
//! The edge hands every request under these paths to [`Admin::answer`]. The command line speaks to them over HTTP like
//! anybody else, and shares only [`line`] and [`text`] with this side.

mod answer;
mod calls;
mod changes;
mod diagnostics;
mod fidelity;
mod health;
mod journal;
pub mod line;
mod localstack;
mod logs;
mod origin;
mod printer;
mod query;
mod routes;
mod snapshots;
pub mod text;
mod time;
mod worlds;

pub use calls::{CallLog, OWN_SERVICE, Page};
pub use diagnostics::Diagnostics;
pub use journal::shown::to_json as value_to_json;
pub use line::LogFormat;
pub use printer::Printer;
pub use snapshots::PATH as SNAPSHOT_PATH;

use bytes::Bytes;
use http::{Request, Response};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::watch;
use virga_service::{Body, BoxFuture, Cloud, Worlds};

/// Answers one request under `/_virga` or `/_localstack`.
pub type Internal = Arc<dyn Fn(Request<Bytes>) -> BoxFuture<Response<Bytes>> + Send + Sync>;

/// Gives the TLS certificate in PEM, or says why there is none.
pub type CertificateSource = Box<dyn Fn() -> BoxFuture<Result<String, String>> + Send + Sync>;

/// What the paths beside AWS show and move.
pub struct Admin {
    worlds: Arc<Worlds>,
    calls: Arc<CallLog>,
    version: &'static str,
    started: Instant,
    certificate: OnceLock<CertificateSource>,
    seed: OnceLock<u64>,
    stopping: watch::Sender<bool>,
}

impl Admin {
    pub fn new(worlds: Arc<Worlds>, calls: Arc<CallLog>, version: &'static str) -> Arc<Admin> {
        Arc::new(Admin {
            worlds,
            calls,
            version,
            started: Instant::now(),
            certificate: OnceLock::new(),
            seed: OnceLock::new(),
            stopping: watch::Sender::new(false),
        })
    }

    /// Shows the certificate that `source` gives, which may make it when it is first asked. Only the first source is taken.
    pub fn set_certificate(&self, source: CertificateSource) {
        let _ = self.certificate.set(source);
    }

    /// Shows the seed that all ids are drawn from.
    pub fn set_seed(&self, seed: u64) {
        let _ = self.seed.set(seed);
    }

    /// Asks for a graceful stop.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Completes once somebody has asked for a stop.
    pub async fn stopped(&self) {
        // The sender lives as long as `self`.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// The answer to one request. Among its extensions is the `Arc<Cloud>` that it is about, or a [`virga_service::UnknownWorld`]; it is
    /// about the first world where there is neither.
    pub async fn answer(self: Arc<Admin>, request: Request<Bytes>) -> Response<Bytes> {
        let chosen = request.extensions().get::<Arc<Cloud>>().cloned();
        let scope = Scope {
            cloud: chosen.unwrap_or_else(|| self.worlds.main().clone()),
            admin: self,
        };
        routes::answer(&scope, &request).await
    }

    /// The same as a value for the edge.
    pub fn internal(self: &Arc<Admin>) -> Internal {
        let admin = self.clone();
        Arc::new(move |request| Box::pin(admin.clone().answer(request)))
    }

    /// What serves [`SNAPSHOT_PATH`]; like [`Admin::answer`], with bodies that stream.
    pub fn snapshots(self: &Arc<Admin>) -> Streaming {
        let admin = self.clone();
        Arc::new(move |request| Box::pin(snapshots::answer(admin.clone(), request)))
    }
}

/// Answers a request whose bodies stream.
pub type Streaming = Arc<dyn Fn(Request<Body>) -> BoxFuture<Response<Body>> + Send + Sync>;

/// The world that a request is about, and all else.
struct Scope {
    admin: Arc<Admin>,
    cloud: Arc<Cloud>,
}

impl Deref for Scope {
    type Target = Admin;

    fn deref(&self) -> &Admin {
        &self.admin
    }
}

#[cfg(test)]
mod tests;
