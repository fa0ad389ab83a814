//! Answers of operations that succeeded.

use super::{NAMING, declaration};
use crate::OperationRef;
use crate::xml::{Iso8601Form, XmlError, XmlReader, XmlWriter, read_members};
use std::borrow::Cow;
use virga_shape::Value;

/// `<OpResponse xmlns=…><OpResult>…</OpResult><ResponseMetadata>…</ResponseMetadata></OpResponse>`
pub(super) fn encode(op: OperationRef, output: &Value, request_id: &str) -> Vec<u8> {
    let mut xml = XmlWriter::new(NAMING, Iso8601Form::Shortest);
    xml.raw(declaration(op.model));
    let root = [op.operation.name.as_str(), "Response"];
    xml.open_joined(root, op.model.xml_namespace.as_deref());
    if op.operation.output.is_some() {
        let wrapper = wrapper(op);
        xml.open(&wrapper, None);
        if let Value::Struct(fields) = output {
            xml.members(fields);
        }
        xml.close(&wrapper);
    }
    // A request's id holds nothing that would have to be escaped.
    xml.raw("<ResponseMetadata><RequestId>");
    xml.raw(request_id);
    xml.raw("</RequestId></ResponseMetadata>");
    xml.close_joined(root);
    xml.into_body()
}

pub(super) fn decode(op: OperationRef, body: &[u8]) -> Result<Value, XmlError> {
    op.read_output(body.trim_ascii(), |body, out| {
        let mut reader = XmlReader::new(body)?;
        reader.root()?;
        let wrapper = wrapper(op);
        while let Some(child) = reader.next_child()? {
            if child.name() == wrapper {
                read_members(&mut reader, NAMING, &child, out)?;
            } else {
                reader.skip()?;
            }
        }
        reader.finish()
    })
}

fn wrapper(op: OperationRef) -> Cow<'static, str> {
    match &op.operation.result_wrapper {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(format!("{}Result", op.operation.name)),
    }
}
