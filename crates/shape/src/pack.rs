//! The embedded pack of all of AWS's models, opened lazily.
//!
//! Layout of `models/pack.bin`: [`MAGIC`], the index's length (four bytes, little-endian), the [`Index`] in postcard, then
//! frames of raw deflate that the index points into: one per service (a [`ServiceModel`] in postcard), and one of all
//! names of operations. The index is read on first use, in tens of microseconds; a service's model when it is first
//! asked for, and kept for the life of the process.

use crate::{Protocol, ServiceModel};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

/// What the file begins with.
pub const MAGIC: &[u8; 8] = b"virgapk1";

static PACK: &[u8] = include_bytes!("../../../models/pack.bin");

/// Start and length of a part, in bytes.
pub type Span = (u32, u32);

/// The first part of the file.
#[derive(Debug, Deserialize, Serialize)]
pub struct Index<'a> {
    /// The version of botocore that the models come from.
    pub botocore_version: &'a str,
    /// The frame with the names of operations.
    pub names: Span,
    pub names_raw_length: u32,
    /// Sorted by name.
    #[serde(borrow)]
    pub entries: Vec<Entry<'a>>,
}

/// What is known of a service without loading its model.
#[derive(Debug, Deserialize, Serialize)]
pub struct Entry<'a> {
    pub name: &'a str,
    pub service_id: &'a str,
    pub full_name: &'a str,
    pub api_version: &'a str,
    pub endpoint_prefix: &'a str,
    pub signing_name: &'a str,
    pub protocols: Vec<Protocol>,
    pub target_prefix: Option<&'a str>,
    pub query_compatible: bool,
    pub operation_count: u32,
    /// The first eight bytes of the SHA-256 of the model in postcard; generated code carries it.
    pub hash: u64,
    /// The model's frame.
    pub frame: Span,
    pub raw_length: u32,
    /// The part of the inflated names that is this service's, one name per line.
    pub operations: Span,
}

impl Entry<'static> {
    /// The names of the service's operations, sorted. The first call inflates those of all services.
    pub fn operation_names(&self) -> impl Iterator<Item = &'static str> {
        let (start, length) = self.operations;
        let names = operation_names();
        let range = start as usize..start as usize + length as usize;
        names.get(range).unwrap_or_default().lines()
    }
}

struct Pack {
    index: Index<'static>,
    frames: &'static [u8],
    by_name: HashMap<&'static str, usize>,
    models: Vec<OnceLock<Option<&'static ServiceModel>>>,
    names: OnceLock<String>,
}

static OPEN: LazyLock<Pack> = LazyLock::new(|| {
    let (index, frames) = split(PACK).unwrap_or_else(|| (empty(), &[]));
    Pack {
        by_name: index
            .entries
            .iter()
            .enumerate()
            .map(|(i, entry)| (entry.name, i))
            .collect(),
        models: index.entries.iter().map(|_| OnceLock::new()).collect(),
        names: OnceLock::new(),
        index,
        frames,
    }
});

/// The model of the service with that name (botocore's folder), loaded on first use and kept.
pub fn service(name: &str) -> Option<&'static ServiceModel> {
    let at = *OPEN.by_name.get(name)?;
    *OPEN.models.get(at)?.get_or_init(|| load(OPEN.index.entries.get(at)?))
}

/// The model of the service at that position of [`services`].
pub(crate) fn service_at(at: usize) -> Option<&'static ServiceModel> {
    *OPEN.models.get(at)?.get_or_init(|| load(OPEN.index.entries.get(at)?))
}

/// The position in [`services`] of the service with that name.
pub(crate) fn position(name: &str) -> Option<usize> {
    OPEN.by_name.get(name).copied()
}

/// All services, sorted by name. Loads no model.
pub fn services() -> &'static [Entry<'static>] {
    &OPEN.index.entries
}

/// What is known without loading the model of the service with that name.
pub fn entry(name: &str) -> Option<&'static Entry<'static>> {
    OPEN.index.entries.get(position(name)?)
}

/// The version of botocore that the models come from.
pub fn botocore_version() -> &'static str {
    OPEN.index.botocore_version
}

/// The bytes of the file, for checks of its freshness.
pub fn bytes() -> &'static [u8] {
    PACK
}

