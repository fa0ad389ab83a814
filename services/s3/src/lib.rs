//! Amazon Simple Storage Service: buckets, and objects of any size in them.

// While the parts of this service are built beside each other.
#![allow(dead_code)]

mod access;
mod bucket;
mod errors;
mod limits;
mod object;
mod ops;
mod owner;
mod reply;
mod state;
pub mod wire;

use ops::bucket as buckets;
use ops::object::{delete, put, read};
use reply::{Reply, replying};
use virga_service::{Fidelity, Service, Validation};

/// The service with all its faces.
pub fn service() -> Service {
    let full = Fidelity::Full;
    Service::new(wire::MODEL, Validation::Own)
        .anonymous()
        .tables(&state::TABLES)
        .on(wire::CREATE_BUCKET, buckets::create)
        .on(wire::DELETE_BUCKET, buckets::delete)
        .on(wire::GET_BUCKET_LOCATION, buckets::location)
        .register(wire::HEAD_BUCKET.name, full, replying(buckets::head))
        .on(wire::LIST_BUCKETS, buckets::list)
        .on(wire::DELETE_OBJECT, delete::delete)
        .register(wire::GET_OBJECT.name, full, replying(read::get))
        .register(wire::HEAD_OBJECT.name, full, replying(read::head))
        .register(
            wire::PUT_OBJECT.name,
            full,
            replying(async |ctx, input| put::put(ctx, input).await.map(Reply::from)),
        )
}
