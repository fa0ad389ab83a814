//! TLS on the same port.

use crate::support::{Server, identity, read_reply};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("virga-edge-{name}-{}", std::process::id()))
}

fn connector(folder: &std::path::Path, protocols: &[&str]) -> TlsConnector {
    let pem = virga_edge::certificate_pem(folder).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM"))
        .expect("a root");
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn one_port_speaks_both() {
    let folder = folder("both");
    let server = Server::start_with(|options| options.certificate_folder = Some(folder.clone())).await;
    server.send(identity("test")).await.says(200, "GetCallerIdentityResult");
    for name in [
        "localhost",
        "sqs.localhost",
        "localhost.localstack.cloud",
        "b.s3.localhost",
        "127.0.0.1",
    ] {
        let name = ServerName::try_from(name).expect("a name");
        let stream = server.connect().await;
        let mut stream = connector(&folder, &["http/1.1"])
            .connect(name, stream)
            .await
            .expect("TLS");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
        stream.write_all(identity("test").as_bytes()).await.expect("written");
        let reply = read_reply(&mut stream).await.expect("an answer");
        reply.says(200, "GetCallerIdentityResult");
    }
    std::fs::remove_dir_all(&folder).expect("removable");
}

#[tokio::test]
async fn http2_is_chosen_where_the_client_can() {
    let folder = folder("h2");
    let server = Server::start_with(|options| options.certificate_folder = Some(folder.clone())).await;
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = server.connect().await;
    let stream = connector(&folder, &["h2", "http/1.1"])
        .connect(name, stream)
        .await
        .expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .expect("a handshake");
    tokio::spawn(connection);
    let get = http::Request::get("https://localhost/bucket/key")
        .body(http_body_util::Empty::<bytes::Bytes>::new())
        .expect("a request");
    let answer = sender.send_request(get).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    std::fs::remove_dir_all(&folder).expect("removable");
}
