//! Answers of operations that succeeded.

use crate::OperationRef;
use crate::xml::{Iso8601Form, Naming, XmlError, XmlReader, XmlWriter, read_members};
use std::borrow::Cow;
use virga_shape::Value;

pub(super) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// `<OpResponse xmlns=…><requestId/>…</OpResponse>`
pub(super) fn encode(op: OperationRef, output: &Value, request_id: &str) -> Vec<u8> {
    let mut xml = XmlWriter::new(Naming::Xml, Iso8601Form::Millis);
    xml.raw(DECLARATION);
    let root = format!("{}Response", op.operation.name);
    xml.open(&root, namespace(op).as_deref());
    xml.leaf("requestId", request_id);
    match output {
        Value::Struct(fields) => xml.members(fields),
        // Operations that give nothing say so in a word that no model has.
        _ if op.operation.output.is_none() => xml.leaf("return", "true"),
        _ => {}
    }
    xml.close(&root);
    xml.into_body()
}

pub(super) fn decode(op: OperationRef, body: &[u8]) -> Result<Value, XmlError> {
    op.read_output(body.trim_ascii(), |body, out| {
        let mut reader = XmlReader::new(body)?;
        let root = reader.root()?;
        read_members(&mut reader, Naming::Xml, &root, out)?;
        reader.finish()
    })
}

/// The model's namespace lacks the slash that EC2's answers end it with.
fn namespace(op: OperationRef) -> Option<Cow<'static, str>> {
    let uri = op.model.xml_namespace.as_deref()?;
    Some(if uri.ends_with('/') {
        Cow::Borrowed(uri)
    } else {
        Cow::Owned(format!("{uri}/"))
    })
}
