//! Amazon DynamoDB Streams: reads what [`super`] writes into `STREAMS` and `RECORDS`.
//!
//! A stream has one shard for all of its life.

mod iterator;
mod read;
pub mod wire;

use virga_service::{Service, Validation};

/// The service.
pub fn service() -> Service {
    Service::new(wire::MODEL, Validation::Standard(crate::errors::VALIDATION))
        .on(wire::LIST_STREAMS, read::list)
        .on(wire::DESCRIBE_STREAM, read::describe)
        .on(wire::GET_SHARD_ITERATOR, read::get_iterator)
        .on(wire::GET_RECORDS, read::get_records)
}
