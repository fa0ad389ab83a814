//! Reading and writing XML bodies, for rest-xml and for the answers of query and ec2.
//!
//! [`XmlReader`] pulls elements out of a body and [`read_members`] makes values of them, guided by the model;
//! [`XmlWriter`] does the reverse. What an element is called is decided in `naming.rs` alone.

mod decode;
mod encode;
mod error;
mod naming;
mod reader;

pub(crate) use decode::{read_members, read_value};
pub(crate) use encode::{Iso8601Form, XmlWriter};
pub(crate) use error::read_error;
pub(crate) use naming::{Naming, element_name, entry_names, flattened, is_called, push_name};
pub(crate) use reader::{Element, XmlError, XmlReader};
