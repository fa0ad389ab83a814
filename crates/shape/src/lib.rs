//! AWS's API models as tables, and the dynamic value that can hold any of their shapes.
//!
//! There is one kind of schema, [`ServiceModel`], read from the embedded pack on a service's first use, and one carrier
//! of data, [`Value`]. Codecs turn requests into values and values into answers, guided by a [`ShapeRef`]; the typed
//! structs of a service (`wire.rs`) are made from values and turned back into them by member index. [`constraints`] checks
//! a value against what its shape demands.

pub mod address;
#[cfg(feature = "botocore")]
pub mod botocore;
pub mod constraints;
mod held;
mod macros;
mod model;
pub mod pack;
#[cfg(feature = "random")]
pub mod random;
mod typed;
mod value;

pub use held::{Hear, Held, Tell};
pub use model::{
    Constraints, ErrorFacts, HttpChecksum, Kind, Location, Member, Operation, Protocol, ServiceModel, Shape, ShapeId,
    ShapeRef, TimestampFormat, XmlNamespace,
};
pub use typed::{FromValue, IntoValue, Mismatch, Typed, Unit, fields, put};
pub use value::{StructValue, Value, double_text};

// The types of members, so that generated code needs no other crate.
pub use bytes::Bytes;
pub use serde_json::Value as Document;
pub use virga_base::Timestamp;
