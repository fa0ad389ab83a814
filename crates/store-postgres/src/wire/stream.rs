//! The way to the server: TCP, TLS over it, or a socket of the machine.

use crate::url::{Options, Tls};
use crate::wire::message::Outgoing;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// How long a server may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long a server may be silent while it owes an answer.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// An open connection, without a protocol.
pub enum Stream {
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    #[cfg(unix)]
    Socket(std::os::unix::net::UnixStream),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
            #[cfg(unix)]
            Stream::Socket(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
            #[cfg(unix)]
            Stream::Socket(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.flush(),
            Stream::Tls(stream) => stream.flush(),
            #[cfg(unix)]
            Stream::Socket(stream) => stream.flush(),
        }
    }
}

/// Connects, and agrees on TLS where the options want it.
pub fn connect(options: &Options) -> io::Result<Stream> {
    if options.host.starts_with('/') {
        return socket(options);
    }
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (options.host.as_str(), options.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(SILENCE_MAX))?;
                stream.set_write_timeout(Some(SILENCE_MAX))?;
                return secured(stream, options);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(unix)]
fn socket(options: &Options) -> io::Result<Stream> {
    let path = format!("{}/.s.PGSQL.{}", options.host.trim_end_matches('/'), options.port);
    let stream = std::os::unix::net::UnixStream::connect(path)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    stream.set_write_timeout(Some(SILENCE_MAX))?;
    Ok(Stream::Socket(stream))
}

#[cfg(not(unix))]
fn socket(_options: &Options) -> io::Result<Stream> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this system has no sockets in folders",
    ))
}

fn secured(mut stream: TcpStream, options: &Options) -> io::Result<Stream> {
    if options.tls == Tls::Disable {
        return Ok(Stream::Tcp(stream));
    }
    let mut ask = Outgoing::default();
    ask.ask_for_tls();
    stream.write_all(ask.bytes())?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if &answer != b"S" {
        return match options.tls {
            Tls::Prefer | Tls::Disable => Ok(Stream::Tcp(stream)),
            Tls::Require | Tls::VerifyFull => Err(io::Error::other("the server has no TLS, and sslmode asks for it")),
        };
    }
    let name = ServerName::try_from(options.host.clone())
        .map_err(|_| io::Error::other("the host is no name that a certificate could have"))?;
    let connection = ClientConnection::new(Arc::new(config(options)?), name).map_err(io::Error::other)?;
    Ok(Stream::Tls(Box::new(StreamOwned::new(connection, stream))))
}

fn config(options: &Options) -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    if options.tls != Tls::VerifyFull {
        let any = Arc::new(AnyCertificate(provider));
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(any)
            .with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    let file = options.root_certificate.as_deref().unwrap_or_default();
    let certificates = CertificateDer::pem_file_iter(file)
        .map_err(|error| io::Error::other(format!("sslrootcert {file:?} cannot be read: {error}")))?;
    for certificate in certificates {
        roots
            .add(certificate.map_err(io::Error::other)?)
            .map_err(io::Error::other)?;
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Takes whatever certificate the server has, as `sslmode=require` does everywhere: the line is private, the server is
/// not known.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
