//! `aws-chunked`: S3's own framing of a body, with a signature per chunk and headers behind the last.
//!
//! ```text
//! SIZE-IN-HEX[;chunk-signature=HEX]\r\n DATA \r\n … 0[;chunk-signature=HEX]\r\n NAME:VALUE\r\n … \r\n
//! ```

use super::checksum::{Algorithm, Running};
use super::pieces::{Pieces, stream_error};
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as HttpBody, Frame};
use sha2::{Digest, Sha256};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use virga_auth::{ChunkChain, Family};
use virga_base::AwsError;

/// Bytes of a line between data: a size with its signature, or a trailer.
const LINE_MAX_BYTES: usize = 8 * 1024;
/// Headers behind the last chunk.
const TRAILERS_MAX: usize = 32;
const SIGNATURE_OF_TRAILER: &str = "x-amz-trailer-signature";

/// What a decoder has made of its input.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// All input is used up.
    More,
    Data(Bytes),
    /// The body has ended; these came behind it.
    End(HeaderMap),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Size,
    Data { left: u64 },
    DataEnd,
    Trailer,
    Ended,
}

/// Takes the framing off, checking lengths, checksum and, where the secret is known, signatures.
pub struct ChunkDecoder {
    place: Place,
    line: BytesMut,
    /// Bytes of data that the client announced.
    announced: u64,
    decoded: u64,
    chain: Option<ChunkChain>,
    /// Of the chunk under way; only where there is a chain.
    chunk_hash: Sha256,
    chunk_signature: String,
    /// The checksum that was announced for behind the body.
    checksum: Option<(Algorithm, Running)>,
    trailers: HeaderMap,
    /// The trailers as they are signed.
    trailer_lines: String,
    trailer_signature: Option<String>,
}

