//! What the models say: services, operations, shapes, members. Facts only; AWS's prose stays out.
//!
//! A service's shapes form a graph with cycles, so shapes name each other by [`ShapeId`], an index into
//! [`ServiceModel::shapes`]. [`ShapeRef`] pairs the index with its model and is what code passes around.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An AWS wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    Query,
    Ec2,
    Json10,
    Json11,
    RestJson,
    RestXml,
    RpcV2Cbor,
}

impl Protocol {
    /// The name that botocore and Smithy give the protocol, with the version of JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Query => "query",
            Protocol::Ec2 => "ec2",
            Protocol::Json10 => "json-1.0",
            Protocol::Json11 => "json-1.1",
            Protocol::RestJson => "rest-json",
            Protocol::RestXml => "rest-xml",
            Protocol::RpcV2Cbor => "smithy-rpc-v2-cbor",
        }
    }

    /// Whether operations are told apart by HTTP method and path.
    pub fn is_rest(self) -> bool {
        matches!(self, Protocol::RestJson | Protocol::RestXml)
    }
}

/// An index into [`ServiceModel::shapes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShapeId(pub u32);

/// One AWS service at one API version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceModel {
    /// The folder of botocore's data: `sqs`, `stepfunctions`. Unique; the name that the house uses.
    pub name: String,
    /// AWS's own short name: `SQS`, `SFN`.
    pub service_id: String,
    pub full_name: String,
    pub api_version: String,
    pub endpoint_prefix: String,
    /// The service part of a credential scope; the endpoint prefix where the model has none.
    pub signing_name: String,
    /// The first is the one clients prefer; a request may come over each.
    pub protocols: Vec<Protocol>,
    pub target_prefix: Option<String>,
    pub xml_namespace: Option<String>,
    /// JSON answers carry `x-amzn-query-error` (`awsQueryCompatible`).
    pub query_compatible: bool,
    /// Sorted by name.
    pub operations: Vec<Operation>,
    /// Sorted by name.
    pub shapes: Vec<Shape>,
}

impl ServiceModel {
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations
            .binary_search_by(|o| o.name.as_str().cmp(name))
            .ok()
            .map(|i| &self.operations[i])
    }

    pub fn shape_id(&self, name: &str) -> Option<ShapeId> {
        self.shapes
            .binary_search_by(|s| s.name.as_str().cmp(name))
            .ok()
            .map(|i| ShapeId(i as u32))
    }

    /// Pairs a shape with this model.
    pub fn shape_ref(&'static self, id: ShapeId) -> ShapeRef {
        ShapeRef { model: self, id }
    }

    pub fn shape_named(&'static self, name: &str) -> Option<ShapeRef> {
        self.shape_id(name).map(|id| self.shape_ref(id))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    pub name: String,
    /// HTTP method, `POST` for the protocols that know no other.
    pub method: String,
    /// Path template with a literal query where the model has one: `/2015-03-31/functions/{FunctionName}?x=y`.
    pub uri: String,
    /// HTTP status of success; 200 unless the model says otherwise.
    pub status: u16,
    pub input: Option<ShapeId>,
    pub output: Option<ShapeId>,
    /// The error structures that the model lists.
    pub errors: Vec<ShapeId>,
    /// Name and namespace of the root element of an XML request.
    pub input_root: Option<String>,
    pub input_namespace: Option<XmlNamespace>,
    /// The element that holds a query answer's members (`SendMessageResult`).
    pub result_wrapper: Option<String>,
    /// What clients put before the host name, with labels: `{AccountId}.`.
    pub host_prefix: Option<String>,
    pub http_checksum: Option<HttpChecksum>,
    pub http_checksum_required: bool,
    pub unsigned_payload: bool,
    /// `none` where callers need not sign.
    pub auth_type: Option<String>,
    pub deprecated: bool,
}

