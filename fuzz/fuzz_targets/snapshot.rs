//! Snapshot files. Checksums and compression would keep the fuzzer out: its bytes are also taken as what frames hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virga_snapshot::summarise;

const HEADER: &[u8] = br#"{"virga":"0.1.0","made_at_ms":0,"scope":{"of":"cloud"}}"#;
const WORLD: &[u8] = br#"{"name":"main"}"#;

fuzz_target!(|data: &[u8]| {
    let _ = summarise(data);
    let mut file = b"VIRGASNP\x02\x00".to_vec();
    frame(&mut file, b'H', HEADER.len(), HEADER);
    frame(&mut file, b'W', WORLD.len(), WORLD);
    for piece in data.split(|byte| *byte == 0xff).filter(|piece| !piece.is_empty()) {
        let (kind, payload) = (piece[0], &piece[1..]);
        match kind {
            b'R' | b'B' => {
                let packed = zstd::bulk::compress(payload, 1).unwrap();
                frame(&mut file, kind, payload.len(), &packed);
            }
            kind => frame(&mut file, kind, payload.len(), payload),
        }
    }
    let _ = summarise(&file[..]);
});

fn frame(file: &mut Vec<u8>, kind: u8, raw_length: usize, payload: &[u8]) {
    let mut head = vec![kind];
    head.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    head.extend_from_slice(&(raw_length as u32).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head);
    crc.update(payload);
    file.extend_from_slice(&head);
    file.extend_from_slice(&crc.finalize().to_le_bytes());
    file.extend_from_slice(payload);
}
