//! One file per noun, one function per operation.

pub mod federated;
pub mod identity;
pub mod role;
pub mod token;
