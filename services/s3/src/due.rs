//! What S3 does by itself, and the configurations that tell it to.

use crate::lifecycle::{run as walk, schedule};
use crate::ops::object::restore;
use crate::ops::{deprecated, lifecycle, notification, replication};
use crate::replication::run as replicate;
use crate::wire;
use virga_service::Service;

/// Adds these operations and kinds of deferred work.
pub fn register(service: Service) -> Service {
    service
        .on(wire::GET_BUCKET_NOTIFICATION_CONFIGURATION, notification::get)
        .on(wire::PUT_BUCKET_NOTIFICATION_CONFIGURATION, notification::put)
        .on(wire::GET_BUCKET_NOTIFICATION, deprecated::get_notification)
        .on(wire::PUT_BUCKET_NOTIFICATION, deprecated::put_notification)
        .on(wire::GET_BUCKET_LIFECYCLE, deprecated::get_lifecycle)
        .on(wire::PUT_BUCKET_LIFECYCLE, deprecated::put_lifecycle)
        .on(wire::DELETE_BUCKET_LIFECYCLE, lifecycle::delete)
        .on(wire::GET_BUCKET_LIFECYCLE_CONFIGURATION, lifecycle::get)
        .on(wire::PUT_BUCKET_LIFECYCLE_CONFIGURATION, lifecycle::put)
        .on(wire::DELETE_BUCKET_REPLICATION, replication::delete)
        .on(wire::GET_BUCKET_REPLICATION, replication::get)
        .on(wire::PUT_BUCKET_REPLICATION, replication::put)
        .due(schedule::LIFECYCLE, walk::step)
        .due(replicate::REPLICATE, replicate::run)
        .due(restore::RESTORED, restore::come)
}
