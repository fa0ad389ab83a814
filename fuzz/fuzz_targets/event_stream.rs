//! Event streams, in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virga_codec::event_stream::{Decoder, Message};

fuzz_target!(|data: &[u8]| {
    // Checksums would keep the fuzzer out: the bytes are also taken as what stands between them.
    let headers_length = data.first().map_or(0, |n| usize::from(*n)).min(data.len());
    let mut framed = Vec::new();
    framed.extend_from_slice(&((data.len() + 16) as u32).to_be_bytes());
    framed.extend_from_slice(&(headers_length as u32).to_be_bytes());
    framed.extend_from_slice(&crc32fast::hash(&framed).to_be_bytes());
    framed.extend_from_slice(data);
    framed.extend_from_slice(&crc32fast::hash(&framed).to_be_bytes());
    if let Ok(Some((message, length))) = Message::decode(&framed) {
        assert_eq!(length, framed.len());
        let mut again = Vec::new();
        message.encode(&mut again).unwrap();
        assert_eq!(Message::decode(&again), Ok(Some((message, again.len()))));
    }
    let mut decoder = Decoder::default();
    for piece in data.chunks(7) {
        decoder.push(piece);
        while let Ok(Some(_)) = decoder.next_message() {}
    }
});
