//! The canonical request: the one text that client and server both make out of a request, and sign.

use crate::{Claim, Facts};
use http::header::HOST;
use percent_encoding::percent_decode;
use std::fmt::Write as _;

/// Writes the canonical request. `payload` is the hash of the body or what stands for it.
///
/// S3 signs the path with each byte encoded once. All others sign the path as it was sent, without dot segments and empty
/// ones, encoded a second time.
pub fn canonical_request(facts: &Facts<'_>, claim: &Claim<'_>, payload: &str) -> String {
    let mut out = String::with_capacity(512);
    out.push_str(facts.method);
    out.push('\n');
    match claim.service() {
        "s3" | "s3-outposts" | "s3-object-lambda" | "s3express" => push_single(&mut out, facts.path, true),
        _ => push_double(&mut out, facts.path),
    }
    out.push('\n');
    push_query(&mut out, facts.query);
    out.push('\n');
    for name in claim.signed_headers.split(';') {
        out.push_str(name);
        out.push(':');
        push_header(&mut out, facts, name);
        out.push('\n');
    }
    out.push('\n');
    out.push_str(&claim.signed_headers);
    out.push('\n');
    out.push_str(payload);
    out
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn push_encoded(out: &mut String, byte: u8, keep_slash: bool) {
    if is_unreserved(byte) || (keep_slash && byte == b'/') {
        out.push(byte as char);
    } else {
        let _ = write!(out, "%{byte:02X}");
    }
}

/// Encodes every byte once, however the client encoded it.
fn push_single(out: &mut String, text: &str, keep_slash: bool) {
    if text.is_empty() && keep_slash {
        out.push('/');
    }
    for byte in percent_decode(text.as_bytes()) {
        push_encoded(out, byte, keep_slash);
    }
}

fn push_double(out: &mut String, path: &str) {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    for segment in &segments {
        out.push('/');
        for byte in segment.bytes() {
            push_encoded(out, byte, false);
        }
    }
    if segments.is_empty() || path.ends_with('/') {
        out.push('/');
    }
}

fn push_query(out: &mut String, query: &str) {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (mut encoded_name, mut encoded_value) = (String::new(), String::new());
            push_single(&mut encoded_name, name, false);
            push_single(&mut encoded_value, value, false);
            (encoded_name, encoded_value)
        })
        .filter(|(name, _)| name != "X-Amz-Signature")
        .collect();
    pairs.sort();
    for (i, (name, value)) in pairs.iter().enumerate() {
        if i > 0 {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
}

/// All values of a header, trimmed and with runs of spaces made one, joined by commas.
fn push_header(out: &mut String, facts: &Facts<'_>, name: &str) {
    let mut values = facts.headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        if name == HOST.as_str() || name == ":authority" {
            out.push_str(facts.host.unwrap_or_default());
        }
        return;
    }
    for (i, value) in values.enumerate() {
        if i > 0 {
            out.push(',');
        }
        let text = String::from_utf8_lossy(value.as_bytes());
        for (j, word) in text.split_ascii_whitespace().enumerate() {
            if j > 0 {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
}
