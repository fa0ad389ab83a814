//! From botocore's JSON to a [`ServiceModel`].
//!
//! botocore keeps a fact about a member on the reference or on the shape it points to, and reads the two merged, the
//! reference first. So does this.

use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, HashMap};
use virga_shape::{
    Constraints, ErrorFacts, HttpChecksum, Kind, Location, Member, Operation, Protocol, ServiceModel, Shape, ShapeId,
    TimestampFormat, XmlNamespace,
};

type Object = Map<String, Json>;

static NOTHING: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::new);

fn object<'a>(of: &'a Object, name: &str) -> &'a Object {
    of.get(name).and_then(Json::as_object).unwrap_or(&NOTHING)
}

fn text(of: &Object, name: &str) -> Option<String> {
    of.get(name).and_then(Json::as_str).map(str::to_owned)
}

fn flag(of: &Object, name: &str) -> bool {
    of.get(name).and_then(Json::as_bool).unwrap_or(false)
}

fn texts(of: &Object, name: &str) -> Vec<String> {
    of.get(name)
        .and_then(Json::as_array)
        .map(|items| items.iter().filter_map(Json::as_str).map(str::to_owned).collect())
        .unwrap_or_default()
}

pub fn service(name: &str, json: &Json) -> Result<ServiceModel, String> {
    let top = json.as_object().ok_or("not an object")?;
    let metadata = object(top, "metadata");
    let shapes = object(top, "shapes");
    let mut names: Vec<&String> = shapes.keys().collect();
    names.sort();
    let converter = Converter {
        shapes,
        ids: names
            .iter()
            .enumerate()
            .map(|(i, name)| (name.as_str(), ShapeId(i as u32)))
            .collect(),
    };
    let protocols = protocols(metadata)?;
    let query = protocols.contains(&Protocol::Query);
    let mut error_facts = BTreeMap::new();
    let mut operations = Vec::new();
    for (name, operation) in object(top, "operations") {
        let operation = operation.as_object().ok_or(format!("{name} is not an object"))?;
        operations.push(
            converter
                .operation(name, operation, query, &mut error_facts)
                .map_err(|error| format!("{name}: {error}"))?,
        );
    }
    operations.sort_by(|a, b| a.name.cmp(&b.name));
    let mut table = Vec::new();
    for name in names {
        let shape = converter.shape(name, object(shapes, name), &error_facts);
        table.push(shape.map_err(|error| format!("{name}: {error}"))?);
    }
    let endpoint_prefix = text(metadata, "endpointPrefix").ok_or("no endpointPrefix")?;
    Ok(ServiceModel {
        name: name.to_owned(),
        service_id: text(metadata, "serviceId").ok_or("no serviceId")?,
        full_name: text(metadata, "serviceFullName").ok_or("no serviceFullName")?,
        api_version: text(metadata, "apiVersion").ok_or("no apiVersion")?,
        signing_name: text(metadata, "signingName").unwrap_or_else(|| endpoint_prefix.clone()),
        endpoint_prefix,
        protocols,
        target_prefix: text(metadata, "targetPrefix"),
        xml_namespace: text(metadata, "xmlNamespace"),
        query_compatible: metadata.contains_key("awsQueryCompatible"),
        operations,
        shapes: table,
    })
}

fn protocols(metadata: &Object) -> Result<Vec<Protocol>, String> {
    let mut names = texts(metadata, "protocols");
    if names.is_empty() {
        names.extend(text(metadata, "protocol"));
    }
    let json = match metadata.get("jsonVersion").and_then(Json::as_str) {
        Some("1.0") => Protocol::Json10,
        _ => Protocol::Json11,
    };
    names
        .iter()
        .map(|name| {
            Ok(match name.as_str() {
                "query" => Protocol::Query,
                "ec2" => Protocol::Ec2,
                "json" => json,
                "rest-json" => Protocol::RestJson,
                "rest-xml" => Protocol::RestXml,
                "smithy-rpc-v2-cbor" => Protocol::RpcV2Cbor,
                other => return Err(format!("unknown protocol {other}")),
            })
        })
        .collect()
}

fn namespace(of: &Object) -> Option<XmlNamespace> {
    let namespace = of.get("xmlNamespace")?;
    let fields = namespace.as_object().unwrap_or(&NOTHING);
    Some(XmlNamespace {
        uri: text(fields, "uri").or_else(|| namespace.as_str().map(str::to_owned))?,
        prefix: text(fields, "prefix"),
    })
}

