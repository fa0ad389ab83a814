//! Who may use these paths: programs, and pages of this machine; not a page of the web that a browser happens to show.

use crate::answer::Refusal;
use http::{HeaderMap, StatusCode, header};
use std::net::{IpAddr, SocketAddr};

/// Refuses requests that a browser sends for a page from elsewhere. Such a page must neither reset the cloud nor read
/// its log, and a browser would let it do the first.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let origin = headers.get(header::ORIGIN);
    let foreign = origin.is_some_and(|origin| !origin.to_str().is_ok_and(is_local))
        || headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if !foreign {
        return Ok(());
    }
    let origin = origin.and_then(|origin| origin.to_str().ok()).unwrap_or("null");
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "ForeignOrigin",
        format!("pages from {origin} may not use Virga's own paths; only pages of localhost may"),
    ))
}

/// Refuses those who are known to be on another machine.
pub(crate) fn check_loopback(peer: Option<&SocketAddr>) -> Result<(), Refusal> {
    match peer {
        Some(peer) if !peer.ip().to_canonical().is_loopback() => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "NotLocal",
            "Virga can be stopped only from the machine that it runs on",
        )),
        _ => Ok(()),
    }
}

fn is_local(origin: &str) -> bool {
    let Some((_, authority)) = origin.split_once("://") else {
        return false;
    };
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_pages_of_this_machine_are_local() {
        for origin in [
            "http://localhost:3000",
            "https://a.localhost",
            "http://127.0.0.1:8080",
            "http://[::1]:4566",
        ] {
            assert!(is_local(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "https://example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://192.168.0.2:80",
        ] {
            assert!(!is_local(origin), "{origin}");
        }
    }
}
