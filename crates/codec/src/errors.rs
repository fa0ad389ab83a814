//! What all protocols share about errors: the model's facts about one, found once.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use virga_base::{AwsError, Fault};
use virga_shape::{ErrorFacts, Kind, ServiceModel, ShapeRef, StructValue, Value};

/// A body that cannot be read, in the words of AWS's JSON services.
pub(crate) fn serialization(message: impl Into<String>) -> AwsError {
    AwsError::new("SerializationException", message)
}

/// A value that cannot be written: Virga's own mistake, or a caller by name's.
pub(crate) fn unwritable(message: impl Into<String>) -> AwsError {
    AwsError::internal(message)
}

/// A value of another kind than its shape's.
pub(crate) fn unfit(shape: ShapeRef) -> AwsError {
    unwritable(format!("The value does not fit the shape {}", shape.name()))
}

/// An [`AwsError`] with what the model knows about it.
#[derive(Debug)]
pub(crate) struct ResolvedError {
    /// The model's error structure, if it has one for the code.
    pub(crate) shape: Option<ShapeRef>,
    /// The name of the model's shape, or the bare code: what JSON and CBOR answer.
    pub(crate) name: String,
    /// The code that the error facts give, or else the name: what query and XML protocols answer.
    pub(crate) code: String,
    pub(crate) status: u16,
    pub(crate) fault: Fault,
    pub(crate) message: String,
    /// How the message is called, where that is not the model's way.
    pub(crate) message_name: Option<&'static str>,
    /// The modelled members with the message among them; `None` without a shape.
    pub(crate) members: Option<StructValue>,
}

impl ResolvedError {
    /// `Sender` or `Receiver`.
    pub(crate) fn fault_name(&self) -> &'static str {
        match self.fault {
            Fault::Sender => "Sender",
            Fault::Receiver => "Receiver",
        }
    }
}

/// Finds the error's shape by its name or by the code of its facts, and makes the structure of its members.
pub(crate) fn resolve(model: Option<&'static ServiceModel>, error: &AwsError) -> ResolvedError {
    let found = model.and_then(|model| find(model, &error.code));
    let mut resolved = ResolvedError {
        shape: found.map(|(shape, _)| shape),
        name: error.code.to_string(),
        code: error.code.to_string(),
        status: error.status,
        fault: error.fault,
        message: error.message.clone(),
        message_name: error.json_message,
        members: None,
    };
    if let Some((shape, facts)) = found {
        resolved.name = shape.name().to_owned();
        resolved.code = facts.code.clone().unwrap_or_else(|| shape.name().to_owned());
        if let Some(status) = facts.status {
            resolved.status = status;
        }
        resolved.fault = match facts.sender_fault {
            Some(true) => Fault::Sender,
            Some(false) => Fault::Receiver,
            None if resolved.status >= 500 => Fault::Receiver,
            None => Fault::Sender,
        };
        let mut members = StructValue::new(shape);
        if let Some((index, _)) = message_member(shape)
            && !error.message.is_empty()
            && error.json_message.is_none()
        {
            members.set_at(index, Value::String(error.message.clone()));
        }
        for (name, json) in &error.details {
            // A detail that does not fit the model is a slip of a service; the error itself still goes out.
            if let Some((index, member)) = shape.member(name)
                && let Ok(value) = Value::from_json(shape.target(member), json)
            {
                members.set_at(index, value);
            }
        }
        resolved.members = Some(members);
    }
    resolved
}

/// The member that carries the text: `message`, `Message` and other spellings.
pub(crate) fn message_member(shape: ShapeRef) -> Option<(u16, &'static virga_shape::Member)> {
    ["message", "Message", "errorMessage", "ErrorMessage"]
        .iter()
        .find_map(|name| shape.member(name))
        .filter(|(_, member)| matches!(shape.target(member).kind(), Kind::String))
}

/// The error shape that `code` means in `model`.
pub(crate) fn find(model: &'static ServiceModel, code: &str) -> Option<(ShapeRef, &'static ErrorFacts)> {
    if let Some(shape) = model.shape_named(code)
        && let Some(facts) = facts(shape)
    {
        return Some((shape, facts));
    }
    let by_code = model.shapes.iter().find(|shape| match &shape.kind {
        Kind::Structure { error: Some(facts), .. } => facts.code.as_deref() == Some(code),
        _ => false,
    })?;
    let shape = model.shape_named(&by_code.name)?;
    Some((shape, facts(shape)?))
}

fn facts(shape: ShapeRef) -> Option<&'static ErrorFacts> {
    match shape.kind() {
        Kind::Structure { error, .. } => error.as_ref(),
        _ => None,
    }
}

