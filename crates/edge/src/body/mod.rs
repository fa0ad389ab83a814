//! Bodies: of requests on their way in, whole or in pieces; of answers on their way out.

pub(crate) mod answer;
pub(crate) mod checksum;
pub(crate) mod chunked;
pub(crate) mod pieces;
pub(crate) mod whole;

use bytes::Bytes;
use hyper::body::Incoming;

/// A request's body as it came.
pub(crate) enum Payload {
    /// Still on the wire.
    Incoming(Incoming),
    Whole(Bytes),
}
