//! Error answers.

use super::response::DECLARATION;
use crate::errors;
use crate::xml::{Iso8601Form, Naming, XmlWriter};
use virga_base::AwsError;
use virga_shape::ServiceModel;

/// `<Response><Errors><Error><Code/><Message/>…</Error></Errors><RequestID/></Response>`, and its status.
pub(super) fn encode(model: Option<&'static ServiceModel>, error: &AwsError, request_id: &str) -> (u16, Vec<u8>) {
    let resolved = errors::resolve(model, error);
    let mut xml = XmlWriter::new(Naming::Xml, Iso8601Form::Millis);
    xml.raw(DECLARATION);
    xml.raw("<Response><Errors><Error>");
    xml.leaf("Code", &resolved.code);
    xml.leaf("Message", &resolved.message);
    xml.error_details(error, &resolved);
    xml.raw("</Error></Errors>");
    xml.leaf("RequestID", request_id);
    xml.raw("</Response>");
    (resolved.status, xml.into_body())
}
