//! Error answers: the one element `Error`, wherever a protocol puts it, and the XML that goes into it.

use super::{Naming, XmlError, XmlReader, XmlWriter, read_members};
use crate::errors::{self, ResolvedError};
use virga_base::AwsError;
use virga_shape::{ServiceModel, StructValue};

/// What an error answer says, before the model is asked.
#[derive(Debug)]
pub(crate) struct DecodedError {
    pub(crate) code: String,
    pub(crate) message: Option<String>,
    /// The members of the error's shape, where the model knows the code.
    pub(crate) members: Option<StructValue>,
}

/// Reads `Error`, `ErrorResponse/Error` or `Response/Errors/Error`.
pub(crate) fn read_error(body: &[u8], naming: Naming, model: &'static ServiceModel) -> Result<DecodedError, XmlError> {
    let (mut code, mut message) = (None, None);
    in_error(body, |reader, _| {
        while let Some(child) = reader.next_child()? {
            match child.name() {
                "Code" => code = Some(reader.text()?.into_owned()),
                "Message" | "message" => message = Some(reader.text()?.into_owned()),
                _ => reader.skip()?,
            }
        }
        Ok(())
    })?;
    let code = code.ok_or_else(|| XmlError::new("the error has no code"))?;
    let mut members = None;
    if let Some((shape, _)) = errors::find(model, &code) {
        let mut value = StructValue::new(shape);
        in_error(body, |reader, element| {
            read_members(reader, naming, element, &mut value)
        })?;
        members = Some(value);
    }
    Ok(DecodedError { code, message, members })
}

fn in_error(
    body: &[u8],
    mut read: impl FnMut(&mut XmlReader<'_>, &super::Element<'_>) -> Result<(), XmlError>,
) -> Result<(), XmlError> {
    let mut reader = XmlReader::new(body)?;
    let mut element = reader.root()?;
    for _ in 0..3 {
        if element.name() == "Error" {
            return read(&mut reader, &element);
        }
        loop {
            match reader.next_child()? {
                Some(child) if matches!(child.name(), "Error" | "Errors") => {
                    element = child;
                    break;
                }
                Some(_) => reader.skip()?,
                None => return Err(XmlError::new("there is no element Error")),
            }
        }
    }
    read(&mut reader, &element)
}

impl XmlWriter {
    /// What `Error` holds after code and message: the shape's members, then details that no model knows.
    pub(crate) fn error_details(&mut self, error: &AwsError, resolved: &ResolvedError) {
        if let Some(members) = &resolved.members {
            let mut members = members.clone();
            if let Some((index, _)) = errors::message_member(members.shape()) {
                members.take_at(index);
            }
            self.members(&members);
        }
        for (name, json) in &error.details {
            let modelled = resolved.shape.is_some_and(|shape| shape.member(name).is_some());
            if !modelled && is_name(name) {
                self.json(name, json);
            }
        }
    }
}

/// Whether an element can be called so.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