/// Which members carry checksums (`httpChecksum`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HttpChecksum {
    pub request_algorithm_member: Option<String>,
    pub request_checksum_required: bool,
    pub request_validation_mode_member: Option<String>,
    pub response_algorithms: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct XmlNamespace {
    pub uri: String,
    pub prefix: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    pub name: String,
    pub kind: Kind,
    pub constraints: Option<Box<Constraints>>,
    /// Values are secret and stay out of logs and error messages.
    pub sensitive: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    Structure {
        /// In the model's order.
        members: Vec<Member>,
        /// The index of the member that is the whole body.
        payload: Option<u16>,
        /// Exactly one member is set.
        union: bool,
        /// Set for shapes that the model marks as exceptions.
        error: Option<ErrorFacts>,
        /// Members are events of a stream.
        event_stream: bool,
        /// This structure is one event of a stream.
        event: bool,
        /// Holds any JSON document.
        document: bool,
        /// The element name that the shape itself gives its root.
        root: Option<String>,
        namespace: Option<XmlNamespace>,
    },
    List {
        /// The element: only its target and naming matter.
        element: Box<Member>,
        flattened: bool,
        /// Keeps nulls.
        sparse: bool,
    },
    Map {
        key: Box<Member>,
        value: Box<Member>,
        flattened: bool,
        sparse: bool,
    },
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp(Option<TimestampFormat>),
    Blob {
        streaming: bool,
        requires_length: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimestampFormat {
    Iso8601,
    UnixSeconds,
    HttpDate,
}

/// `min` and `max` bound a string's or collection's length or a number's value, by the shape's kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Constraints {
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub pattern: Option<String>,
    /// Values of an enum, in the model's order; empty where the string is free.
    pub values: Vec<String>,
}

/// How an exception appears on the wire.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorFacts {
    /// The code where it is not the shape's name.
    pub code: Option<String>,
    pub status: Option<u16>,
    pub sender_fault: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The model's name, by which clients' code knows it. Empty for elements, keys and values.
    pub name: String,
    /// The name on the wire where it is another (`locationName`).
    pub wire: Option<String>,
    /// The name in requests of EC2 (`queryName`), and in requests and answers of the query protocol where the service
    /// also speaks one that calls the member otherwise (SQS). See [`Member::query_wire_name`].
    pub query_name: Option<String>,
    pub target: ShapeId,
    pub location: Option<Location>,
    pub namespace: Option<XmlNamespace>,
    pub timestamp_format: Option<TimestampFormat>,
    pub required: bool,
    pub flattened: bool,
    pub streaming: bool,
    pub idempotency_token: bool,
    /// JSON in base64 inside a header.
    pub json_value: bool,
    pub host_label: bool,
    pub xml_attribute: bool,
    pub event_payload: bool,
}

impl Member {
    /// The name on the wire.
    pub fn wire_name(&self) -> &str {
        self.wire.as_deref().unwrap_or(&self.name)
    }

    /// Whether the member, which points to `target`, is never in the value: streamed bytes and events.
    pub fn travels_apart(&self, target: ShapeRef) -> bool {
        match target.kind() {
            Kind::Blob { streaming, .. } => *streaming || self.streaming,
            Kind::Structure { event_stream, .. } => *event_stream,
            _ => false,
        }
    }

    /// The name on the wire of the query protocol, in requests and answers; of elements, keys and values too.
    pub fn query_wire_name(&self) -> &str {
        self.query_name.as_deref().unwrap_or_else(|| self.wire_name())
    }
}

/// Where in an HTTP message a member travels; the body unless set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Location {
    Header,
    /// Headers with a common prefix, as a map.
    Headers,
    Uri,
    QueryString,
    StatusCode,
}

/// A shape together with the model that it belongs to.
#[derive(Clone, Copy)]
pub struct ShapeRef {
    model: &'static ServiceModel,
    id: ShapeId,
}

impl ShapeRef {
    pub fn model(self) -> &'static ServiceModel {
        self.model
    }

    pub fn id(self) -> ShapeId {
        self.id
    }

    pub fn shape(self) -> &'static Shape {
        &self.model.shapes[self.id.0 as usize]
    }

    pub fn name(self) -> &'static str {
        &self.shape().name
    }

    pub fn kind(self) -> &'static Kind {
        &self.shape().kind
    }

    pub fn constraints(self) -> Option<&'static Constraints> {
        self.shape().constraints.as_deref()
    }

    /// A structure's members; none for other kinds.
    pub fn members(self) -> &'static [Member] {
        match self.kind() {
            Kind::Structure { members, .. } => members,
            _ => &[],
        }
    }

    /// The index and facts of the member with that model name.
    pub fn member(self, name: &str) -> Option<(u16, &'static Member)> {
        self.members()
            .iter()
            .position(|m| m.name == name)
            .map(|i| (i as u16, &self.members()[i]))
    }

    /// The shape that a member of this model points to.
    pub fn target(self, member: &Member) -> ShapeRef {
        ShapeRef {
            model: self.model,
            id: member.target,
        }
    }

    /// The element shape of a list, the value shape of a map.
    pub fn element(self) -> Option<ShapeRef> {
        match self.kind() {
            Kind::List { element, .. } => Some(self.target(element)),
            Kind::Map { value, .. } => Some(self.target(value)),
            _ => None,
        }
    }
}

impl PartialEq for ShapeRef {
    fn eq(&self, other: &ShapeRef) -> bool {
        self.id == other.id && std::ptr::eq(self.model, other.model)
    }
}

impl fmt::Debug for ShapeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.model.name, self.name())
    }
}
