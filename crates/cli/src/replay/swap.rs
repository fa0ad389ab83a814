//! What the server makes and clients send back: receipt handles, ids, tokens, keys. Where a replay is answered others than
//! the recording was, they take the recorded ones' places in the calls that follow.

use crate::client::Reply;
use crate::journal::{Body, Entry};
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};
use virga_codec::{OperationRef, WireRequest};
use virga_shape::{StructValue, Value, pack};

/// Shorter texts are hardly ids, and too likely to stand for something else.
const LENGTH_MIN: usize = 8;
/// Alignment of lists compares each with each.
const ALIGNED_MAX: usize = 200;

/// A request to be sent.
pub(super) struct Request {
    pub method: Method,
    /// With the query string.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A key that the server has issued during the replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Secret {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub token: Option<String>,
}

#[derive(Default)]
pub(super) struct Swap {
    /// Recorded text to answered text.
    texts: HashMap<String, String>,
    /// By the recorded key.
    secrets: HashMap<String, Secret>,
    /// Texts that clients made up themselves.
    sent: HashSet<String>,
    /// Calls that were changed.
    pub(super) changed: u64,
}

impl Swap {
    /// The request that stands for a recorded one.
    pub(super) fn request(&mut self, entry: &Entry) -> Request {
        let body = match &entry.body {
            Body::Whole(body) => Bytes::copy_from_slice(body),
            Body::Missing(_) => Bytes::new(),
        };
        let recorded = Request {
            method: entry.method.clone(),
            path: entry.path.clone(),
            headers: entry.headers.clone(),
            body,
        };
        match self.changed(entry, &recorded) {
            Some(changed) => {
                self.changed += 1;
                changed
            }
            None => recorded,
        }
    }

    fn changed(&mut self, entry: &Entry, recorded: &Request) -> Option<Request> {
        let (op, protocol) = (operation(entry)?, entry.protocol?);
        let (path, query) = recorded.path.split_once('?').unwrap_or((&recorded.path, ""));
        let wire = WireRequest {
            method: recorded.method.as_str(),
            path,
            query,
            headers: &recorded.headers,
            body: &recorded.body,
        };
        let mut input = virga_codec::decode_request(protocol, op, &wire).ok()?;
        if !self.replace(&mut input) {
            return None;
        }
        let encoded = virga_codec::encode_request(protocol, op, &input).ok()?;
        let mut headers = recorded.headers.clone();
        headers.extend(encoded.headers);
        let path = match encoded.query.as_str() {
            "" => encoded.path,
            query => format!("{}?{query}", encoded.path),
        };
        Some(Request {
            method: Method::try_from(encoded.method.as_str()).ok()?,
            path,
            headers,
            body: encoded.body,
        })
    }

