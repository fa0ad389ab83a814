//! Error answers.

use super::{NAMING, declaration, is_sqs};
use crate::errors;
use crate::xml::{Iso8601Form, XmlWriter};
use virga_base::AwsError;
use virga_shape::ServiceModel;

/// `<ErrorResponse xmlns=…><Error><Type/><Code/><Message/>…</Error><RequestId/></ErrorResponse>`, and its status.
pub(super) fn encode(model: Option<&'static ServiceModel>, error: &AwsError, request_id: &str) -> (u16, Vec<u8>) {
    let resolved = errors::resolve(model, error);
    let mut xml = XmlWriter::new(NAMING, Iso8601Form::Shortest);
    xml.raw(model.map_or("", declaration));
    xml.open("ErrorResponse", model.and_then(|model| model.xml_namespace.as_deref()));
    xml.open("Error", None);
    xml.leaf("Type", resolved.fault_name());
    xml.leaf("Code", &resolved.code);
    xml.leaf("Message", &resolved.message);
    xml.error_details(error, &resolved);
    if model.is_some_and(is_sqs) {
        xml.raw("<Detail/>");
    }
    xml.close("Error");
    xml.leaf("RequestId", request_id);
    xml.close("ErrorResponse");
    (resolved.status, xml.into_body())
}
