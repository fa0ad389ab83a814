//! Turns a service's description in botocore's JSON form (`service-2.json`) into a [`ServiceModel`].
//!
//! Documentation, examples and facts about clients (endpoint discovery, retries) are left behind. Facts that botocore
//! allows on a member as well as on its shape (`flattened`, `streaming`, names, namespaces) are merged onto the member.

use crate::{
    Constraints, ErrorFacts, HttpChecksum, Kind, Location, Member, Operation, Protocol, ServiceModel, Shape, ShapeId,
    TimestampFormat, XmlNamespace,
};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;

/// Reads the description `json` of the service whose folder in botocore's data is `name`.
///
/// # Errors
/// A sentence saying where the description is not what botocore would accept: an unknown type, protocol or location, or
/// a reference to a shape that is not there.
pub fn convert(name: &str, json: &Json) -> Result<ServiceModel, String> {
    let root = Facts::new(json, name)?;
    let metadata = root.object("metadata")?;
    let shapes_json = root.object("shapes")?;
    let mut names: Vec<&String> = shapes_json.map.keys().collect();
    names.sort_unstable();
    let operations_json = root.object("operations")?;
    let reader = Reader {
        listed_errors: listed_errors(&operations_json),
        ids: names
            .iter()
            .enumerate()
            .map(|(i, n)| (n.as_str(), ShapeId(i as u32)))
            .collect(),
        shapes: shapes_json.map,
    };
    let shapes = names.iter().map(|n| reader.shape(n)).collect::<Result<_, _>>()?;
    let mut operation_names: Vec<&String> = operations_json.map.keys().collect();
    operation_names.sort_unstable();
    let operations = operation_names
        .iter()
        .map(|n| reader.operation(n, &Facts::new(&operations_json.map[n.as_str()], n)?))
        .collect::<Result<_, _>>()?;
    let endpoint_prefix = metadata.text("endpointPrefix").unwrap_or(name).to_owned();
    Ok(ServiceModel {
        name: name.to_owned(),
        service_id: metadata.text("serviceId").unwrap_or(name).to_owned(),
        full_name: metadata.text("serviceFullName").unwrap_or(name).to_owned(),
        api_version: metadata.text("apiVersion").unwrap_or_default().to_owned(),
        signing_name: metadata.text("signingName").unwrap_or(&endpoint_prefix).to_owned(),
        endpoint_prefix,
        protocols: protocols(&metadata)?,
        target_prefix: metadata.owned("targetPrefix"),
        xml_namespace: namespace(metadata.map.get("xmlNamespace")).map(|n| n.uri),
        query_compatible: metadata.map.contains_key("awsQueryCompatible"),
        operations,
        shapes,
    })
}

/// The protocols in the model's order of preference.
fn protocols(metadata: &Facts<'_>) -> Result<Vec<Protocol>, String> {
    let first = metadata.text("protocol");
    let names: Vec<&str> = match metadata.map.get("protocols").and_then(Json::as_array) {
        Some(list) => list.iter().filter_map(Json::as_str).collect(),
        None => first.into_iter().collect(),
    };
    let json = match metadata.text("jsonVersion") {
        Some("1.1") => Protocol::Json11,
        _ => Protocol::Json10,
    };
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let protocol = match name {
            "query" => Protocol::Query,
            "ec2" => Protocol::Ec2,
            "json" => json,
            "rest-json" => Protocol::RestJson,
            "rest-xml" => Protocol::RestXml,
            "smithy-rpc-v2-cbor" => Protocol::RpcV2Cbor,
            other => return Err(format!("{}: unknown protocol {other}", metadata.place)),
        };
        if !found.contains(&protocol) {
            found.push(protocol);
        }
    }
    if found.is_empty() {
        return Err(format!("{}: no protocol", metadata.place));
    }
    Ok(found)
}

/// A JSON object, and its name for messages.
struct Facts<'a> {
    map: &'a Map<String, Json>,
    place: &'a str,
}

