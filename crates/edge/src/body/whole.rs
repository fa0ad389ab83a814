//! Bodies that are read whole before anything is done with them.

use super::Payload;
use super::pieces::Pieces;
use bytes::{Bytes, BytesMut};
use flate2::bufread::{GzDecoder, ZlibDecoder};
use std::future::poll_fn;
use std::io::{self, Read};
use std::task::Poll;
use std::time::Duration;

/// Why a body could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    /// The client fell silent.
    TimedOut,
    /// The connection broke, or the body's framing is wrong.
    Broken,
    /// The body is not in the encoding that it is said to be in.
    NotPacked,
}

/// Reads a body whole. One that comes in one piece, as small ones do, is not copied.
pub(crate) async fn read(mut payload: Payload, max_bytes: usize, silence_max: Duration) -> Result<Bytes, BodyError> {
    let announced = match &mut payload {
        Payload::Whole(bytes) if bytes.len() > max_bytes => return Err(BodyError::TooLarge),
        Payload::Whole(bytes) => return Ok(std::mem::take(bytes)),
        Payload::Incoming(incoming) => {
            let hint = incoming.size_hint();
            if hint.lower() > max_bytes as u64 {
                return Err(BodyError::TooLarge);
            }
            hint.exact()
        }
    };
    if announced == Some(0) {
        return Ok(Bytes::new());
    }
    // Small ones have come with the head.
    let first = match poll_fn(|cx| Poll::Ready(payload.poll_frame(cx))).await {
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(data) if announced == Some(data.len() as u64) => return Ok(data),
            Ok(data) => data,
            Err(_) => Bytes::new(),
        },
        Poll::Ready(Some(Err(_))) => return Err(BodyError::Broken),
        Poll::Ready(None) => return Ok(Bytes::new()),
        Poll::Pending => Bytes::new(),
    };
    // What this holds, others need not make room for.
    Box::pin(read_on(payload, first, announced, max_bytes, silence_max)).await
}

async fn read_on(
    payload: Payload,
    first: Bytes,
    announced: Option<u64>,
    max_bytes: usize,
    silence_max: Duration,
) -> Result<Bytes, BodyError> {
    let mut pieces = Pieces::new(payload, silence_max);
    let mut next = async || match poll_fn(|cx| pieces.poll_piece(cx)).await {
        None => Ok(None),
        Some(Ok(piece)) => Ok(Some(piece)),
        Some(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Err(BodyError::TimedOut),
        Some(Err(_)) => Err(BodyError::Broken),
    };
    let first = match first.is_empty() {
        false => first,
        true => match next().await? {
            Some(first) => first,
            None => return Ok(Bytes::new()),
        },
    };
    if announced == Some(first.len() as u64) {
        return Ok(first);
    }
    // What a client announces is believed only so far.
    let expected = announced.unwrap_or(0).min(1024 * 1024) as usize;
    let mut whole = BytesMut::with_capacity(expected.max(first.len() * 2));
    whole.extend_from_slice(&first);
    while let Some(piece) = next().await? {
        if whole.len() + piece.len() > max_bytes {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    if whole.len() > max_bytes {
        return Err(BodyError::TooLarge);
    }
    Ok(whole.freeze())
}

/// How every gzip begins.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Inflates a gzipped body, to `max_bytes` at most. It may be several gzips, one behind the other.
pub(crate) fn inflate(body: &[u8], max_bytes: usize) -> Result<Bytes, BodyError> {
    let mut out = Vec::with_capacity(body.len().saturating_mul(4).min(max_bytes).min(1024 * 1024));
    let mut rest = body;
    loop {
        let room = (max_bytes - out.len()) as u64;
        let mut reader = GzDecoder::new(rest).take(room + 1);
        reader.read_to_end(&mut out).map_err(|_| BodyError::NotPacked)?;
        if out.len() > max_bytes {
            return Err(BodyError::TooLarge);
        }
        rest = reader.into_inner().into_inner();
        if !rest.starts_with(GZIP) {
            return Ok(out.into());
        }
    }
}

/// The same for what HTTP calls `deflate`.
pub(crate) fn inflate_zlib(body: &[u8], max_bytes: usize) -> Result<Bytes, BodyError> {
    let mut out = Vec::with_capacity(body.len().saturating_mul(4).min(max_bytes).min(1024 * 1024));
    let mut reader = ZlibDecoder::new(body).take(max_bytes as u64 + 1);
    reader.read_to_end(&mut out).map_err(|_| BodyError::NotPacked)?;
    if out.len() > max_bytes {
        return Err(BodyError::TooLarge);
    }
    // Nothing at all is no such encoding. One that breaks off in the middle is found when it is read.
    if out.is_empty() {
        return Err(BodyError::NotPacked);
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::{BodyError, inflate};
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    #[test]
    fn a_bomb_is_not_inflated() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&[0; 100_000]).expect("written");
        let body = encoder.finish().expect("finished");
        assert_eq!(inflate(&body, 100_000).map(|out| out.len()), Ok(100_000));
        assert_eq!(inflate(&body, 99_999), Err(BodyError::TooLarge));
        assert_eq!(inflate(b"plain", 10), Err(BodyError::NotPacked));
        assert_eq!(inflate(&body[..body.len() / 2], 100_000), Err(BodyError::NotPacked));
    }
}
