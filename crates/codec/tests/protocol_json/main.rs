//! awsJson, rest-json and rpc-v2-cbor from outside: the conformance cases, random values, damaged messages.

mod cases;
mod conformance;
mod mutations;
mod properties;