impl<'a> Facts<'a> {
    fn new(json: &'a Json, place: &'a str) -> Result<Facts<'a>, String> {
        match json.as_object() {
            Some(map) => Ok(Facts { map, place }),
            None => Err(format!("{place}: not an object")),
        }
    }

    fn object(&self, key: &'a str) -> Result<Facts<'a>, String> {
        match self.map.get(key) {
            Some(json) => Facts::new(json, key),
            None => Err(format!("{}: lacks {key}", self.place)),
        }
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.map.get(key).and_then(Json::as_str)
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    fn flag(&self, key: &str) -> bool {
        self.map.get(key).and_then(Json::as_bool).unwrap_or(false)
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.map.get(key).and_then(Json::as_f64)
    }

    fn status(&self, key: &str) -> Option<u16> {
        let status = self.map.get(key)?.as_u64()?;
        u16::try_from(status).ok()
    }

    fn texts(&self, key: &str) -> Vec<String> {
        let list = self.map.get(key).and_then(Json::as_array);
        let texts = list.into_iter().flatten().filter_map(Json::as_str);
        texts.map(str::to_owned).collect()
    }
}

/// `"uri"` in metadata, `{"uri": …, "prefix": …}` elsewhere.
fn namespace(json: Option<&Json>) -> Option<XmlNamespace> {
    match json? {
        Json::String(uri) => Some(XmlNamespace {
            uri: uri.clone(),
            prefix: None,
        }),
        Json::Object(map) => Some(XmlNamespace {
            uri: map.get("uri")?.as_str()?.to_owned(),
            prefix: map.get("prefix").and_then(Json::as_str).map(str::to_owned),
        }),
        _ => None,
    }
}

fn timestamp_format(facts: &Facts<'_>) -> Result<Option<TimestampFormat>, String> {
    match facts.text("timestampFormat") {
        None => Ok(None),
        Some("iso8601") => Ok(Some(TimestampFormat::Iso8601)),
        Some("unixTimestamp") => Ok(Some(TimestampFormat::UnixSeconds)),
        Some("rfc822") => Ok(Some(TimestampFormat::HttpDate)),
        Some(other) => Err(format!("{}: unknown timestampFormat {other}", facts.place)),
    }
}

fn location(facts: &Facts<'_>) -> Result<Option<Location>, String> {
    match facts.text("location") {
        None => Ok(None),
        Some("header") => Ok(Some(Location::Header)),
        Some("headers") => Ok(Some(Location::Headers)),
        Some("uri") => Ok(Some(Location::Uri)),
        Some("querystring") => Ok(Some(Location::QueryString)),
        Some("statusCode") => Ok(Some(Location::StatusCode)),
        Some(other) => Err(format!("{}: unknown location {other}", facts.place)),
    }
}

/// The oldest models (importexport, sdb) say on an operation's list, not on the shape, how an error appears.
fn listed_errors<'a>(operations: &Facts<'a>) -> HashMap<&'a str, &'a Json> {
    let lists = operations
        .map
        .values()
        .filter_map(|operation| operation.get("errors")?.as_array());
    lists
        .flatten()
        .filter(|reference| reference.get("error").is_some())
        .filter_map(|reference| Some((reference.get("shape")?.as_str()?, reference)))
        .collect()
}

struct Reader<'a> {
    shapes: &'a Map<String, Json>,
    ids: HashMap<&'a str, ShapeId>,
    listed_errors: HashMap<&'a str, &'a Json>,
}

impl<'a> Reader<'a> {
    fn id(&self, name: &str, place: &str) -> Result<ShapeId, String> {
        let found = self.ids.get(name).copied();
        found.ok_or_else(|| format!("{place}: there is no shape {name}"))
    }

    /// The shape that `facts` (a member, an input, an error) refers to.
    fn target(&self, facts: &Facts<'_>) -> Result<ShapeId, String> {
        match facts.text("shape") {
            Some(name) => self.id(name, facts.place),
            None => Err(format!("{}: names no shape", facts.place)),
        }
    }

    fn shape(&self, name: &'a str) -> Result<Shape, String> {
        let facts = Facts::new(&self.shapes[name], name)?;
        let kind = match facts.text("type") {
            Some("structure") => self.structure(&facts)?,
            Some("list") => Kind::List {
                element: Box::new(self.member("", &facts.object("member")?)?),
                flattened: facts.flag("flattened"),
                sparse: facts.flag("sparse"),
            },
            Some("map") => Kind::Map {
                key: Box::new(self.member("", &facts.object("key")?)?),
                value: Box::new(self.member("", &facts.object("value")?)?),
                flattened: facts.flag("flattened"),
                sparse: facts.flag("sparse"),
            },
            Some("string" | "character") => Kind::String,
            Some("integer" | "short" | "byte") => Kind::Integer,
            Some("long" | "bigint" | "biginteger") => Kind::Long,
            Some("float") => Kind::Float,
            Some("double" | "bigdecimal") => Kind::Double,
            Some("boolean") => Kind::Boolean,
            Some("timestamp") => Kind::Timestamp(timestamp_format(&facts)?),
            Some("blob") => Kind::Blob {
                streaming: facts.flag("streaming"),
                requires_length: facts.flag("requiresLength"),
            },
            other => return Err(format!("{name}: unknown type {other:?}")),
        };
        Ok(Shape {
            name: name.to_owned(),
            kind,
            constraints: constraints(&facts),
            sensitive: facts.flag("sensitive"),
        })
    }

