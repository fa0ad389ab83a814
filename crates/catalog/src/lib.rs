//! The services in the house, as `cargo xtask gen` lists them.

mod generated;

pub use generated::services;
