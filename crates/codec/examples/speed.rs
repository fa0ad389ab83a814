//! How long reading and writing take: `cargo run --release -p virga-codec --example speed [PART OF A NAME]`.

use bytes::Bytes;
use std::hint::black_box;
use std::time::Instant;
use virga_codec::{OperationRef, WireRequest, decode_request, decode_response, encode_request, encode_response};
use virga_shape::{Protocol, Value, constraints, pack};

const ROUNDS: u32 = 100_000;

fn time(what: &str, bytes: usize, mut work: impl FnMut()) {
    if std::env::args().nth(1).is_some_and(|part| !what.contains(&part)) {
        return;
    }
    for _ in 0..ROUNDS / 10 {
        work();
    }
    // The best of many batches: whatever else runs on the machine only makes it slower.
    let mut each = f64::INFINITY;
    for _ in 0..100 {
        let start = Instant::now();
        for _ in 0..ROUNDS / 100 {
            work();
        }
        each = each.min(start.elapsed().as_secs_f64() / f64::from(ROUNDS / 100));
    }
    println!("{what:<60} {:>8.2} µs  {bytes:>6} bytes", each * 1e6);
}

fn operation(service: &str, name: &str) -> Option<OperationRef> {
    OperationRef::find(pack::service(service)?, name)
}

fn main() {
    let Some(op) = operation("sqs", "SendMessageBatch") else {
        eprintln!("the pack has no sqs");
        return;
    };
    let entries: Vec<_> = (0..10)
        .map(|i| {
            serde_json::json!({
                "Id": format!("message-{i}"),
                "MessageBody": "{\"order\": 17, \"customer\": \"Müller\", \"lines\": [1, 2, 3, 4, 5]} and some more text to fill",
                "DelaySeconds": 5,
                "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "order.created"}},
            })
        })
        .collect();
    let input = serde_json::json!({"QueueUrl": "http://localhost:4566/000000000000/queue", "Entries": entries});
    let output = serde_json::json!({"Successful": (0..10).map(|i| serde_json::json!({
        "Id": format!("message-{i}"), "MessageId": "5fea7756-0ea4-451a-a703-a558b933e274",
        "MD5OfMessageBody": "fafb00f5732ab283681e124bf8747ed1"})).collect::<Vec<_>>(), "Failed": []});
    let (Some(input_shape), Some(output_shape)) = (op.input(), op.output()) else {
        return;
    };
    let (Ok(input), Ok(output)) = (
        Value::from_json(input_shape, &input),
        Value::from_json(output_shape, &output),
    ) else {
        eprintln!("the model of SendMessageBatch is another than this example knows");
        return;
    };
    for protocol in [Protocol::Json10, Protocol::RpcV2Cbor, Protocol::Query] {
        let Ok(request) = encode_request(protocol, op, &input) else {
            continue;
        };
        let name = protocol.as_str();
        let wire: WireRequest<'_> = request.as_wire();
        let length = request.body.len();
        time(&format!("{name} SendMessageBatch: read the request"), length, || {
            let _ = black_box(decode_request(protocol, op, black_box(&wire)));
        });
        let Ok(answer) = encode_response(protocol, op, &output, "id") else {
            continue;
        };
        time(
            &format!("{name} SendMessageBatch: write the answer"),
            answer.body.len(),
            || {
                let _ = black_box(encode_response(protocol, op, black_box(&output), "id"));
            },
        );
        time(
            &format!("{name} SendMessageBatch: read the answer"),
            answer.body.len(),
            || {
                let body: &Bytes = &answer.body;
                let _ = black_box(decode_response(protocol, op, 200, &answer.headers, body));
            },
        );
    }
    time("constraints of SendMessageBatch", 0, || {
        let _ = black_box(constraints::check(input_shape, black_box(&input)));
    });
}
