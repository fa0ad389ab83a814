//! The chain of signatures in an `aws-chunked` body: each covers its chunk and the signature before it.

use crate::signing::is_same;
use crate::{Claim, EMPTY_SHA256, Fault, Signer, sha256_hex};
use virga_base::hex;

/// The state of the chain: the last signature, which begins as the request's own.
pub struct ChunkChain {
    signer: Signer,
    time: String,
    scope: String,
    access_key_id: String,
    previous: String,
}

impl ChunkChain {
    /// Goes on from the signature of a request that has been verified.
    pub fn new(signer: Signer, claim: &Claim<'_>) -> ChunkChain {
        ChunkChain {
            signer,
            time: claim.signed_at().map(|at| at.to_compact()).unwrap_or_default(),
            scope: claim.scope().to_owned(),
            access_key_id: claim.access_key_id().to_owned(),
            previous: claim.signature.to_string(),
        }
    }

    /// Checks the signature of the next chunk, given the SHA-256 of its data.
    pub fn chunk(&mut self, data_sha256: &[u8; 32], signature: &str) -> Result<(), Fault> {
        self.check(self.chunk_text(data_sha256), signature)
    }

    /// Checks the signature of the trailer: `lines` is each of its headers but `x-amz-trailer-signature`, in the form
    /// `name:value\n`.
    pub fn trailer(&mut self, lines: &str, signature: &str) -> Result<(), Fault> {
        self.check(self.trailer_text(lines), signature)
    }

    /// Signs the next chunk, as a client does.
    pub fn sign_chunk(&mut self, data_sha256: &[u8; 32]) -> String {
        self.previous = self.signer.sign(&self.chunk_text(data_sha256));
        self.previous.clone()
    }

    /// Signs the trailer, as a client does.
    pub fn sign_trailer(&mut self, lines: &str) -> String {
        self.previous = self.signer.sign(&self.trailer_text(lines));
        self.previous.clone()
    }

    fn chunk_text(&self, data_sha256: &[u8; 32]) -> String {
        format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{EMPTY_SHA256}\n{}",
            self.time,
            self.scope,
            self.previous,
            hex(data_sha256)
        )
    }

    fn trailer_text(&self, lines: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}",
            self.time,
            self.scope,
            self.previous,
            sha256_hex(lines.as_bytes())
        )
    }

    fn check(&mut self, string_to_sign: String, signature: &str) -> Result<(), Fault> {
        if !is_same(self.signer.sign(&string_to_sign).as_bytes(), signature.as_bytes()) {
            return Err(Fault::Mismatch {
                access_key_id: self.access_key_id.clone(),
                string_to_sign,
                canonical_request: String::new(),
                signature: signature.to_owned(),
            });
        }
        signature.clone_into(&mut self.previous);
        Ok(())
    }
}
