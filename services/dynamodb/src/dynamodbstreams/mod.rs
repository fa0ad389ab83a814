//! Amazon DynamoDB Streams: reads what [`super`] writes into `STREAMS` and `RECORDS`.

pub mod wire;

use virga_service::{Service, Validation};

/// The service.
pub fn service() -> Service {
    Service::new(wire::MODEL, Validation::Standard(crate::errors::VALIDATION))
}
