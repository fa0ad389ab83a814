//! Bodies: of requests on their way in, whole or in pieces; of answers on their way out.

pub(crate) mod answer;
pub(crate) mod checksum;
pub(crate) mod chunked;
pub(crate) mod inlet;
pub(crate) mod pieces;
pub(crate) mod whole;

use bytes::Bytes;
use inlet::Inlet;

/// A request's body as it came.
pub(crate) enum Payload {
    /// Still on the wire.
    Incoming(Inlet),
    Whole(Bytes),
}