/// What a client makes of an error answer: `code` as it came (namespaces already cut off), the members as read.
pub(crate) fn received(
    model: &'static ServiceModel,
    code: &str,
    message: Option<String>,
    status: u16,
    members: Option<StructValue>,
) -> AwsError {
    let name = find(model, code).map_or_else(|| code.to_owned(), |(shape, _)| shape.name().to_owned());
    let mut error = AwsError::new(name, "").with_status(status);
    let mut message = message;
    if let Some(members) = members {
        let shape = members.shape();
        let text_index = message_member(shape).map(|(index, _)| index);
        for (index, value) in members.fields() {
            let Some(member) = shape.members().get(usize::from(*index)) else {
                continue;
            };
            match value {
                Value::String(text) if Some(*index) == text_index => {
                    message.get_or_insert_with(|| text.clone());
                }
                _ => error.details.push((member.name.clone().into(), value.to_json())),
            }
        }
    }
    error.message = message.unwrap_or_default();
    error
}

/// The error's type as JSON 1.0 and CBOR spell it: `namespace#Code`. Codes that the model does not know come from the
/// framework that AWS's services are built with, and carry its namespace.
pub(crate) fn absolute_type(model: Option<&ServiceModel>, resolved: &ResolvedError) -> String {
    let name = &resolved.name;
    match (model, resolved.shape) {
        (Some(model), Some(_)) => format!("{}#{name}", namespace(model)),
        _ if name == "ValidationException" => format!("com.amazon.coral.validate#{name}"),
        _ => format!("com.amazon.coral.service#{name}"),
    }
}

/// `com.amazonaws.sqs`; where the target prefix is dated (`DynamoDB_20120810`) the date is part of it:
/// `com.amazonaws.dynamodb.v20120810`.
fn namespace(model: &ServiceModel) -> String {
    let date = model
        .target_prefix
        .as_deref()
        .and_then(|prefix| prefix.rsplit_once('_'));
    match date {
        Some((_, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => {
            format!("com.amazonaws.{}.v{date}", model.signing_name)
        }
        _ => format!("com.amazonaws.{}", model.signing_name),
    }
}

/// How the text of an error without a shape is called.
pub(crate) fn message_name(resolved: &ResolvedError) -> &'static str {
    if let Some(name) = resolved.message_name {
        return name;
    }
    match resolved.name.as_str() {
        "SerializationException" | "AccessDeniedException" => "Message",
        _ => "message",
    }
}

/// The headers of an error answer: the error's own, the request's id, and for services that once spoke query their old
/// code.
pub(crate) fn headers(
    model: Option<&ServiceModel>,
    resolved: &ResolvedError,
    error: &AwsError,
    request_id: &str,
) -> HeaderMap {
    let mut headers = answer_headers();
    set_request_id(&mut headers, request_id);
    if model.is_some_and(|model| model.query_compatible) {
        let old = format!("{};{}", resolved.code, resolved.fault_name());
        set_header(&mut headers, "x-amzn-query-error", &old);
    }
    for (name, value) in &error.headers {
        set_header(&mut headers, name, value);
    }
    headers
}

/// Room for the headers of an answer, and of the request that comes after it on its connection, since hyper reads that into the
/// same memory: AWS's clients send about a dozen. To make more room then would cost more than to have it at once.
pub(crate) fn answer_headers() -> HeaderMap {
    HeaderMap::with_capacity(12)
}

/// The request's id in answers of JSON, CBOR and query.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

pub(crate) fn set_request_id(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(&REQUEST_ID, value);
    }
}

pub(crate) fn set_content_type(headers: &mut HeaderMap, content_type: &'static str) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
}

/// Sets a header; one that HTTP cannot carry is left out, since an answer without it is better than none.
pub(crate) fn set_header(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_bytes(value.as_bytes()),
    ) {
        headers.insert(name, value);
    }
}

/// A client of a service that once spoke query asks for the codes of then.
pub(crate) fn ask_for_query_errors(model: &ServiceModel, headers: &mut HeaderMap) {
    if model.query_compatible {
        set_header(headers, "x-amzn-query-mode", "true");
    }
}

/// The code in `x-amzn-query-error`.
pub(crate) fn query_error_code(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("x-amzn-query-error")?.to_str().ok()?;
    Some(text.split_once(';').map_or(text, |(code, _)| code))
}

/// Cuts a JSON or CBOR error type down to its code: `ns#Code` and `Code:http://…` both give `Code`.
pub(crate) fn bare_code(text: &str) -> &str {
    let text = text.split_once(':').map_or(text, |(before, _)| before);
    text.rsplit_once('#').map_or(text, |(_, after)| after)
}
