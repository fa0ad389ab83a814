//! The operations, one file per noun.

pub mod acl;
pub mod bucket;
pub mod closed;
pub mod config;
pub mod deprecated;
pub mod encryption;
pub mod lifecycle;
pub mod list;
pub mod multipart;
pub mod notification;
pub mod object;
pub mod object_lock;
pub mod object_tagging;
pub mod ownership;
pub mod policy;
pub mod public_access;
pub mod replication;
pub mod request_payment;
pub mod select;
pub mod versioning;
