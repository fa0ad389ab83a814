//! Amazon Simple Storage Service: buckets, and objects of any size in them.

mod access;
mod access_point;
mod acl;
mod bucket;
mod call;
mod config;
mod configuration;
mod due;
mod errors;
mod events;
mod form;
mod hex;
mod lifecycle;
mod limits;
mod listing;
mod lock;
mod logs;
mod notification;
mod object;
mod ops;
mod owner;
mod policy;
mod replication;
mod reply;
pub mod s3control;
pub mod select;
mod site;
mod state;
mod upload;
pub mod wire;

use ops::list::{objects, versions};
use ops::multipart;
use ops::object::{attributes, copy, delete, delete_many, encrypt, post, put, read, rename, restore};
use ops::{
    acl as acls, bucket as buckets, closed, encryption, object_lock, object_tagging, ownership, policy as policies,
    public_access, request_payment, versioning,
};
use reply::{Reply, replying};
use virga_service::{Fidelity, Service, Validation};

/// The service with all its faces.
pub fn service() -> Service {
    ops::config::register(with_objects())
}

/// Buckets, objects, and who may reach them.
fn with_objects() -> Service {
    let full = Fidelity::Full;
    let service = due::register(Service::new(wire::MODEL, Validation::Own));
    let service = object_lock::register(multipart::register(service));
    service
        .anonymous()
        .tables(state::TABLES)
        .on(wire::CREATE_BUCKET, buckets::create)
        .on(wire::DELETE_BUCKET, buckets::delete)
        .on(wire::GET_BUCKET_LOCATION, buckets::location)
        .register(wire::HEAD_BUCKET.name, full, replying(buckets::head))
        .on(wire::LIST_BUCKETS, buckets::list)
        .on(wire::GET_BUCKET_ACL, acls::get_of_bucket)
        .on(wire::PUT_BUCKET_ACL, acls::put_of_bucket)
        .on(wire::GET_OBJECT_ACL, acls::get_of_object)
        .on(wire::PUT_OBJECT_ACL, acls::put_of_object)
        .on(wire::GET_BUCKET_POLICY, policies::get)
        .register(
            wire::PUT_BUCKET_POLICY.name,
            full,
            replying(async |ctx, input| {
                // The model says 200.
                policies::put(ctx, input).await.map(|output| Reply {
                    status: Some(204),
                    ..Reply::from(output)
                })
            }),
        )
        .on(wire::DELETE_BUCKET_POLICY, policies::delete)
        .on(wire::GET_BUCKET_POLICY_STATUS, policies::status)
        .on(wire::GET_PUBLIC_ACCESS_BLOCK, public_access::get)
        .on(wire::PUT_PUBLIC_ACCESS_BLOCK, public_access::put)
        .on(wire::DELETE_PUBLIC_ACCESS_BLOCK, public_access::delete)
        .on(wire::GET_BUCKET_OWNERSHIP_CONTROLS, ownership::get)
        .on(wire::PUT_BUCKET_OWNERSHIP_CONTROLS, ownership::put)
        .on(wire::DELETE_BUCKET_OWNERSHIP_CONTROLS, ownership::delete)
        .on(wire::GET_BUCKET_REQUEST_PAYMENT, request_payment::get)
        .on(wire::PUT_BUCKET_REQUEST_PAYMENT, request_payment::put)
        .on(wire::DELETE_OBJECT, delete::delete)
        .register(wire::GET_OBJECT.name, full, replying(read::get))
        .register(wire::HEAD_OBJECT.name, full, replying(read::head))
        .register(wire::POST_OBJECT.name, full, replying(post::post))
        .register(
            wire::PUT_OBJECT.name,
            full,
            replying(async |ctx, input| put::put(ctx, input).await.map(Reply::from)),
        )
        .on(wire::COPY_OBJECT, copy::copy)
        .on(wire::DELETE_OBJECTS, delete_many::delete)
        .on(wire::GET_OBJECT_ATTRIBUTES, attributes::get)
        .on(wire::RENAME_OBJECT, rename::rename)
        .register(wire::RESTORE_OBJECT.name, full, replying(restore::restore))
        .on(wire::GET_OBJECT_TAGGING, object_tagging::get)
        .on(wire::PUT_OBJECT_TAGGING, object_tagging::put)
        .on(wire::DELETE_OBJECT_TAGGING, object_tagging::delete)
        .on(wire::LIST_OBJECTS, objects::list)
        .on(wire::LIST_OBJECTS_V2, objects::list_v2)
        .on(wire::LIST_OBJECT_VERSIONS, versions::list)
        .register(wire::SELECT_OBJECT_CONTENT.name, full, ops::select::handler())
        .on(wire::CREATE_SESSION, closed::create_session)
        .on(wire::GET_OBJECT_TORRENT, closed::torrent)
        .on(wire::LIST_DIRECTORY_BUCKETS, closed::list_directory_buckets)
        .on(wire::WRITE_GET_OBJECT_RESPONSE, closed::write_response)
        .on(wire::UPDATE_OBJECT_ENCRYPTION, encrypt::update)
        .on(wire::GET_BUCKET_ENCRYPTION, encryption::get)
        .on(wire::PUT_BUCKET_ENCRYPTION, encryption::put)
        .on(wire::DELETE_BUCKET_ENCRYPTION, encryption::delete)
        .on(wire::GET_BUCKET_VERSIONING, versioning::get)
        .on(wire::PUT_BUCKET_VERSIONING, versioning::put)
}
