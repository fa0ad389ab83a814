//! Bodies: what their root is called, and what is in it.

use super::{CONTENT_TYPE, malformed, s3};
use crate::OperationRef;
use crate::http_binding::BodyCodec;
use crate::xml::{Element, Iso8601Form, Naming, XmlError, XmlReader, XmlWriter, read_members, read_value};
use virga_base::AwsError;
use virga_shape::{Kind, Member, ShapeRef, StructValue, Value, XmlNamespace};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Response,
}

/// The bodies of one operation.
pub(super) struct XmlBody {
    op: OperationRef,
    direction: Direction,
}

impl XmlBody {
    pub(super) fn new(op: OperationRef, direction: Direction) -> XmlBody {
        XmlBody { op, direction }
    }

    /// A request's root must be the one that the model asks for. Where the model has several names for it, each will do.
    fn check_root(&self, root: &Element<'_>, shape: ShapeRef, member: Option<&Member>) -> Result<(), XmlError> {
        let name = root.name();
        let known = self.direction == Direction::Response
            || member.is_some_and(|member| member.wire_name() == name)
            || own_root(shape) == Some(name)
            || shape.name() == name
            || self.op.operation.input_root.as_deref() == Some(name);
        if known {
            Ok(())
        } else {
            Err(XmlError::new(format!("the root element is called {name}")))
        }
    }

    /// The namespace of a root that has none of its own.
    fn namespace(&self) -> Option<XmlNamespace> {
        let operation = self.op.operation;
        if self.direction == Direction::Request {
            return operation.input_namespace.clone();
        }
        let uri = super::error::namespace(self.op.model)?;
        Some(XmlNamespace {
            uri: uri.to_owned(),
            prefix: None,
        })
    }

    fn writer(&self) -> XmlWriter {
        match self.direction {
            Direction::Request => XmlWriter::new(Naming::Xml, Iso8601Form::Shortest),
            Direction::Response => {
                let mut xml = XmlWriter::new(Naming::Xml, Iso8601Form::Millis);
                xml.raw(DECLARATION);
                xml
            }
        }
    }

    fn try_members(&self, body: &[u8], out: &mut StructValue) -> Result<(), XmlError> {
        let mut reader = XmlReader::new(body)?;
        let root = reader.root()?;
        if self.direction == Direction::Response && s3::is_bare(self.op) {
            let text = reader.text()?;
            if !text.is_empty() {
                out.set_at(0, Value::String(text.into_owned()));
            }
        } else {
            self.check_root(&root, out.shape(), None)?;
            read_members(&mut reader, Naming::Xml, &root, out)?;
        }
        reader.finish()
    }

    fn try_payload(&self, body: &[u8], member: &Member, shape: ShapeRef) -> Result<Value, XmlError> {
        let mut reader = XmlReader::new(body)?;
        let root = reader.root()?;
        self.check_root(&root, shape, Some(member))?;
        let value = read_value(&mut reader, Naming::Xml, member, shape, &root)?;
        reader.finish()?;
        Ok(value)
    }
}

impl BodyCodec for XmlBody {
    fn content_type(&self) -> &'static str {
        CONTENT_TYPE
    }

    fn read_members(&self, body: &[u8], out: &mut StructValue) -> Result<(), AwsError> {
        self.try_members(body, out).map_err(|error| malformed(self.op, &error))
    }

    fn read_payload(&self, body: &[u8], member: &'static Member, shape: ShapeRef) -> Result<Value, AwsError> {
        self.try_payload(body, member, shape)
            .map_err(|error| malformed(self.op, &error))
    }

    fn write_members(&self, value: &StructValue) -> Result<Vec<u8>, AwsError> {
        let shape = value.shape();
        let mut xml = self.writer();
        if self.direction == Direction::Request {
            if !has_body(value) {
                return Ok(Vec::new());
            }
            let root = own_root(shape)
                .or(self.op.operation.input_root.as_deref())
                .unwrap_or(shape.name());
            xml.root(root, own_namespace(shape).or(self.namespace().as_ref()), value);
            return Ok(xml.into_body());
        }
        let root = own_root(shape).or_else(|| s3::root(self.op)).unwrap_or(shape.name());
        let namespace = self.namespace().filter(|_| !s3::is_without_namespace(self.op));
        if s3::is_bare(self.op) {
            let uri = namespace.as_ref().map(|namespace| namespace.uri.as_str());
            match value.at(0) {
                Some(Value::String(text)) => {
                    xml.open(root, uri);
                    xml.text(text);
                    xml.close(root);
                }
                _ => xml.open_empty(root, uri),
            }
        } else {
            xml.root(root, own_namespace(shape).or(namespace.as_ref()), value);
        }
        Ok(xml.into_body())
    }

    fn write_payload(
        &self,
        member: &'static Member,
        shape: ShapeRef,
        value: Option<&Value>,
    ) -> Result<Vec<u8>, AwsError> {
        let Some(value) = value else {
            return Ok(Vec::new());
        };
        let root = member.wire.as_deref().or(own_root(shape)).unwrap_or(&member.name);
        let mut xml = self.writer();
        match value {
            Value::Struct(fields) => {
                let own = member.namespace.as_ref().or(own_namespace(shape));
                xml.root(root, own.or(self.namespace().as_ref()), fields);
            }
            _ => xml.element(root, member, shape, value),
        }
        Ok(xml.into_body())
    }

    fn empty_response(&self) -> &'static [u8] {
        b""
    }
}

fn has_body(value: &StructValue) -> bool {
    let members = value.shape().members();
    value.fields().iter().any(|(index, _)| {
        members
            .get(usize::from(*index))
            .is_some_and(|member| member.location.is_none())
    })
}

fn own_root(shape: ShapeRef) -> Option<&'static str> {
    match shape.kind() {
        Kind::Structure { root, .. } => root.as_deref(),
        _ => None,
    }
}

fn own_namespace(shape: ShapeRef) -> Option<&'static XmlNamespace> {
    match shape.kind() {
        Kind::Structure { namespace, .. } => namespace.as_ref(),
        _ => None,
    }
}
