//! The configurations of buckets: put, told, taken away.

pub mod cors;
pub mod lists;
pub mod logging;
pub mod metadata;
pub mod switches;
pub mod tagging;
pub mod website;

use crate::reply::replying;
use crate::wire;
use virga_service::{Fidelity, Service};

/// Adds these operations, and what they cause, to the service.
pub fn register(service: Service) -> Service {
    let service = service
        .on(wire::PUT_BUCKET_CORS, cors::put)
        .on(wire::GET_BUCKET_CORS, cors::get)
        .on(wire::DELETE_BUCKET_CORS, cors::delete)
        .cross_origin(cors::decide)
        .register(wire::PUT_BUCKET_TAGGING.name, Fidelity::Full, replying(tagging::put))
        .on(wire::GET_BUCKET_TAGGING, tagging::get)
        .on(wire::DELETE_BUCKET_TAGGING, tagging::delete)
        .on(wire::PUT_BUCKET_WEBSITE, website::put)
        .on(wire::GET_BUCKET_WEBSITE, website::get)
        .on(wire::DELETE_BUCKET_WEBSITE, website::delete)
        .site("s3-website", crate::site::serve)
        .on(wire::PUT_BUCKET_LOGGING, logging::put)
        .served(crate::logs::wanted, crate::logs::note)
        .due(crate::logs::DELIVER, crate::logs::deliver)
        .on(wire::GET_BUCKET_LOGGING, logging::get)
        .stored(wire::PUT_BUCKET_ACCELERATE_CONFIGURATION, switches::put_acceleration)
        .on(wire::GET_BUCKET_ACCELERATE_CONFIGURATION, switches::get_acceleration)
        .stored(wire::PUT_BUCKET_ABAC, switches::put_abac)
        .on(wire::GET_BUCKET_ABAC, switches::get_abac);
    metadata::register(lists::register(service))
}