impl ChunkDecoder {
    /// Reads what the headers announce. `chain` is there where signatures are to be checked.
    ///
    /// # Errors
    /// `MissingContentLength` where the length of the data is not announced.
    pub fn new(headers: &HeaderMap, chain: Option<ChunkChain>) -> Result<ChunkDecoder, AwsError> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let announced = text("x-amz-decoded-content-length")
            .and_then(|length| length.trim().parse().ok())
            .ok_or_else(|| {
                AwsError::new(
                    "MissingContentLength",
                    "You must provide the Content-Length HTTP header.",
                )
                .with_status(411)
            })?;
        let checksum = text("x-amz-trailer")
            .and_then(|names| names.split(',').find_map(Algorithm::of_header))
            .map(|algorithm| (algorithm, Running::new(algorithm)));
        Ok(ChunkDecoder {
            place: Place::Size,
            line: BytesMut::new(),
            announced,
            decoded: 0,
            chain,
            chunk_hash: Sha256::new(),
            chunk_signature: String::new(),
            checksum,
            trailers: HeaderMap::new(),
            trailer_lines: String::new(),
            trailer_signature: None,
        })
    }

    /// Goes on until there is data, the input is used up, or the body ends.
    ///
    /// # Errors
    /// What S3 answers for a broken framing, a wrong length, checksum or signature.
    pub fn step(&mut self, input: &mut Bytes) -> Result<Step, AwsError> {
        loop {
            match self.place {
                Place::Size => {
                    let Some(line) = self.take_line(input)? else {
                        return Ok(Step::More);
                    };
                    self.begin_chunk(&line)?;
                }
                Place::Data { left } => {
                    if input.is_empty() {
                        return Ok(Step::More);
                    }
                    let count = left.min(input.len() as u64);
                    let data = input.split_to(count as usize);
                    self.take_data(&data);
                    self.place = match left - count {
                        0 => Place::DataEnd,
                        left => Place::Data { left },
                    };
                    return Ok(Step::Data(data));
                }
                Place::DataEnd => {
                    match self.take_line(input)? {
                        None => return Ok(Step::More),
                        Some(line) if !line.is_empty() => return Err(incomplete()),
                        Some(_) => self.end_chunk()?,
                    }
                    self.place = Place::Size;
                }
                Place::Trailer => match self.take_line(input)? {
                    None => return Ok(Step::More),
                    Some(line) if line.is_empty() => return self.end().map(Step::End),
                    Some(line) => self.take_trailer(&line)?,
                },
                Place::Ended => {
                    input.clear();
                    return Ok(Step::More);
                }
            }
        }
    }

    /// Says that no more input will come. Answers the trailers, where the body has not ended before.
    ///
    /// # Errors
    /// `IncompleteBody` where something is missing.
    pub fn finish(&mut self) -> Result<Option<HeaderMap>, AwsError> {
        match self.place {
            Place::Ended => Ok(None),
            // Some clients leave out the last empty line, or the end of the line before it.
            Place::Trailer => {
                if !self.line.is_empty() {
                    let line = self.line.split();
                    self.take_trailer(line.trim_ascii_end())?;
                }
                self.end().map(Some)
            }
            Place::Size | Place::Data { .. } | Place::DataEnd => Err(incomplete()),
        }
    }

    /// A line without its end; `None` while it is not all there.
    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<BytesMut>, AwsError> {
        let (part, ended) = match input.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (input.len(), false),
        };
        if self.line.len() + part > LINE_MAX_BYTES {
            return Err(incomplete());
        }
        self.line.extend_from_slice(input.get(..part).unwrap_or_default());
        input.advance(part);
        if !ended {
            return Ok(None);
        }
        let mut line = self.line.split();
        let bare = line.len() - 1;
        line.truncate(bare);
        if line.last() == Some(&b'\r') {
            line.truncate(bare - 1);
        }
        Ok(Some(line))
    }

    fn begin_chunk(&mut self, line: &[u8]) -> Result<(), AwsError> {
        let line = std::str::from_utf8(line).map_err(|_| incomplete())?;
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        let size = size.trim();
        if size.is_empty() || size.len() > 16 || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(incomplete());
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| incomplete())?;
        if self
            .decoded
            .checked_add(size)
            .is_none_or(|total| total > self.announced)
        {
            return Err(incomplete());
        }
        self.chunk_signature.clear();
        if let Some(signature) = extension.trim().strip_prefix("chunk-signature=") {
            self.chunk_signature.push_str(signature);
        }
        self.chunk_hash = Sha256::new();
        self.place = Place::Data { left: size };
        if size == 0 {
            self.end_chunk()?;
            self.place = Place::Trailer;
        }
        Ok(())
    }

    fn take_data(&mut self, data: &[u8]) {
        self.decoded += data.len() as u64;
        if self.chain.is_some() {
            self.chunk_hash.update(data);
        }
        if let Some((_, running)) = &mut self.checksum {
            running.update(data);
        }
    }

    fn end_chunk(&mut self) -> Result<(), AwsError> {
        let Some(chain) = &mut self.chain else { return Ok(()) };
        let hash = std::mem::take(&mut self.chunk_hash).finalize().into();
        chain
            .chunk(&hash, &self.chunk_signature)
            .map_err(|fault| fault.to_error(Family::S3))
    }

    fn take_trailer(&mut self, line: &[u8]) -> Result<(), AwsError> {
        let text = std::str::from_utf8(line).map_err(|_| malformed_trailer())?;
        let (name, value) = text.split_once(':').ok_or_else(malformed_trailer)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == SIGNATURE_OF_TRAILER {
            self.trailer_signature = Some(value.to_owned());
            return Ok(());
        }
        if self.trailers.len() >= TRAILERS_MAX {
            return Err(malformed_trailer());
        }
        self.trailer_lines += &format!("{name}:{value}\n");
        let name = HeaderName::try_from(name).map_err(|_| malformed_trailer())?;
        let value = HeaderValue::try_from(value).map_err(|_| malformed_trailer())?;
        self.trailers.append(name, value);
        Ok(())
    }

    fn end(&mut self) -> Result<HeaderMap, AwsError> {
        self.place = Place::Ended;
        if self.announced != self.decoded {
            return Err(incomplete());
        }
        if let (Some(chain), false) = (&mut self.chain, self.trailers.is_empty()) {
            let signature = self.trailer_signature.as_deref().ok_or_else(malformed_trailer)?;
            chain
                .trailer(&self.trailer_lines, signature)
                .map_err(|fault| fault.to_error(Family::S3))?;
        }
        if let Some((algorithm, running)) = self.checksum.take() {
            let sent = self.trailers.get(algorithm.header()).ok_or_else(malformed_trailer)?;
            running.check(sent.to_str().unwrap_or_default())?;
        }
        Ok(std::mem::take(&mut self.trailers))
    }
}

fn incomplete() -> AwsError {
    AwsError::new("IncompleteBody", "The request body terminated unexpectedly")
}

fn malformed_trailer() -> AwsError {
    AwsError::new(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
}

/// Takes the framing off a body that has come whole; answers data and trailers.
pub(crate) fn decode_whole(mut decoder: ChunkDecoder, mut body: Bytes) -> Result<(Bytes, HeaderMap), AwsError> {
    let mut out = BytesMut::with_capacity(body.len());
    loop {
        match decoder.step(&mut body)? {
            Step::Data(data) => out.extend_from_slice(&data),
            Step::End(trailers) => return Ok((out.freeze(), trailers)),
            Step::More => return Ok((out.freeze(), decoder.finish()?.unwrap_or_default())),
        }
    }
}

/// A body whose framing is taken off as it comes. Its last frame holds the trailers, if there are any.
pub(crate) struct ChunkedBody {
    pieces: Pieces,
    decoder: ChunkDecoder,
    input: Bytes,
    ended: bool,
}

impl ChunkedBody {
    pub(crate) fn new(pieces: Pieces, decoder: ChunkDecoder) -> ChunkedBody {
        ChunkedBody {
            pieces,
            decoder,
            input: Bytes::new(),
            ended: false,
        }
    }

    fn end(&mut self, trailers: Option<HeaderMap>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.ended = true;
        Poll::Ready(
            trailers
                .filter(|map| !map.is_empty())
                .map(|map| Ok(Frame::trailers(map))),
        )
    }

    fn fail(&mut self, error: io::Error) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.ended = true;
        Poll::Ready(Some(Err(error)))
    }
}

