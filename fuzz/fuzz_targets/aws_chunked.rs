//! The framing of `aws-chunked`, whole and in pieces: both must say the same.
#![no_main]

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use virga_edge::{ChunkDecoder, Step};

/// The data that came out, and the code of the error that ended it.
fn decode(length: u16, body: &[u8], piece: usize) -> (Vec<u8>, Result<usize, String>) {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-decoded-content-length", HeaderValue::from(length));
    headers.insert("x-amz-trailer", HeaderValue::from_static("x-amz-checksum-crc32c"));
    let mut decoder = ChunkDecoder::new(&headers, None).expect("a length");
    let mut out = Vec::new();
    for part in body.chunks(piece.max(1)) {
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

fuzz_target!(|input: (u16, u8, &[u8])| {
    let (length, piece, body) = input;
    let whole = decode(length, body, body.len());
    let pieces = decode(length, body, usize::from(piece));
    assert_eq!(whole, pieces);
    assert!(whole.0.len() <= usize::from(length));
});
