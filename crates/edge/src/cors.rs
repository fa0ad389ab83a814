//! Web pages of other origins: which may call, and the headers that tell their browser so.
//!
//! S3 has rules of its own per bucket; where it answers with them, these step back.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

static METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
static EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-amzn-requestid, x-amz-request-id, x-amz-id-2, x-amzn-errortype, x-amzn-query-error, x-amz-crc32, \
     x-amz-function-error, x-amz-log-result, x-amz-executed-version, x-amz-version-id, x-amz-delete-marker, \
     x-amz-bucket-region, x-amz-checksum-crc32, x-amz-checksum-crc32c, x-amz-checksum-crc64nvme, x-amz-checksum-sha1, \
     x-amz-checksum-sha256, content-range, date, etag, last-modified, location",
);
static PRIVATE_NETWORK_ASKED: HeaderName = HeaderName::from_static("access-control-request-private-network");
static PRIVATE_NETWORK_GIVEN: HeaderName = HeaderName::from_static("access-control-allow-private-network");
pub(crate) static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How a request stands to the page that caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No page, or one of the same origin.
    Plain,
    /// A page that may call.
    Allowed,
    /// A page that may not.
    Foreign,
}

/// The origins that may call.
pub(crate) struct Origins {
    all: bool,
    more: Vec<String>,
}

impl Origins {
    pub(crate) fn new(allow_origins: &[String]) -> Origins {
        Origins {
            all: allow_origins.iter().any(|origin| origin == "*"),
            more: allow_origins.to_vec(),
        }
    }

    pub(crate) fn standing(&self, headers: &HeaderMap) -> Standing {
        match headers.get(ORIGIN) {
            Some(origin) if self.is_allowed(origin) => Standing::Allowed,
            Some(_) => Standing::Foreign,
            None if !self.all && headers.get(&FETCH_SITE).is_some_and(|site| site == "cross-site") => Standing::Foreign,
            None => Standing::Plain,
        }
    }

    /// Whether the user has named the page's origin; those of this machine are allowed without that.
    pub(crate) fn are_named(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        self.all || origin.is_some_and(|origin| self.more.iter().any(|more| more == origin))
    }

    fn is_allowed(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        self.all || is_local(origin) || self.more.iter().any(|more| more == origin)
    }
}

fn is_local(origin: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    if scheme == "app" {
        return true;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    matches!(scheme, "http" | "https")
        && (matches!(host, "localhost" | "127.0.0.1" | "::1") || host.ends_with(".localhost"))
}

/// Whether a request only asks whether another may be sent.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The headers of the answer to such a question.
pub(crate) fn allow_preflight(asked: &HeaderMap, answer: &mut HeaderMap) {
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS.clone());
    if let Some(wanted) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    if asked.contains_key(&PRIVATE_NETWORK_ASKED) {
        answer.insert(&PRIVATE_NETWORK_GIVEN, HeaderValue::from_static("true"));
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}

/// The headers that every answer to an allowed page has, unless the service has set its own.
pub(crate) fn allow(asked: &HeaderMap, answer: &mut HeaderMap) {
    let Some(origin) = asked.get(ORIGIN) else { return };
    if answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED.clone());
    answer.append(VARY, HeaderValue::from_static("Origin"));
}

#[cfg(test)]
mod tests {
    use super::{Origins, Standing};
    use http::{HeaderMap, HeaderValue, header};

    #[test]
    fn pages_of_this_machine_may_call_and_others_only_if_named() {
        let origins = Origins::new(&["https://app.example".to_owned()]);
        let standing = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            origins.standing(&headers)
        };
        for origin in [
            "http://localhost:3000",
            "https://localhost",
            "http://127.0.0.1:8080",
            "http://[::1]:4566",
            "http://x.localhost",
            "app://.",
            "https://app.example",
        ] {
            assert_eq!(standing(origin), Standing::Allowed, "{origin}");
        }
        for origin in [
            "null",
            "https://evil.example",
            "http://localhost.evil.example",
            "ftp://localhost",
        ] {
            assert_eq!(standing(origin), Standing::Foreign, "{origin}");
        }
        assert_eq!(origins.standing(&HeaderMap::new()), Standing::Plain);
    }
}
