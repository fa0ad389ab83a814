//! rest-json: members in path, query string, headers and a JSON body with the wire's names.

mod error;
mod request;
mod response;

pub(crate) use error::{decode_error, encode_error};
pub(crate) use request::{decode_request, encode_request};
pub(crate) use response::{decode_response, encode_response};

use crate::http_binding::BodyCodec;
use crate::json::{self, Names};
use virga_base::AwsError;
use virga_shape::{Kind, Member, ShapeRef, StructValue, Value};

/// Bodies in JSON.
struct JsonBody;

/// Members with a location travel elsewhere.
fn in_body(member: &Member) -> bool {
    member.location.is_none()
}

impl BodyCodec for JsonBody {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn read_members(&self, body: &[u8], out: &mut StructValue) -> Result<(), AwsError> {
        json::read_members(body, out, Names::Wire, in_body)
    }

    fn read_payload(&self, body: &[u8], member: &'static Member, shape: ShapeRef) -> Result<Value, AwsError> {
        json::read(shape, Some(member), body, Names::Wire)
    }

    fn write_members(&self, value: &StructValue) -> Result<Vec<u8>, AwsError> {
        let mut out = Vec::with_capacity(256);
        out.push(b'{');
        json::write_members(&mut out, value, Names::Wire, in_body)?;
        out.push(b'}');
        Ok(out)
    }

    fn write_payload(
        &self,
        member: &'static Member,
        shape: ShapeRef,
        value: Option<&Value>,
    ) -> Result<Vec<u8>, AwsError> {
        let mut out = Vec::with_capacity(256);
        match value {
            Some(value) => json::write(&mut out, shape, Some(member), value, Names::Wire)?,
            // Unions and documents have no empty form; they and collections are better absent.
            None => {
                if let Kind::Structure {
                    union: false,
                    document: false,
                    ..
                } = shape.kind()
                {
                    out.extend_from_slice(b"{}");
                }
            }
        }
        Ok(out)
    }

    fn empty_response(&self) -> &'static [u8] {
        b"{}"
    }
}
