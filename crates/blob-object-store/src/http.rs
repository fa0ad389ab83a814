//! How requests go out: by the HTTP of the house, in place of the client that `object_store` would bring.

use futures_util::stream::unfold;
use futures_util::{StreamExt, TryStreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as Dialer;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

const CONNECT_MAX: Duration = Duration::from_secs(5);
/// From the first byte of a request to the head of its answer: a part may go out slowly.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Between bytes of an answer that somebody waits for.
const BYTES_MAX: Duration = Duration::from_secs(30);
const IDLE_MAX: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS: usize = 16;

type Line = Client<HttpsConnector<Dialer>, HttpRequestBody>;

/// Connections that all requests share.
#[derive(Clone)]
pub(crate) struct Connector(Line);

impl Connector {
    /// Trusts the machine's certificates, or those of a file.
    pub(crate) fn new(certificates: Option<&Path>) -> io::Result<Connector> {
        let provider = rustls::crypto::ring::default_provider();
        let config = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots(certificates)?)
            .with_no_client_auth();
        let mut dialer = Dialer::new();
        dialer.enforce_http(false);
        dialer.set_nodelay(true);
        dialer.set_connect_timeout(Some(CONNECT_MAX));
        let secured = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(dialer);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build(secured);
        Ok(Connector(client))
    }

    /// For requests that may go to other machines in the open, or not.
    pub(crate) fn client(&self, is_open: bool) -> HttpClient {
        HttpClient::new(Service {
            line: self.0.clone(),
            is_open,
        })
    }
}

fn roots(certificates: Option<&Path>) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match certificates {
        Some(path) => {
            let told = |error: &dyn fmt::Display| {
                io::Error::other(format!("AWS_CA_BUNDLE {} cannot be read: {error}", path.display()))
            };
            for found in CertificateDer::pem_file_iter(path).map_err(|error| told(&error))? {
                let found = found.map_err(|error| told(&error))?;
                roots.add(found).map_err(|error| told(&error))?;
            }
        }
        // A machine without any may still speak plain HTTP to itself.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    Ok(roots)
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let is_open = options.get_config_value(&ClientConfigKey::AllowHttp);
        Ok(self.client(is_open.as_deref() == Some("true")))
    }
}

struct Service {
    line: Line,
    is_open: bool,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    let address: Option<std::net::IpAddr> = host.parse().ok();
    host == "localhost" || host.ends_with(".localhost") || address.is_some_and(|address| address.is_loopback())
}

#[async_trait::async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let uri = request.uri();
        if !self.is_open && uri.scheme_str() == Some("http") && !uri.host().is_some_and(is_loopback) {
            let refused = format!(
                "http://{} is another machine, and not encrypted; AWS_ALLOW_HTTP=true allows it",
                uri.authority().map_or("", |authority| authority.as_str())
            );
            return Err(HttpError::new(HttpErrorKind::Unknown, io::Error::other(refused)));
        }
        let late = |_| {
            let late = io::Error::new(io::ErrorKind::TimedOut, "no answer came in time");
            HttpError::new(HttpErrorKind::Timeout, late)
        };
        let answered = timeout(ANSWER_MAX, self.line.request(request)).await.map_err(late)?;
        let (parts, body) = answered.map_err(not_answered)?.into_parts();
        Ok(HttpResponse::from_parts(parts, timed(body)))
    }
}

/// The body, which fails where nothing comes for long.
fn timed(body: Incoming) -> HttpResponseBody {
    let bytes = unfold(body.into_data_stream(), |mut body| async move {
        let next = match timeout(BYTES_MAX, body.next()).await {
            Ok(next) => next?.map_err(broken_off),
            Err(late) => Err(HttpError::new(HttpErrorKind::Timeout, late)),
        };
        Some((next, body))
    });
    // Asked once more at its end.
    HttpResponseBody::new(StreamBody::new(bytes.fuse().map_ok(Frame::data)))
}

fn not_answered(error: ClientError) -> HttpError {
    let kind = match error.is_connect() {
        true => HttpErrorKind::Connect,
        false => kind_of(&error),
    };
    HttpError::new(kind, error)
}

fn broken_off(error: hyper::Error) -> HttpError {
    HttpError::new(kind_of(&error), error)
}

/// Which of the errors that a connection may have it was: some are tried again.
fn kind_of(error: &(dyn std::error::Error + 'static)) -> HttpErrorKind {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_closed() || error.is_incomplete_message() || error.is_body_write_aborted() {
                return HttpErrorKind::Request;
            }
            if error.is_timeout() {
                return HttpErrorKind::Timeout;
            }
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::TimedOut => return HttpErrorKind::Timeout,
                io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof => return HttpErrorKind::Interrupted,
                _ => {}
            }
        }
        source = error.source();
    }
    HttpErrorKind::Unknown
}
