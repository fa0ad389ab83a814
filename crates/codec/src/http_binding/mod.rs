//! Members that travel outside the body: headers, path, query string, status. Shared by rest-json and rest-xml, which
//! hand in how their bodies are written.

mod body;
mod header;
mod request;
mod response;
mod uri;

pub(crate) use header::{decode_headers, encode_headers};
pub(crate) use request::{decode_request, encode_request};
pub(crate) use response::{decode_response, encode_response};

use virga_base::AwsError;
use virga_shape::{Member, ShapeRef, StructValue, Value};

/// How a rest protocol reads and writes bodies. An implementation may hold the operation it is made for.
///
/// "Body members" are those whose `location` is `None`.
pub(crate) trait BodyCodec {
    /// `application/json` or `application/xml`, sent with bodies that [`BodyCodec::write_members`] or
    /// [`BodyCodec::write_payload`] made.
    fn content_type(&self) -> &'static str;

    /// Reads the body members of `out`'s shape into `out`. Called only where the shape has body members and no payload
    /// member, never with an empty body.
    fn read_members(&self, body: &[u8], out: &mut StructValue) -> Result<(), AwsError>;

    /// Reads a payload member that is a structure, union, list, map or document. Never called with an empty body.
    fn read_payload(&self, body: &[u8], member: &'static Member, shape: ShapeRef) -> Result<Value, AwsError>;

    /// Writes the body members of `value`, of which the shape has at least one.
    fn write_members(&self, value: &StructValue) -> Result<Vec<u8>, AwsError>;

    /// Writes a payload member that is a structure, union, list, map or document; `None` where it is absent.
    fn write_payload(
        &self,
        member: &'static Member,
        shape: ShapeRef,
        value: Option<&Value>,
    ) -> Result<Vec<u8>, AwsError>;

    /// The body of an answer whose shape has no body members: `{}` or nothing.
    fn empty_response(&self) -> &'static [u8];
}
