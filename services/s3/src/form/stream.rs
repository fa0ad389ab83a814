//! Reads a form as it comes: the fields whole, the file as a body of its own.

use super::{FIELDS_MAX_BYTES, Fields};
use crate::errors;
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use virga_base::AwsError;
use virga_service::Body;

const NOT_WELL_FORMED: &str = "The body of your POST request is not well-formed multipart/form-data.";

/// Reads the fields; answers them with the file, of which nothing has been read.
///
/// # Errors
/// `MalformedPOSTRequest`, `MaxPostPreDataLengthExceeded`, or that there is no file.
pub async fn read(body: Body, boundary: &str) -> Result<(Fields, FileBody), AwsError> {
    let mut source = Source {
        body,
        buffer: BytesMut::new(),
        ended: false,
    };
    // As if a line had ended before the first boundary.
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    source.buffer.extend_from_slice(b"\r\n");
    source.take_to(&delimiter, FIELDS_MAX_BYTES).await?;
    let mut fields = Fields::default();
    let mut left = FIELDS_MAX_BYTES;
    loop {
        // Behind a boundary: two hyphens at the end, else a line's end.
        let line = source.take_to(b"\r\n", 1024).await;
        match line {
            Ok(line) if line.trim_ascii_end().is_empty() => {}
            Ok(line) if line.starts_with(b"--") => return Err(no_file()),
            Err(_) if source.buffer.starts_with(b"--") => return Err(no_file()),
            _ => return Err(errors::malformed_post(NOT_WELL_FORMED)),
        }
        let head = source.take_head(left).await?;
        let part = Part::read(&head).ok_or_else(|| errors::malformed_post(NOT_WELL_FORMED))?;
        if part.name.eq_ignore_ascii_case("file") {
            fields.file_name = part.file_name;
            let file = FileBody {
                source,
                delimiter,
                limits: None,
                size: 0,
                done: false,
            };
            return Ok((fields, file));
        }
        let value = source.take_to(&delimiter, left).await?;
        left = left.saturating_sub(head.len() + value.len());
        let value = String::from_utf8(value.to_vec()).map_err(|_| errors::malformed_post(NOT_WELL_FORMED))?;
        fields.add(part.name, value);
    }
}

fn no_file() -> AwsError {
    errors::invalid_argument("POST requires exactly one file upload per request.", "file", "0")
}

/// What stands before a part's value.
struct Part {
    name: String,
    file_name: Option<String>,
}

impl Part {
    fn read(head: &[u8]) -> Option<Part> {
        let head = std::str::from_utf8(head).ok()?;
        let line = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case("content-disposition")
                .then(|| value.trim())
        })?;
        let name = parameter(line, "name")?;
        // Browsers of old send whole paths.
        let file_name = parameter(line, "filename").map(|name| {
            let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
            base.to_owned()
        });
        Some(Part { name, file_name })
    }
}

/// `name="value"` among the parameters of a header.
fn parameter(line: &str, wanted: &str) -> Option<String> {
    let mut rest = line.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, tail) = quoted.split_once('"')?;
                (value, tail)
            }
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value.to_owned());
        }
        rest = tail.split_once(';')?.1;
    }
}

struct Source {
    body: Body,
    buffer: BytesMut,
    ended: bool,
}

impl Source {
    async fn more(&mut self) -> Result<(), AwsError> {
        let frame = if self.ended { None } else { self.body.frame().await };
        match frame {
            None => {
                self.ended = true;
                Err(errors::malformed_post(NOT_WELL_FORMED))
            }
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    self.buffer.extend_from_slice(&bytes);
                }
                Ok(())
            }
            Some(Err(error)) => Err(error
                .downcast::<AwsError>()
                .unwrap_or_else(|_| errors::incomplete_body())),
        }
    }

    /// All before `end`, which is taken too.
    async fn take_to(&mut self, end: &[u8], max_bytes: usize) -> Result<Bytes, AwsError> {
        let mut from = 0;
        loop {
            let found = self.buffer.get(from..).and_then(|tail| memchr::memmem::find(tail, end));
            if let Some(at) = found {
                let taken = self.buffer.split_to(from + at).freeze();
                let _ = self.buffer.split_to(end.len());
                return Ok(taken);
            }
            if self.buffer.len() > max_bytes {
                return Err(errors::fields_too_long());
            }
            from = self.buffer.len().saturating_sub(end.len());
            self.more().await?;
        }
    }

    /// A part's headers; there may be none.
    async fn take_head(&mut self, max_bytes: usize) -> Result<Bytes, AwsError> {
        while self.buffer.len() < 2 {
            self.more().await?;
        }
        if self.buffer.starts_with(b"\r\n") {
            return Ok(self.buffer.split_to(2).freeze());
        }
        self.take_to(b"\r\n\r\n", max_bytes).await
    }
}

