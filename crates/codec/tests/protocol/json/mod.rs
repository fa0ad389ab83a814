//! awsJson, rest-json and rpc-v2-cbor.

mod conformance;
mod mutations;
mod properties;