    /// Puts answered texts in the place of recorded ones; answers whether there were any.
    fn replace(&mut self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.texts.get(text) {
                Some(new) => {
                    text.clone_from(new);
                    true
                }
                None => {
                    self.sent.insert(text.clone());
                    false
                }
            },
            Value::List(items) => items.iter_mut().fold(false, |any, item| self.replace(item) | any),
            Value::Map(entries) => entries
                .iter_mut()
                .fold(false, |any, (_, item)| self.replace(item) | any),
            Value::Struct(structure) => {
                let shape = structure.shape();
                let fields = std::mem::replace(structure, StructValue::new(shape)).into_fields();
                let mut any = false;
                for (index, mut field) in fields {
                    any |= self.replace(&mut field);
                    structure.set_at(index, field);
                }
                any
            }
            _ => false,
        }
    }

    /// The key that was issued in the place of a recorded one.
    pub(super) fn secret(&self, entry: &Entry) -> Option<&Secret> {
        self.secrets.get(&entry.credential.as_ref()?.access_key_id)
    }

    /// Learns from a call's two answers.
    pub(super) fn learn(&mut self, recorded: &Json, answered: &Json) {
        match (recorded, answered) {
            (Json::String(old), Json::String(new)) if old != new => {
                let is_opaque = old.len() >= LENGTH_MIN && !old.contains(char::is_whitespace);
                if is_opaque && !self.sent.contains(old) {
                    self.texts.insert(old.clone(), new.clone());
                }
            }
            (Json::Array(old), Json::Array(new)) => {
                for (old, new) in align(old, new) {
                    self.learn(old, new);
                }
            }
            (Json::Object(old), Json::Object(new)) => {
                let text = |object: &serde_json::Map<String, Json>, name: &str| {
                    object.get(name).and_then(Json::as_str).map(str::to_owned)
                };
                if let (Some(recorded), Some(access_key_id), Some(secret_access_key)) = (
                    text(old, "AccessKeyId"),
                    text(new, "AccessKeyId"),
                    text(new, "SecretAccessKey"),
                ) {
                    let token = text(new, "SessionToken");
                    let secret = Secret {
                        access_key_id,
                        secret_access_key,
                        token,
                    };
                    self.secrets.insert(recorded, secret);
                }
                for (name, old) in old {
                    if let Some(new) = new.get(name) {
                        self.learn(old, new);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Which elements of two lists stand for each other: those that have most in common, in order where nothing tells them
/// apart. Queues need not give their messages in the same order.
fn align<'a>(old: &'a [Json], new: &'a [Json]) -> Vec<(&'a Json, &'a Json)> {
    if old.len().max(new.len()) > ALIGNED_MAX {
        return old.iter().zip(new).collect();
    }
    let mut left: Vec<&Json> = new.iter().collect();
    let mut pairs = Vec::new();
    for old in old {
        let best = (0..left.len())
            .rev()
            .max_by_key(|index| left.get(*index).map_or(0, |new| alike(old, new)));
        if let Some(best) = best {
            pairs.push((old, left.remove(best)));
        }
    }
    pairs
}

/// How many members two objects have in common.
fn alike(old: &Json, new: &Json) -> usize {
    match (old, new) {
        (Json::Object(old), Json::Object(new)) => {
            old.iter().filter(|(name, value)| new.get(*name) == Some(value)).count()
        }
        _ => usize::from(old == new),
    }
}

pub(super) fn operation(entry: &Entry) -> Option<OperationRef> {
    OperationRef::find(pack::service(entry.service.as_deref()?)?, entry.operation.as_deref()?)
}

/// What an answer says, by the API model.
pub(super) fn read_answer(entry: &Entry, reply: &Reply) -> Option<Value> {
    let body = Bytes::copy_from_slice(&reply.body);
    virga_codec::decode_response(entry.protocol?, operation(entry)?, reply.status, &reply.headers, &body).ok()
}

#[cfg(test)]
mod tests {
    use super::{Secret, Swap, align};
    use serde_json::json;

    #[test]
    fn what_the_server_made_is_learned_and_what_clients_made_is_not() {
        let mut swap = Swap::default();
        swap.sent.insert("body-of-a-client".to_owned());
        swap.learn(
            &json!({"Messages": [{"ReceiptHandle": "old-handle", "Body": "body-of-a-client", "Note": "two words", "N": "1"}]}),
            &json!({"Messages": [{"ReceiptHandle": "new-handle", "Body": "body-of-another", "Note": "other words", "N": "2"}]}),
        );
        assert_eq!(swap.texts.len(), 1);
        assert_eq!(swap.texts.get("old-handle").map(String::as_str), Some("new-handle"));
    }

    #[test]
    fn messages_are_found_by_what_they_say() {
        let old = [
            json!({"Body": "a", "Id": "1"}),
            json!({"Body": "b", "Id": "2"}),
            json!({"Id": "3"}),
        ];
        let new = [
            json!({"Body": "b", "Id": "x"}),
            json!({"Id": "y"}),
            json!({"Body": "a", "Id": "z"}),
        ];
        let pairs = align(&old, &new);
        assert_eq!(pairs, [(&old[0], &new[2]), (&old[1], &new[0]), (&old[2], &new[1])]);
    }

    #[test]
    fn keys_come_with_their_secrets() {
        let mut swap = Swap::default();
        let old =
            json!({"Credentials": {"AccessKeyId": "ASIAOLDOLD", "SecretAccessKey": "***", "SessionToken": "***"}});
        let new = json!({"Credentials": {"AccessKeyId": "ASIANEWNEW", "SecretAccessKey": "s", "SessionToken": "t"}});
        swap.learn(&old, &new);
        let expected = Secret {
            access_key_id: "ASIANEWNEW".to_owned(),
            secret_access_key: "s".to_owned(),
            token: Some("t".to_owned()),
        };
        assert_eq!(swap.secrets.get("ASIAOLDOLD"), Some(&expected));
    }
}
