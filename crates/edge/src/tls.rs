//! TLS with a certificate of one's own, made when the first client asks for it.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_rustls::TlsAcceptor;
use virga_base::Clock;

const CERTIFICATE_FILE: &str = "certificate.pem";
const KEY_FILE: &str = "certificate-key.pem";
/// How long a certificate holds, in days: clients of Apple refuse more than 825.
const LIFE_DAYS: i64 = 800;
/// From that age on a kept certificate is made anew.
const RENEW_AFTER: Duration = Duration::from_secs(700 * 24 * 60 * 60);

/// Names that a client may use for this machine, and for buckets on it. Many clients take no wildcard right before the
/// last label, so some services stand there by name.
const NAMES: [&str; 17] = [
    "localhost",
    "dynamodb.localhost",
    "lambda.localhost",
    "s3.localhost",
    "sqs.localhost",
    "sts.localhost",
    "*.localhost",
    "*.s3.localhost",
    "*.s3.us-east-1.localhost",
    "*.us-east-1.localhost",
    "localhost.localstack.cloud",
    "*.localhost.localstack.cloud",
    "*.s3.localhost.localstack.cloud",
    "*.us-east-1.localhost.localstack.cloud",
    "host.docker.internal",
    "127.0.0.1",
    "::1",
];

/// Why there is no certificate.
#[derive(Debug)]
pub enum CertificateError {
    Make(rcgen::Error),
    Keep(PathBuf, io::Error),
    Read(PathBuf, io::Error),
    Use(String),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertificateError::Make(error) => write!(f, "cannot make a certificate: {error}"),
            CertificateError::Keep(path, error) => write!(f, "cannot write {}: {error}", path.display()),
            CertificateError::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            CertificateError::Use(text) => write!(f, "the certificate is unusable: {text}"),
        }
    }
}

impl std::error::Error for CertificateError {}

/// The certificate of a data folder in PEM, made and kept there if there is none yet.
pub fn certificate_pem(folder: &Path) -> Result<String, CertificateError> {
    Identity::kept(folder).map(|identity| identity.certificate)
}

/// The certificate and its key, both in PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Identity {
    fn make() -> Result<Identity, CertificateError> {
        let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(CertificateError::Make)?;
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "Virga on this machine");
        params.distinguished_name = name;
        let now = Clock::machine_now();
        let date = |days: i64| {
            let (year, month, day) = now.plus_secs(days * 24 * 60 * 60).date();
            rcgen::date_time_ymd(year, month, day)
        };
        params.not_before = date(-1);
        params.not_after = date(LIFE_DAYS);
        let key = KeyPair::generate().map_err(CertificateError::Make)?;
        let certificate = params.self_signed(&key).map_err(CertificateError::Make)?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    fn kept(folder: &Path) -> Result<Identity, CertificateError> {
        let (certificate, key) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
        let is_fresh = fs::metadata(&certificate)
            .and_then(|facts| facts.modified())
            .is_ok_and(|made| made.elapsed().is_ok_and(|age| age < RENEW_AFTER));
        if is_fresh && key.exists() {
            let read = |path: &Path| {
                fs::read_to_string(path).map_err(|error| CertificateError::Read(path.to_path_buf(), error))
            };
            return Ok(Identity {
                certificate: read(&certificate)?,
                key: read(&key)?,
            });
        }
        let identity = Identity::make()?;
        let keep = |path: &Path, text: &str, mode: u32| {
            write_file(path, text, mode).map_err(|error| CertificateError::Keep(path.to_path_buf(), error))
        };
        fs::create_dir_all(folder).map_err(|error| CertificateError::Keep(folder.to_path_buf(), error))?;
        keep(&key, &identity.key, 0o600)?;
        keep(&certificate, &identity.certificate, 0o644)?;
        Ok(identity)
    }

    fn acceptor(&self) -> Result<TlsAcceptor, CertificateError> {
        let unusable = |error: &dyn fmt::Display| CertificateError::Use(error.to_string());
        let certificates = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(&error))?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(|error| unusable(&error))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(|error| unusable(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Writes beside and moves into place, so that no reader finds half a file and no key is readable for a moment.
fn write_file(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let draft = path.with_extension("new");
    let _ = fs::remove_file(&draft);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(&draft)?.write_all(text.as_bytes())?;
    fs::rename(&draft, path)
}

/// The TLS side of an edge.
pub(crate) struct Tls {
    folder: Option<PathBuf>,
    ready: OnceCell<Ready>,
}

struct Ready {
    acceptor: TlsAcceptor,
    certificate: String,
}

impl Tls {
    pub(crate) fn new(folder: Option<PathBuf>) -> Tls {
        Tls {
            folder,
            ready: OnceCell::new(),
        }
    }

    pub(crate) async fn acceptor(&self) -> Result<&TlsAcceptor, CertificateError> {
        self.ready().await.map(|ready| &ready.acceptor)
    }

    async fn ready(&self) -> Result<&Ready, CertificateError> {
        self.ready
            .get_or_try_init(|| async {
                let folder = self.folder.clone();
                let made = tokio::task::spawn_blocking(move || {
                    let identity = match folder {
                        Some(folder) => Identity::kept(&folder)?,
                        None => Identity::make()?,
                    };
                    Ok(Ready {
                        acceptor: identity.acceptor()?,
                        certificate: identity.certificate,
                    })
                });
                made.await
                    .unwrap_or_else(|error| Err(CertificateError::Use(error.to_string())))
            })
            .await
    }
}

/// The certificate that an edge shows to its clients. Cheap to clone.
#[derive(Clone)]
pub struct Certificate(pub(crate) Arc<Tls>);

impl Certificate {
    /// The certificate in PEM, made now if no client has come over TLS yet.
    pub async fn pem(&self) -> Result<String, CertificateError> {
        self.0.ready().await.map(|ready| ready.certificate.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{KEY_FILE, certificate_pem};

    #[test]
    fn a_certificate_is_made_once_and_its_key_is_private() {
        let folder = std::env::temp_dir().join(format!("virga-certificate-{}", std::process::id()));
        let first = certificate_pem(&folder).expect("made");
        assert!(first.starts_with("-----BEGIN CERTIFICATE-----"));
        assert_eq!(certificate_pem(&folder).expect("kept"), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.join(KEY_FILE))
                .expect("a key")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::remove_dir_all(&folder).expect("removable");
    }
}
