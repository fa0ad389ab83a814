//! Error answers.

use super::s3;
use crate::errors::ResolvedError;
use crate::xml::{Iso8601Form, Naming, XmlWriter};
use virga_base::AwsError;
use virga_shape::ServiceModel;

/// `<ErrorResponse><Error>…</Error><RequestId/></ErrorResponse>`; from S3 `<Error>…<RequestId/><HostId/></Error>`.
pub(super) fn encode(
    model: Option<&'static ServiceModel>,
    error: &AwsError,
    resolved: &ResolvedError,
    request_id: &str,
) -> Vec<u8> {
    let mut xml = XmlWriter::new(Naming::Xml, Iso8601Form::Millis);
    if model.is_some_and(s3::is_s3) {
        xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
        xml.leaf("Code", &resolved.code);
        xml.leaf("Message", &resolved.message);
        xml.error_details(error, resolved);
        xml.leaf("RequestId", request_id);
        xml.leaf("HostId", &s3::host_id(request_id));
        xml.close("Error");
        return xml.into_body();
    }
    xml.raw("<?xml version=\"1.0\"?>\n");
    xml.open("ErrorResponse", model.and_then(namespace));
    xml.open("Error", None);
    xml.leaf("Type", resolved.fault_name());
    xml.leaf("Code", &resolved.code);
    xml.leaf("Message", &resolved.message);
    xml.error_details(error, resolved);
    xml.close("Error");
    xml.leaf("RequestId", request_id);
    xml.close("ErrorResponse");
    xml.into_body()
}

/// These models state their namespace at each input, and it is everywhere the same.
pub(super) fn namespace(model: &'static ServiceModel) -> Option<&'static str> {
    model.xml_namespace.as_deref().or_else(|| {
        let mut inputs = model.operations.iter().filter_map(|o| o.input_namespace.as_ref());
        inputs.next().map(|namespace| namespace.uri.as_str())
    })
}