    fn structure(&self, facts: &Facts<'_>) -> Result<Kind, String> {
        let members_json = facts.object("members")?;
        let required = facts.texts("required");
        let mut members = Vec::with_capacity(members_json.map.len());
        for (name, json) in members_json.map {
            let mut member = self.member(name, &Facts::new(json, name)?)?;
            member.required = required.contains(name);
            members.push(member);
        }
        let payload = match facts.text("payload") {
            Some(name) => match members.iter().position(|m| m.name == name) {
                Some(index) => Some(index as u16),
                None => return Err(format!("{}: the payload {name} is no member", facts.place)),
            },
            None => None,
        };
        Ok(Kind::Structure {
            members,
            payload,
            union: facts.flag("union"),
            error: match self.listed_errors.get(facts.place) {
                Some(listed) if !facts.map.contains_key("error") => error_facts(&Facts::new(listed, facts.place)?),
                _ => error_facts(facts),
            },
            event_stream: facts.flag("eventstream"),
            event: facts.flag("event"),
            document: facts.flag("document"),
            root: facts.owned("locationName"),
            namespace: namespace(facts.map.get("xmlNamespace")),
        })
    }

    fn member(&self, name: &str, facts: &Facts<'_>) -> Result<Member, String> {
        let target = self.target(facts)?;
        let target_json = facts.text("shape").and_then(|shape| self.shapes.get(shape));
        let target_fact = |key: &str| target_json.and_then(|t| t.get(key));
        let target_flag = |key: &str| target_fact(key).and_then(Json::as_bool) == Some(true);
        let wire = facts.text("locationName");
        let wire = wire.or_else(|| target_fact("locationName").and_then(Json::as_str));
        Ok(Member {
            name: name.to_owned(),
            wire: wire.filter(|wire| *wire != name).map(str::to_owned),
            query_name: facts.owned("queryName"),
            target,
            location: location(facts)?,
            namespace: namespace(facts.map.get("xmlNamespace").or_else(|| target_fact("xmlNamespace"))),
            timestamp_format: timestamp_format(facts)?,
            required: false,
            flattened: facts.flag("flattened") || target_flag("flattened"),
            streaming: facts.flag("streaming") || target_flag("streaming"),
            idempotency_token: facts.flag("idempotencyToken"),
            json_value: facts.flag("jsonvalue"),
            host_label: facts.flag("hostLabel"),
            xml_attribute: facts.flag("xmlAttribute"),
            event_payload: facts.flag("eventpayload"),
        })
    }

    fn operation(&self, name: &str, facts: &Facts<'_>) -> Result<Operation, String> {
        let part = |key: &'static str| facts.map.get(key).map(|json| Facts::new(json, key)).transpose();
        let http = part("http")?;
        let input = part("input")?;
        let output = part("output")?;
        let errors = facts.map.get("errors").and_then(Json::as_array);
        Ok(Operation {
            name: name.to_owned(),
            method: http
                .as_ref()
                .and_then(|h| h.text("method"))
                .unwrap_or("POST")
                .to_owned(),
            uri: http
                .as_ref()
                .and_then(|h| h.text("requestUri"))
                .unwrap_or("/")
                .to_owned(),
            status: http.as_ref().and_then(|h| h.status("responseCode")).unwrap_or(200),
            input: input.as_ref().map(|i| self.target(i)).transpose()?,
            output: output.as_ref().map(|o| self.target(o)).transpose()?,
            errors: errors
                .into_iter()
                .flatten()
                .map(|json| self.target(&Facts::new(json, name)?))
                .collect::<Result<_, _>>()?,
            input_root: input.as_ref().and_then(|i| i.owned("locationName")),
            input_namespace: input.as_ref().and_then(|i| namespace(i.map.get("xmlNamespace"))),
            result_wrapper: output.as_ref().and_then(|o| o.owned("resultWrapper")),
            host_prefix: part("endpoint")?.and_then(|e| e.owned("hostPrefix")),
            http_checksum: part("httpChecksum")?.map(|c| HttpChecksum {
                request_algorithm_member: c.owned("requestAlgorithmMember"),
                request_checksum_required: c.flag("requestChecksumRequired"),
                request_validation_mode_member: c.owned("requestValidationModeMember"),
                response_algorithms: c.texts("responseAlgorithms"),
            }),
            http_checksum_required: facts.flag("httpChecksumRequired"),
            unsigned_payload: facts.flag("unsignedPayload"),
            auth_type: auth_type(facts),
            deprecated: facts.flag("deprecated"),
        })
    }
}

