//! Multipart uploads: begun, filled with parts, listed, completed or aborted.

pub mod complete;
pub mod copy;

pub mod create;
pub mod list;
pub mod part;

use crate::reply::{Reply, replying};
use crate::wire;
use virga_service::{Fidelity, Service};

/// Adds the operations to the service.
pub fn register(service: Service) -> Service {
    service
        .on(wire::ABORT_MULTIPART_UPLOAD, create::abort)
        .on(wire::COMPLETE_MULTIPART_UPLOAD, complete::complete)
        .on(wire::CREATE_MULTIPART_UPLOAD, create::create)
        .on(wire::LIST_MULTIPART_UPLOADS, list::uploads)
        .on(wire::LIST_PARTS, list::parts)
        .on(wire::UPLOAD_PART_COPY, copy::copy)
        .register(
            wire::UPLOAD_PART.name,
            Fidelity::Full,
            replying(async |ctx, input| part::upload(ctx, input).await.map(Reply::from)),
        )
}
