//! A Virga with S3 alone, in this process, and buckets in it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use virga_base::{Clock, Ids};
use virga_blob_object_store::Place;
use virga_edge::{Edge, EdgeOptions};
use virga_service::{Cloud, CloudOptions, Worlds};
use virga_store::{MemoryEngine, Store};

/// The server of all tests.
struct Server {
    address: SocketAddr,
    /// In PEM.
    certificate: String,
}

/// It has threads of its own, and ends with the process.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("threads");
            runtime.block_on(async {
                let options = EdgeOptions {
                    port: 0,
                    ..EdgeOptions::default()
                };
                let edge = Edge::bind(options).await.expect("a free port");
                let server = Server {
                    address: edge.local_addr(),
                    certificate: edge.certificate().pem().await.expect("a certificate"),
                };
                tell.send(server).unwrap_or_else(|_| panic!("nobody waits"));
                let cloud = Cloud::new(CloudOptions {
                    store: Store::new(Box::new(MemoryEngine::default())),
                    clock: Clock::real(),
                    ids: Ids::random(),
                    services: vec![virga_s3::service()],
                    settings: BTreeMap::new(),
                });
                edge.serve(Worlds::of(cloud), std::future::pending()).await;
            });
        });
        told.recv().expect("it listens")
    })
}

/// What the environment of a node says.
pub fn variables() -> Vec<(String, String)> {
    variables_of("http", "")
}

/// The same by TLS, where the certificate is in the file.
pub fn variables_by_tls(certificate: &Path) -> Vec<(String, String)> {
    std::fs::write(certificate, &server().certificate).expect("written");
    variables_of("https", &certificate.to_string_lossy())
}

fn variables_of(scheme: &str, certificate: &str) -> Vec<(String, String)> {
    let endpoint = format!("{scheme}://localhost:{}", server().address.port());
    [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_CA_BUNDLE", certificate),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Makes a bucket, with nothing in it.
pub fn bucket(prefix: &str) -> Place {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let bucket = format!("bucket{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let mut stream = TcpStream::connect(server().address).expect("connects");
    let request = format!(
        "PUT /{bucket} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}\r\nX-Amz-Date: 20260101T000000Z\r\n\
         X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n\r\n",
        server().address,
        "0".repeat(64)
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Place {
        bucket,
        prefix: prefix.to_owned(),
    }
}