fn constraints(facts: &Facts<'_>) -> Option<Box<Constraints>> {
    let found = Constraints {
        min: facts.number("min"),
        max: facts.number("max"),
        pattern: facts.owned("pattern"),
        values: facts.texts("enum"),
    };
    (found != Constraints::default()).then(|| Box::new(found))
}

/// Facts for every shape that the model marks as an exception, whether or not it says more about it.
fn error_facts(facts: &Facts<'_>) -> Option<ErrorFacts> {
    if !facts.flag("exception") && !facts.map.contains_key("error") {
        return None;
    }
    let own = facts
        .map
        .get("error")
        .and_then(|json| Facts::new(json, facts.place).ok());
    let own = own.as_ref();
    let fault = facts.flag("fault") || own.is_some_and(|e| e.flag("fault"));
    Some(ErrorFacts {
        code: own.and_then(|e| e.owned("code")),
        status: own.and_then(|e| e.status("httpStatusCode")).or(fault.then_some(500)),
        sender_fault: own
            .and_then(|e| e.map.get("senderFault")?.as_bool())
            .or(fault.then_some(false)),
    })
}

/// `none` for operations that need no signature, whichever of botocore's two spellings says so.
fn auth_type(facts: &Facts<'_>) -> Option<String> {
    if let Some(old) = facts.text("authtype") {
        return Some(old.to_owned());
    }
    let schemes = facts.texts("auth");
    (schemes.first().map(String::as_str) == Some("smithy.api#noAuth")).then(|| "none".to_owned())
}

#[cfg(test)]
mod tests {
    use super::convert;
    use crate::{Kind, Location, Protocol};
    use serde_json::json;

    #[test]
    fn facts_of_members_and_shapes_are_merged() {
        let model = convert(
            "sample",
            &json!({
                "metadata": {"apiVersion": "2020-01-01", "endpointPrefix": "sample-api", "protocols": ["json", "query"],
                    "protocol": "json", "jsonVersion": "1.1", "awsQueryCompatible": {}, "xmlNamespace": "http://x/"},
                "operations": {"Put": {"name": "Put", "http": {"method": "PUT", "requestUri": "/{K}"},
                    "input": {"shape": "In"}, "errors": [{"shape": "Broken"}], "auth": ["smithy.api#noAuth"]}},
                "shapes": {
                    "In": {"type": "structure", "required": ["K"], "payload": "B", "members": {
                        "K": {"shape": "S", "location": "uri", "locationName": "K"},
                        "L": {"shape": "L", "locationName": "l"},
                        "B": {"shape": "B"}}},
                    "S": {"type": "string", "min": 1, "enum": ["a"]},
                    "L": {"type": "list", "member": {"shape": "S", "locationName": "item"}, "flattened": true},
                    "B": {"type": "blob", "streaming": true},
                    "Broken": {"type": "structure", "members": {}, "exception": true, "fault": true}
                }
            }),
        )
        .unwrap();
        assert_eq!(model.protocols, [Protocol::Json11, Protocol::Query]);
        assert!(model.query_compatible);
        assert_eq!(model.signing_name, "sample-api");
        let operation = model.operation("Put").unwrap();
        assert_eq!(operation.auth_type.as_deref(), Some("none"));
        let shape = |name: &str| &model.shapes[model.shape_id(name).unwrap().0 as usize];
        let Kind::Structure { members, payload, .. } = &shape("In").kind else {
            panic!("no structure")
        };
        assert_eq!(*payload, Some(2));
        assert_eq!((members[0].location, members[0].required), (Some(Location::Uri), true));
        assert_eq!(members[0].wire, None, "a name equal to the member's is no other name");
        assert!(members[1].flattened && members[2].streaming);
        let Kind::Structure { error: Some(facts), .. } = &shape("Broken").kind else {
            panic!("no error")
        };
        assert_eq!((facts.status, facts.sender_fault), (Some(500), Some(false)));
    }

    #[test]
    fn what_botocore_would_refuse_is_refused() {
        let with = |shapes: serde_json::Value| {
            convert(
                "x",
                &json!({"metadata": {"protocol": "json"}, "operations": {}, "shapes": shapes}),
            )
        };
        assert!(with(json!({})).is_ok());
        assert!(with(json!({"A": {"type": "list", "member": {"shape": "B"}}})).is_err());
        assert!(with(json!({"A": {"type": "tensor"}})).is_err());
        assert!(
            convert(
                "x",
                &json!({"metadata": {"protocol": "soap"}, "operations": {}, "shapes": {}})
            )
            .is_err()
        );
    }
}
