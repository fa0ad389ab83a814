//! Signatures: who a request says it comes from, and whether that is true.
//!
//! [`read`] finds the [`Claim`] in a request's headers or query string, without believing it. [`verify`] recomputes the
//! signature with the secret of the key, where there is one. [`ChunkChain`] goes on with the signatures inside an
//! `aws-chunked` body. What is wrong is a [`Fault`], which AWS words differently for each [`Family`] of protocols.
//!
//! Nothing here looks up keys or reads a clock; both are handed in. Signatures of version 2 are verified as S3 has
//! them; `AWS4-ECDSA-P256-SHA256` (SigV4A) is read but never verified.

mod canonical;
mod chunks;
mod claim;
mod fault;
mod headers;
mod signing;
mod verify;
mod version2;

pub use canonical::canonical_request;
pub use chunks::ChunkChain;
pub use claim::{Carrier, Claim, Facts, Scheme, read, text};
pub use fault::{Family, Fault};
pub use headers::Headers;
pub use signing::{Signer, SigningKeys, sha256, sha256_hex};
pub use verify::{Verified, check_link, check_token, verify};
pub use version2::verify_v2;

/// Stands for the hash of a body that is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// The SHA-256 of nothing, in hexadecimal.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
