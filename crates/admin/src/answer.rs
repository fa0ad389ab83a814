//! Answers in JSON, and errors that say the way out.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::io;

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    pub allow: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal {
            status,
            code,
            message: message.into(),
            allow: None,
        }
    }

    /// The request says something wrong.
    pub(crate) fn bad(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// Virga itself failed.
    pub(crate) fn failed(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", message)
    }

    /// With the routes there are, where the path or method was the mistake.
    pub(crate) fn into_response(self, routes: Option<Json>) -> Response<Bytes> {
        let mut body = json!({"error": {"code": self.code, "message": self.message}});
        if let (Some(routes), Some(map)) = (routes, body.as_object_mut()) {
            map.insert("routes".to_owned(), routes);
        }
        let mut response = json_response(self.status, &body);
        if let Some(allow) = self.allow {
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

/// Indented, as people read it with `curl`.
pub(crate) fn json_response(status: StatusCode, body: &Json) -> Response<Bytes> {
    respond(status, "application/json", format!("{body:#}\n"))
}

/// On one line with a space behind each colon and comma, as Python writes JSON: health checks that look for
/// `"sqs": "running"` in the text rely on it.
pub(crate) fn python_json(body: &Json) -> Response<Bytes> {
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut text, Python);
    // Writing JSON into memory cannot fail.
    let _ = body.serialize(&mut writer);
    respond(StatusCode::OK, "application/json", text)
}

pub(crate) fn respond(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

struct Python;

impl serde_json::ser::Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