fn split(pack: &'static [u8]) -> Option<(Index<'static>, &'static [u8])> {
    let rest = pack.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (index, frames) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((postcard::from_bytes(index).ok()?, frames))
}

/// Stands in for a damaged file, which a test would have refused; every service is then unknown.
fn empty() -> Index<'static> {
    Index {
        botocore_version: "",
        names: (0, 0),
        names_raw_length: 0,
        entries: Vec::new(),
    }
}

fn inflate((start, length): Span, raw_length: u32) -> Option<Vec<u8>> {
    let frame = OPEN.frames.get(start as usize..start as usize + length as usize)?;
    let mut raw = Vec::with_capacity(raw_length as usize);
    let mut inflater = flate2::Decompress::new(false);
    inflater
        .decompress_vec(frame, &mut raw, flate2::FlushDecompress::Finish)
        .ok()?;
    (raw.len() == raw_length as usize).then_some(raw)
}

fn load(entry: &Entry<'_>) -> Option<&'static ServiceModel> {
    let raw = inflate(entry.frame, entry.raw_length)?;
    let model: ServiceModel = postcard::from_bytes(&raw).ok()?;
    Some(Box::leak(Box::new(model)))
}

fn operation_names() -> &'static str {
    OPEN.names.get_or_init(|| {
        inflate(OPEN.index.names, OPEN.index.names_raw_length)
            .and_then(|raw| String::from_utf8(raw).ok())
            .unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::{entry, service, services};
    use crate::{Kind, Location, Protocol};

    #[test]
    fn every_service_loads_and_agrees_with_its_entry() {
        assert_eq!(services().len(), 424);
        let mut operations = 0;
        for entry in services() {
            let model = service(entry.name).expect(entry.name);
            assert_eq!(entry.operation_count as usize, model.operations.len(), "{}", entry.name);
            assert!(
                entry
                    .operation_names()
                    .eq(model.operations.iter().map(|operation| operation.name.as_str()))
            );
            assert_eq!(entry.protocols, model.protocols);
            assert!(
                std::ptr::eq(model, service(entry.name).expect(entry.name)),
                "loaded once"
            );
            operations += model.operations.len();
        }
        assert_eq!(operations, 18_379);
        assert!(service("no-such-service").is_none());
    }

    #[test]
    fn sqs_speaks_query_beside_json() {
        let sqs = service("sqs").expect("sqs");
        assert_eq!(sqs.protocols, [Protocol::Json10, Protocol::Query]);
        assert_eq!(
            sqs.xml_namespace.as_deref(),
            Some("http://queue.amazonaws.com/doc/2012-11-05/")
        );
        let request = sqs.shape_named("CreateQueueRequest").expect("shape");
        let (_, attributes) = request.member("Attributes").expect("member");
        assert_eq!(
            (
                attributes.wire_name(),
                attributes.query_wire_name(),
                attributes.flattened
            ),
            ("Attributes", "Attribute", true)
        );
        let Kind::Map { key, value, .. } = request.target(attributes).kind() else {
            panic!("a map");
        };
        assert_eq!((key.query_wire_name(), value.query_wire_name()), ("Name", "Value"));
        let missing = sqs.shape_named("QueueDoesNotExist").expect("shape");
        let Kind::Structure { error: Some(facts), .. } = missing.kind() else {
            panic!("an error");
        };
        assert_eq!(facts.code.as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue"));
        let send = sqs.operation("SendMessage").expect("operation");
        assert_eq!(send.result_wrapper.as_deref(), Some("SendMessageResult"));
    }

    #[test]
    fn cloudwatch_speaks_three_protocols() {
        assert_eq!(
            entry("cloudwatch").map(|entry| entry.protocols.as_slice()),
            Some([Protocol::RpcV2Cbor, Protocol::Json10, Protocol::Query].as_slice())
        );
    }

    #[test]
    fn facts_on_shapes_reach_the_members() {
        let put = service("s3")
            .and_then(|s3| s3.shape_named("PutObjectRequest"))
            .expect("shape");
        let (index, body) = put.member("Body").expect("member");
        assert!(body.streaming);
        assert!(matches!(put.kind(), Kind::Structure { payload: Some(payload), .. } if *payload == index));
        let (_, metadata) = put.member("Metadata").expect("member");
        assert_eq!(metadata.location, Some(Location::Headers));
    }
}
