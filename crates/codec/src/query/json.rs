//! Answers of the query protocol in JSON, which its services give to those who accept nothing else.
//!
//! `{"OpResponse": {"OpResult": {…}, "ResponseMetadata": {"RequestId": …}}}`; members under their model names, but
//! flattened lists and maps with a small first letter (`queueUrls`), times as seconds.

use crate::OperationRef;
use serde_json::{Map, Value as Json, json};
use virga_shape::{Kind, StructValue, Value};

/// The body of an answer.
pub(super) fn encode(op: OperationRef, output: &Value, request_id: &str) -> Vec<u8> {
    let mut response = Map::new();
    if op.operation.output.is_some() {
        let wrapper = op.operation.result_wrapper.clone();
        let wrapper = wrapper.unwrap_or_else(|| format!("{}Result", op.operation.name));
        response.insert(wrapper, view(output));
    }
    response.insert("ResponseMetadata".to_owned(), json!({ "RequestId": request_id }));
    let mut root = Map::new();
    root.insert(format!("{}Response", op.operation.name), Json::Object(response));
    Json::Object(root).to_string().into_bytes()
}

fn view(value: &Value) -> Json {
    match value {
        Value::Struct(fields) => members(fields),
        Value::List(items) => items.iter().map(view).collect(),
        Value::Map(entries) => entries.iter().map(|(key, item)| (key.clone(), view(item))).collect(),
        Value::Timestamp(time) => json!(time.as_secs_f64()),
        other => other.to_json(),
    }
}

fn members(fields: &StructValue) -> Json {
    let shape = fields.shape();
    let named = fields.fields().iter().filter_map(|(index, value)| {
        let member = shape.members().get(usize::from(*index))?;
        let flattened = matches!(
            shape.target(member).kind(),
            Kind::List { flattened: true, .. } | Kind::Map { flattened: true, .. }
        );
        let mut name = member.name.clone();
        if flattened && let Some(first) = name.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        Some((name, view(value)))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::encode;
    use crate::OperationRef;
    use serde_json::json;
    use virga_shape::{Value, pack};

    #[test]
    fn an_answer_has_its_wrappers_and_small_lists() {
        let op = pack::service("sqs").and_then(|model| {
            let operation = model.operation("ListQueues")?;
            Some(OperationRef { model, operation })
        });
        let shown = op.and_then(|op| {
            let output = json!({ "QueueUrls": ["u"], "NextToken": "t" });
            let output = Value::from_json(op.model.shape_ref(op.operation.output?), &output).ok()?;
            String::from_utf8(encode(op, &output, "id")).ok()
        });
        assert_eq!(
            shown.as_deref(),
            Some(
                r#"{"ListQueuesResponse":{"ListQueuesResult":{"queueUrls":["u"],"NextToken":"t"},"ResponseMetadata":{"RequestId":"id"}}}"#
            )
        );
    }
}
