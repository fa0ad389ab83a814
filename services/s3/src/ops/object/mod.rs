//! Objects: written, read, copied, deleted.

pub mod attributes;
pub mod copy;
pub mod delete;
pub mod delete_many;
pub mod encrypt;
pub mod post;
pub mod put;
pub mod read;
pub mod rename;
pub mod restore;
