use super::{Decoder, FrameError, HeaderValue, Message, decode_event, encode_event};
use bytes::Bytes;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use serde_json::json;
use virga_base::Timestamp;
use virga_shape::{Protocol, Value};

fn bytes(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out).unwrap();
    out
}

/// The empty message and the one with a header, as Amazon's documentation of the format gives them.
#[test]
fn known_messages_have_known_bytes() {
    let empty = [
        0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
    ];
    assert_eq!(bytes(&Message::default()), empty);
    let payload = Message::new(&b"{'foo':'bar'}"[..]);
    let expected = [
        0x00, 0x00, 0x00, 0x1d, 0x00, 0x00, 0x00, 0x00, 0xfd, 0x52, 0x8c, 0x5a, 0x7b, 0x27, 0x66, 0x6f, 0x6f, 0x27,
        0x3a, 0x27, 0x62, 0x61, 0x72, 0x27, 0x7d, 0xc3, 0x65, 0x39, 0x36,
    ];
    assert_eq!(bytes(&payload), expected);
}

#[test]
fn damage_is_found() {
    let good = bytes(&Message::new(&b"abc"[..]).with_header("h", HeaderValue::from("v")));
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let expected = if at < 12 {
            FrameError::PreludeChecksum
        } else {
            FrameError::MessageChecksum
        };
        assert_eq!(Message::decode(&bad), Err(expected), "{at}");
    }
    for length in 0..good.len() {
        assert_eq!(Message::decode(&good[..length]), Ok(None), "{length}");
    }
}

#[test]
fn wrong_lengths_and_headers_are_refused() {
    let frame = |total: u32, headers: u32, rest: &[u8]| {
        let mut out = Vec::new();
        out.extend_from_slice(&total.to_be_bytes());
        out.extend_from_slice(&headers.to_be_bytes());
        out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
        out.extend_from_slice(rest);
        out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
        Message::decode(&out)
    };
    assert_eq!(frame(15, 0, &[]), Err(FrameError::Length));
    assert_eq!(frame(16, 1, &[]), Err(FrameError::Length));
    assert_eq!(frame(u32::MAX, u32::MAX, &[]), Err(FrameError::Length));
    assert_eq!(frame(17, 1, &[5]), Err(FrameError::Header));
    assert_eq!(frame(18, 2, &[0, 0]), Err(FrameError::Header));
    assert_eq!(frame(19, 3, &[1, b'a', 10]), Err(FrameError::Header));
    assert_eq!(frame(21, 5, &[1, b'a', 7, 0, 9]), Err(FrameError::Header));
    assert!(
        Message::default()
            .with_header("", HeaderValue::Bool(true))
            .encode(&mut Vec::new())
            .is_err()
    );
    let long = HeaderValue::Bytes(vec![0; 70_000].into());
    assert!(
        Message::default()
            .with_header("a", long)
            .encode(&mut Vec::new())
            .is_err()
    );
}

fn header_value() -> impl Strategy<Value = HeaderValue> {
    prop_oneof![
        any::<bool>().prop_map(HeaderValue::Bool),
        any::<i8>().prop_map(HeaderValue::Byte),
        any::<i16>().prop_map(HeaderValue::Short),
        any::<i32>().prop_map(HeaderValue::Integer),
        any::<i64>().prop_map(HeaderValue::Long),
        any::<Vec<u8>>().prop_map(|b| HeaderValue::Bytes(Bytes::from(b))),
        any::<String>().prop_map(HeaderValue::String),
        (0..4_000_000_000_000_i64).prop_map(|ms| HeaderValue::Timestamp(Timestamp::from_millis(ms))),
        any::<[u8; 16]>().prop_map(HeaderValue::Uuid),
    ]
}

proptest! {
    #[test]
    fn a_stream_reads_back_however_it_is_cut(
        messages in proptest::collection::vec(
            (proptest::collection::vec(("[a-z:-]{1,20}", header_value()), 0..5), any::<Vec<u8>>()), 0..4),
        cut in 1_usize..40,
    ) {
        let messages: Vec<Message> = messages
            .into_iter()
            .map(|(headers, payload)| Message { headers, payload: payload.into() })
            .collect();
        let stream: Vec<u8> = messages.iter().flat_map(bytes).collect();
        let mut decoder = Decoder::default();
        let mut read = Vec::new();
        for piece in stream.chunks(cut) {
            decoder.push(piece);
            while let Some(message) = decoder.next_message().unwrap() {
                read.push(message);
            }
        }
        assert_eq!(read, messages);
        assert!(decoder.is_empty());
    }
}

#[test]
fn events_become_messages_and_back() {
    let model = virga_shape::botocore::convert("test", &json!({
        "metadata": {"protocol": "json"}, "operations": {}, "shapes": {
            "Stream": {"type": "structure", "eventstream": true, "members": {
                "Records": {"shape": "Records"}, "Stats": {"shape": "Stats"}, "Broken": {"shape": "Broken"}}},
            "Records": {"type": "structure", "event": true, "members": {"Payload": {"shape": "Blob", "eventpayload": true}}},
            "Stats": {"type": "structure", "event": true, "members": {"Bytes": {"shape": "Long"}}},
            "Broken": {"type": "structure", "exception": true, "members": {"message": {"shape": "Text"}}},
            "Blob": {"type": "blob"}, "Long": {"type": "long"}, "Text": {"type": "string"}
        }
    })).unwrap();
    let model: &'static _ = Box::leak(Box::new(model));
    let stream = model.shape_named("Stream").unwrap();
    for protocol in [Protocol::Json11, Protocol::RestJson, Protocol::RpcV2Cbor] {
        for (name, json, kind) in [
            ("Records", json!({"Payload": "AAEC"}), "event"),
            ("Stats", json!({"Bytes": 7}), "event"),
            ("Broken", json!({"message": "m"}), "exception"),
        ] {
            let (index, _) = stream.member(name).unwrap();
            let value = Value::from_json(model.shape_named(name).unwrap(), &json).unwrap();
            let message = encode_event(protocol, stream, index, value.as_struct().unwrap()).unwrap();
            assert_eq!(message.header_text(":message-type"), Some(kind));
            let (read_index, read) = decode_event(protocol, stream, &message).unwrap().unwrap();
            assert_eq!((read_index, Value::Struct(read)), (index, value));
        }
    }
    let unknown = Message::default().with_header(":event-type", HeaderValue::from("Other"));
    assert_eq!(decode_event(Protocol::Json11, stream, &unknown), Ok(None));
    let stats = Value::from_json(model.shape_named("Stats").unwrap(), &json!({"Bytes": 7})).unwrap();
    let xml = encode_event(Protocol::RestXml, stream, 1, stats.as_struct().unwrap()).unwrap();
    assert_eq!(xml.payload, "<Stats><Bytes>7</Bytes></Stats>");
}