fn timestamp_format(of: &Object) -> Result<Option<TimestampFormat>, String> {
    Ok(match of.get("timestampFormat").and_then(Json::as_str) {
        None => None,
        Some("iso8601") => Some(TimestampFormat::Iso8601),
        Some("unixTimestamp") => Some(TimestampFormat::UnixSeconds),
        Some("rfc822") => Some(TimestampFormat::HttpDate),
        Some(other) => return Err(format!("unknown timestamp format {other}")),
    })
}

struct Converter<'a> {
    shapes: &'a Object,
    ids: HashMap<&'a str, ShapeId>,
}

impl Converter<'_> {
    fn target(&self, reference: &Object) -> Result<ShapeId, String> {
        let name = reference
            .get("shape")
            .and_then(Json::as_str)
            .ok_or("a reference without shape")?;
        self.ids.get(name).copied().ok_or(format!("no shape {name}"))
    }

    fn optional(&self, operation: &Object, name: &str) -> Result<Option<ShapeId>, String> {
        match operation.get(name).and_then(Json::as_object) {
            Some(reference) => self.target(reference).map(Some),
            None => Ok(None),
        }
    }

    fn operation(
        &self,
        name: &str,
        operation: &Object,
        query: bool,
        error_facts: &mut BTreeMap<ShapeId, ErrorFacts>,
    ) -> Result<Operation, String> {
        let http = object(operation, "http");
        let (input, output) = (object(operation, "input"), object(operation, "output"));
        let mut errors = Vec::new();
        for error in operation.get("errors").and_then(Json::as_array).into_iter().flatten() {
            let reference = error.as_object().ok_or("an error that is not an object")?;
            let id = self.target(reference)?;
            errors.push(id);
            // The oldest models say here, not on the shape, how the error appears.
            if reference.contains_key("error") {
                error_facts.insert(id, facts(reference));
            }
        }
        let checksum = operation.get("httpChecksum").and_then(Json::as_object);
        Ok(Operation {
            name: name.to_owned(),
            method: text(http, "method").ok_or("no method")?,
            uri: text(http, "requestUri").ok_or("no requestUri")?,
            status: http.get("responseCode").and_then(Json::as_u64).unwrap_or(200) as u16,
            input: self.optional(operation, "input")?,
            output: self.optional(operation, "output")?,
            errors,
            input_root: text(input, "locationName"),
            input_namespace: namespace(input),
            result_wrapper: match text(output, "resultWrapper") {
                None if query && !output.is_empty() => Some(format!("{name}Result")),
                other => other,
            },
            host_prefix: text(object(operation, "endpoint"), "hostPrefix"),
            http_checksum: checksum.map(|checksum| HttpChecksum {
                request_algorithm_member: text(checksum, "requestAlgorithmMember"),
                request_checksum_required: flag(checksum, "requestChecksumRequired"),
                request_validation_mode_member: text(checksum, "requestValidationModeMember"),
                response_algorithms: texts(checksum, "responseAlgorithms"),
            }),
            http_checksum_required: flag(operation, "httpChecksumRequired"),
            unsigned_payload: flag(operation, "unsignedPayload"),
            auth_type: text(operation, "authtype").or_else(|| {
                let auth = texts(operation, "auth");
                (auth == ["smithy.api#noAuth"]).then(|| "none".to_owned())
            }),
            deprecated: flag(operation, "deprecated"),
        })
    }

    fn shape(&self, name: &str, shape: &Object, error_facts: &BTreeMap<ShapeId, ErrorFacts>) -> Result<Shape, String> {
        let kind = match text(shape, "type").as_deref() {
            Some("structure") => self.structure(name, shape, error_facts)?,
            Some("list") => Kind::List {
                element: Box::new(self.member("", object(shape, "member"), false)?),
                flattened: flag(shape, "flattened"),
                sparse: flag(shape, "sparse"),
            },
            Some("map") => Kind::Map {
                key: Box::new(self.member("", object(shape, "key"), false)?),
                value: Box::new(self.member("", object(shape, "value"), false)?),
                flattened: flag(shape, "flattened"),
                sparse: flag(shape, "sparse"),
            },
            Some("string" | "character") => Kind::String,
            Some("integer") => Kind::Integer,
            Some("long") => Kind::Long,
            Some("float") => Kind::Float,
            Some("double") => Kind::Double,
            Some("boolean") => Kind::Boolean,
            Some("timestamp") => Kind::Timestamp(timestamp_format(shape)?),
            Some("blob") => Kind::Blob {
                streaming: flag(shape, "streaming"),
                requires_length: flag(shape, "requiresLength"),
            },
            other => return Err(format!("unknown type {other:?}")),
        };
        let constraints = Constraints {
            min: shape.get("min").and_then(Json::as_f64),
            max: shape.get("max").and_then(Json::as_f64),
            pattern: text(shape, "pattern"),
            values: texts(shape, "enum"),
        };
        Ok(Shape {
            name: name.to_owned(),
            kind,
            constraints: (constraints != Constraints::default()).then(|| Box::new(constraints)),
            sensitive: flag(shape, "sensitive"),
        })
    }

    fn structure(
        &self,
        name: &str,
        shape: &Object,
        error_facts: &BTreeMap<ShapeId, ErrorFacts>,
    ) -> Result<Kind, String> {
        let required = texts(shape, "required");
        let fields = object(shape, "members");
        let members = fields
            .iter()
            .map(|(name, reference)| {
                let reference = reference.as_object().ok_or("a member that is not an object")?;
                self.member(name, reference, required.contains(name))
            })
            .collect::<Result<Vec<_>, String>>()?;
        let payload = match text(shape, "payload") {
            Some(name) => {
                let index = members.iter().position(|member| member.name == name);
                Some(index.ok_or(format!("payload {name} is no member"))? as u16)
            }
            None => None,
        };
        let listed = self.ids.get(name).and_then(|id| error_facts.get(id));
        let error = match listed {
            Some(listed) if !shape.contains_key("error") => Some(listed.clone()),
            _ => (flag(shape, "exception") || shape.contains_key("error")).then(|| facts(shape)),
        };
        Ok(Kind::Structure {
            members,
            payload,
            union: flag(shape, "union"),
            error,
            event_stream: flag(shape, "eventstream"),
            event: flag(shape, "event"),
            document: flag(shape, "document"),
            root: text(shape, "locationName"),
            namespace: namespace(shape),
        })
    }

    fn member(&self, name: &str, reference: &Object, required: bool) -> Result<Member, String> {
        let target = self.target(reference)?;
        let shape = object(
            self.shapes,
            reference.get("shape").and_then(Json::as_str).unwrap_or_default(),
        );
        let either = |fact: &str| flag(reference, fact) || flag(shape, fact);
        let location = match reference.get("location").and_then(Json::as_str) {
            None => None,
            Some("header") => Some(Location::Header),
            Some("headers") => Some(Location::Headers),
            Some("uri") => Some(Location::Uri),
            Some("querystring") => Some(Location::QueryString),
            Some("statusCode") => Some(Location::StatusCode),
            Some(other) => return Err(format!("unknown location {other}")),
        };
        let wire = text(reference, "locationName").or_else(|| text(shape, "locationName"));
        Ok(Member {
            name: name.to_owned(),
            wire: wire.filter(|wire| wire != name),
            query_name: text(reference, "queryName"),
            target,
            location,
            namespace: namespace(reference).or_else(|| namespace(shape)),
            timestamp_format: match timestamp_format(reference)? {
                None => timestamp_format(shape)?,
                some => some,
            },
            required,
            flattened: either("flattened"),
            streaming: either("streaming"),
            idempotency_token: flag(reference, "idempotencyToken"),
            json_value: flag(reference, "jsonvalue"),
            host_label: flag(reference, "hostLabel"),
            xml_attribute: flag(reference, "xmlAttribute"),
            event_payload: flag(reference, "eventpayload"),
        })
    }
}

/// `fault` is the model's word for errors that are the service's own; they are 500 unless it says otherwise.
fn facts(of: &Object) -> ErrorFacts {
    let error = object(of, "error");
    let fault = flag(of, "fault") || flag(error, "fault");
    ErrorFacts {
        code: text(error, "code"),
        status: error
            .get("httpStatusCode")
            .and_then(Json::as_u64)
            .map(|status| status as u16)
            .or(fault.then_some(500)),
        sender_fault: error
            .get("senderFault")
            .and_then(Json::as_bool)
            .or(fault.then_some(false)),
    }
}