impl HttpBody for ChunkedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        loop {
            match this.decoder.step(&mut this.input) {
                Ok(Step::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Step::End(trailers)) => return this.end(Some(trailers)),
                Ok(Step::More) => {}
                Err(error) => return this.fail(stream_error(error)),
            }
            match std::task::ready!(this.pieces.poll_piece(cx)) {
                Some(Ok(piece)) => this.input = piece,
                Some(Err(error)) => return this.fail(error),
                None => {
                    return match this.decoder.finish() {
                        Ok(trailers) => this.end(trailers),
                        Err(error) => this.fail(stream_error(error)),
                    };
                }
            }
        }
    }
}

/// A body whose SHA-256 is compared, as it comes, with the one that was signed.
pub(crate) struct HashedBody {
    pieces: Pieces,
    hash: Sha256,
    expected: String,
    ended: bool,
}

impl HashedBody {
    pub(crate) fn new(pieces: Pieces, expected: String) -> HashedBody {
        HashedBody {
            pieces,
            hash: Sha256::new(),
            expected,
            ended: false,
        }
    }
}

impl HttpBody for HashedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let piece = std::task::ready!(this.pieces.poll_piece(cx));
        if let Some(Ok(data)) = &piece {
            this.hash.update(data);
        } else {
            this.ended = true;
        }
        Poll::Ready(match piece {
            Some(data) => Some(data.map(Frame::data)),
            None => {
                let computed = virga_base::hex(&std::mem::take(&mut this.hash).finalize());
                (computed != this.expected).then(|| {
                    let fault = virga_auth::Fault::Payload {
                        claimed: this.expected.clone(),
                        computed,
                    };
                    Err(stream_error(fault.to_error(Family::S3)))
                })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{ChunkDecoder, Step};
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    /// The number of trailers, or the error's code.
    type End = Result<usize, String>;

    fn decode(body: &[u8], length: usize, piece: usize) -> (Vec<u8>, End) {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-decoded-content-length", HeaderValue::from(length));
        let mut decoder = ChunkDecoder::new(&headers, None).expect("a length");
        let mut out = Vec::new();
        for part in body.chunks(piece) {
            let mut input = Bytes::copy_from_slice(part);
            loop {
                match decoder.step(&mut input) {
                    Ok(Step::Data(data)) => out.extend_from_slice(&data),
                    Ok(Step::End(trailers)) => return (out, Ok(trailers.len())),
                    Ok(Step::More) => break,
                    Err(error) => return (out, Err(error.code.into_owned())),
                }
            }
        }
        let end = decoder.finish().map(|trailers| trailers.map_or(0, |map| map.len()));
        (out, end.map_err(|error| error.code.into_owned()))
    }

    #[test]
    fn it_does_not_matter_where_the_pieces_end() {
        let incomplete = Err("IncompleteBody".to_owned());
        let trailer = Err("MalformedTrailerError".to_owned());
        let table: [(&[u8], usize, &[u8], End); 9] = [
            (b"5\r\nhello\r\n0\r\n\r\n", 5, b"hello", Ok(0)),
            (
                b"5;chunk-signature=ab\r\nhello\r\n0;chunk-signature=cd\r\n\r\n",
                5,
                b"hello",
                Ok(0),
            ),
            (b"3\r\nabc\r\n2\r\nde\r\n0\r\na:b\r\nc: d\r\n\r\n", 5, b"abcde", Ok(2)),
            (b"5\nhello\n0\n\n", 5, b"hello", Ok(0)),
            (b"1\r\nx\r\n0\r\na:b", 1, b"x", Ok(1)),
            (b"0\r\n\r\n", 0, b"", Ok(0)),
            (b"5\r\nhello\r\n", 5, b"hello", incomplete.clone()),
            (b"5\r\nhello\r\n0\r\n\r\n", 6, b"hello", incomplete),
            (b"0\r\nno colon\r\n\r\n", 0, b"", trailer),
        ];
        for (body, length, data, end) in table {
            for piece in 1..=body.len() {
                let shown = String::from_utf8_lossy(body);
                assert_eq!(
                    decode(body, length, piece),
                    (data.to_vec(), end.clone()),
                    "{shown} by {piece}"
                );
            }
        }
    }
}