/// The file in a form. Ends at the next boundary; what comes behind that is of no interest.
pub struct FileBody {
    source: Source,
    delimiter: Vec<u8>,
    /// The least and the most bytes that the form's policy allows.
    limits: Option<(u64, u64)>,
    size: u64,
    done: bool,
}

impl FileBody {
    #[must_use]
    pub fn within(mut self, limits: Option<(u64, u64)>) -> FileBody {
        self.limits = limits;
        self
    }

    pub fn boxed(self) -> Body {
        self.boxed_unsync()
    }

    /// Hands out bytes, counted.
    fn hand_out(&mut self, length: usize) -> Result<Bytes, AwsError> {
        let bytes = self.source.buffer.split_to(length).freeze();
        self.size += bytes.len() as u64;
        match self.limits {
            Some((_, most)) if self.size > most => Err(errors::form_too_large(self.size, most)),
            Some((least, _)) if self.done && self.size < least => Err(errors::form_too_small(self.size, least)),
            _ => Ok(bytes),
        }
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        loop {
            if this.done {
                return Poll::Ready(None);
            }
            if let Some(at) = memchr::memmem::find(&this.source.buffer, &this.delimiter) {
                this.done = true;
                let bytes = this.hand_out(at).map_err(io::Error::other);
                return Poll::Ready(Some(bytes.map(Frame::data)));
            }
            // The end of what is there may be the beginning of the boundary.
            let safe = this.source.buffer.len().saturating_sub(this.delimiter.len());
            if safe > 0 {
                let bytes = this.hand_out(safe).map_err(io::Error::other);
                return Poll::Ready(Some(bytes.map(Frame::data)));
            }
            match ready!(Pin::new(&mut this.source.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        this.source.buffer.extend_from_slice(&bytes);
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.done = true;
                    let error = io::Error::other(errors::malformed_post(NOT_WELL_FORMED));
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::BodyExt;
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// A body that comes in pieces.
    struct Pieces(std::vec::IntoIter<Bytes>);

    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
            Poll::Ready(self.0.next().map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    /// The fields, the file's name and the file; or the code of what is wrong.
    async fn form(text: &str, piece: usize, limits: Option<(u64, u64)>) -> Result<(String, String, String), String> {
        let pieces: Vec<Bytes> = text.as_bytes().chunks(piece).map(Bytes::copy_from_slice).collect();
        let body = Pieces(pieces.into_iter()).boxed_unsync();
        let (fields, file) = read(body, "B").await.map_err(|error| error.code.into_owned())?;
        let file_name = fields.file_name.clone().unwrap_or_default();
        let shown: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let file = file.within(limits).boxed().collect().await;
        let bytes = file.map_err(|error| match error.downcast::<virga_base::AwsError>() {
            Ok(error) => error.code.into_owned(),
            Err(error) => error.to_string(),
        })?;
        let text = String::from_utf8_lossy(&bytes.to_bytes()).into_owned();
        Ok((shown.join(" "), file_name, text))
    }

    fn part(name: &str, value: &str) -> String {
        format!("--B\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n")
    }

    #[tokio::test]
    async fn a_form_is_read_however_it_comes() {
        let text = format!(
            "{}{}{}--B--\r\n",
            part("name=\"key\"", "k"),
            part("name=acl; filename=acl", "private"),
            part("name=\"file\"; filename=\"C:\\dir\\a.txt\"", "one\r\n--Btwo\r\n-"),
        )
        // A boundary within the file would end it; this one is none.
        .replace("--Btwo", "--Atwo");
        for piece in [1, 2, 3, 7, 1000] {
            let (fields, name, file) = form(&text, piece, None).await.unwrap_or_else(|code| panic!("{code}"));
            assert_eq!(fields, "key=k acl=private");
            assert_eq!(name, "a.txt");
            assert_eq!(file, "one\r\n--Atwo\r\n-");
        }
    }

    #[tokio::test]
    async fn forms_that_are_none() {
        let file = part("name=\"file\"", "12345");
        let long = part("name=\"key\"", &"x".repeat(30_000));
        for (text, code) in [
            (String::new(), "MalformedPOSTRequest"),
            ("nothing".to_owned(), "MalformedPOSTRequest"),
            (part("name=\"key\"", "k") + "--B--", "InvalidArgument"),
            (part("key", "k") + &file, "MalformedPOSTRequest"),
            (file.clone(), "MalformedPOSTRequest"),
            (long + &file, "MaxPostPreDataLengthExceeded"),
        ] {
            assert_eq!(form(&text, 100, None).await.err().as_deref(), Some(code), "{text:.100}");
        }
        let whole = file + "--B--\r\n";
        for (limits, code) in [
            ((0, 4), Some("EntityTooLarge")),
            ((6, 9), Some("EntityTooSmall")),
            ((5, 5), None),
        ] {
            assert_eq!(form(&whole, 3, Some(limits)).await.err().as_deref(), code, "{limits:?}");
        }
    }
}
