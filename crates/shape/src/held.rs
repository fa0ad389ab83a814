//! Values that stay in a form of their owner's until they are written: an answer of many rows needs no tree of them.

use crate::{Mismatch, ShapeRef, StructValue, Value};
use std::fmt;
use std::sync::Arc;

/// What tells a value, in the order in which it is written.
pub trait Tell: Send + Sync {
    /// # Errors
    /// The owner's form cannot be read.
    fn tell(&self, shape: ShapeRef, to: &mut dyn Hear) -> Result<(), Mismatch>;

    /// About how many bytes it will be when it is written.
    fn written_bytes(&self) -> usize;
}

/// Whoever is told a value. What is opened is closed; each key and each member is followed by one value.
pub trait Hear {
    fn text(&mut self, text: &str);
    fn blob(&mut self, bytes: &[u8]);
    fn bool(&mut self, value: bool);
    fn open_list(&mut self);
    fn close_list(&mut self);
    fn open_map(&mut self);
    fn key(&mut self, key: &str);
    fn close_map(&mut self);
    /// A structure of that shape, of which one member alone is present; the member's value follows, and no end.
    fn only_member(&mut self, shape: ShapeRef, index: u16);
    /// The end of the value that belongs to [`Hear::only_member`].
    fn close_structure(&mut self);

    /// An entry of a map whose value is a structure with a text as its only member: what most answers are made of.
    fn text_entry(&mut self, key: &str, (shape, index): (ShapeRef, u16), text: &str) {
        self.key(key);
        self.only_member(shape, index);
        self.text(text);
        self.close_structure();
    }

    /// The same with a text of ASCII's letters, digits and signs alone, without quotes and backslashes: nothing in it needs
    /// escapes.
    fn plain_entry(&mut self, key: &str, member: (ShapeRef, u16), plain: &[u8]) {
        self.text_entry(key, member, &String::from_utf8_lossy(plain));
    }
}

/// A value of a shape in its owner's form.
#[derive(Clone)]
pub struct Held {
    shape: ShapeRef,
    teller: Arc<dyn Tell>,
}

impl Held {
    pub fn new(shape: ShapeRef, teller: impl Tell + 'static) -> Held {
        Held {
            shape,
            teller: Arc::new(teller),
        }
    }

    /// # Errors
    /// The owner's form cannot be read.
    pub fn tell(&self, to: &mut dyn Hear) -> Result<(), Mismatch> {
        self.teller.tell(self.shape, to)
    }

    /// About how many bytes the value will be when it is written.
    pub fn written_bytes(&self) -> usize {
        self.teller.written_bytes()
    }

    /// The value as a tree.
    ///
    /// # Errors
    /// The owner's form cannot be read.
    pub fn to_value(&self) -> Result<Value, Mismatch> {
        let mut tree = Tree::default();
        self.tell(&mut tree)?;
        tree.done.ok_or_else(|| Mismatch {
            shape: self.shape.name().to_owned(),
        })
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Held) -> bool {
        self.shape == other.shape && self.to_value() == other.to_value()
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_value() {
            Ok(value) => value.fmt(f),
            Err(mismatch) => mismatch.fmt(f),
        }
    }
}

/// What is open while a tree is made.
enum Open {
    List(Vec<Value>),
    Map(Vec<(String, Value)>, String),
    Structure(ShapeRef, u16, Option<Value>),
}

/// Makes a tree of what it is told.
#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    done: Option<Value>,
}

impl Tree {
    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.done = Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(entries, key)) => entries.push((std::mem::take(key), value)),
            Some(Open::Structure(_, _, member)) => *member = Some(value),
        }
    }

    fn close(&mut self) {
        let value = match self.open.pop() {
            None => return,
            Some(Open::List(items)) => Value::List(items),
            Some(Open::Map(entries, _)) => Value::Map(entries),
            Some(Open::Structure(shape, index, member)) => {
                let mut out = StructValue::with_capacity(shape, 1);
                if let Some(member) = member {
                    out.set_at(index, member);
                }
                Value::Struct(out)
            }
        };
        self.put(value);
    }
}

impl Hear for Tree {
    fn text(&mut self, text: &str) {
        self.put(Value::String(text.to_owned()));
    }
    fn blob(&mut self, bytes: &[u8]) {
        self.put(Value::Blob(bytes.to_vec().into()));
    }
    fn bool(&mut self, value: bool) {
        self.put(Value::Bool(value));
    }
    fn open_list(&mut self) {
        self.open.push(Open::List(Vec::new()));
    }
    fn close_list(&mut self) {
        self.close();
    }
    fn open_map(&mut self) {
        self.open.push(Open::Map(Vec::new(), String::new()));
    }
    fn key(&mut self, key: &str) {
        if let Some(Open::Map(_, next)) = self.open.last_mut() {
            key.clone_into(next);
        }
    }
    fn close_map(&mut self) {
        self.close();
    }
    fn only_member(&mut self, shape: ShapeRef, index: u16) {
        self.open.push(Open::Structure(shape, index, None));
    }
    fn close_structure(&mut self) {
        self.close();
    }
}
