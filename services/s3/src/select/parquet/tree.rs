//! Records from columns: what is missing, what repeats, and what is in what, by the levels of the values.

use super::column::{Column, Levels};
use super::{Failure, PARSING, TOO_LARGE};
use parquet::basic::{ConvertedType, LogicalType, Repetition};
use parquet::schema::types::Type;
use serde_json::{Map, Value};

/// Elements of one list.
const ELEMENTS_MAX: usize = 1 << 20;

/// Opens the column of a leaf, counted from the left of the schema.
pub type Open<'o> = &'o mut dyn FnMut(usize) -> Result<Box<dyn Column>, Failure>;

pub enum Node {
    Leaf(Box<dyn Column>),
    Group(Vec<(String, Node)>),
    /// There from this definition level on.
    Optional(i16, Box<Node>),
    Repeated {
        /// With an element from the one level on; another element of the same list has the other.
        levels: Levels,
        element: Box<Node>,
        is_list: bool,
    },
    Map {
        levels: Levels,
        key: Box<Node>,
        value: Option<Box<Node>>,
    },
}

/// The leaves below a field.
pub fn leaves(field: &Type) -> usize {
    if field.is_primitive() {
        1
    } else {
        field.get_fields().iter().map(|field| leaves(field)).sum()
    }
}

impl Levels {
    fn deeper(self, repetition: Repetition) -> Levels {
        match repetition {
            Repetition::REQUIRED => self,
            Repetition::OPTIONAL => Levels {
                definition: self.definition + 1,
                ..self
            },
            Repetition::REPEATED => Levels {
                definition: self.definition + 1,
                repetition: self.repetition + 1,
            },
        }
    }
}

impl Node {
    /// A field at its place; `leaf` counts on.
    pub fn build(field: &Type, outer: Levels, leaf: &mut usize, open: Open<'_>) -> Result<Node, Failure> {
        let info = field.get_basic_info();
        if !info.has_repetition() {
            return Err(PARSING);
        }
        let levels = outer.deeper(info.repetition());
        let inner = Box::new(Node::inner(field, levels, leaf, open)?);
        Ok(match info.repetition() {
            Repetition::REQUIRED => *inner,
            Repetition::OPTIONAL => Node::Optional(levels.definition, inner),
            Repetition::REPEATED => Node::Repeated {
                levels,
                element: inner,
                is_list: false,
            },
        })
    }

    /// A field as if it were required.
    fn inner(field: &Type, levels: Levels, leaf: &mut usize, open: Open<'_>) -> Result<Node, Failure> {
        if field.is_primitive() {
            let column = open(*leaf)?;
            *leaf += 1;
            return Ok(Node::Leaf(column));
        }
        if let Some(repeated) = only_repeated(field) {
            let levels = levels.deeper(Repetition::REPEATED);
            if is(field, ConvertedType::LIST, &LogicalType::List) {
                let element = match only(repeated) {
                    Some(element) if !is_element(field, repeated) => Node::build(element, levels, leaf, open)?,
                    _ => Node::inner(repeated, levels, leaf, open)?,
                };
                return Ok(Node::Repeated {
                    levels,
                    element: Box::new(element),
                    is_list: true,
                });
            }
            let is_map = is(field, ConvertedType::MAP, &LogicalType::Map)
                || field.get_basic_info().converted_type() == ConvertedType::MAP_KEY_VALUE;
            if is_map && repeated.is_group() {
                let (key, value) = match repeated.get_fields() {
                    [key] => (key, None),
                    [key, value] => (key, Some(value)),
                    _ => return Err(PARSING),
                };
                let key = Box::new(Node::build(key, levels, leaf, &mut *open)?);
                let value = match value {
                    Some(value) => Some(Box::new(Node::build(value, levels, leaf, open)?)),
                    None => None,
                };
                return Ok(Node::Map { levels, key, value });
            }
        }
        let mut fields = Vec::new();
        for child in field.get_fields() {
            let node = Node::build(child, levels, leaf, &mut *open)?;
            fields.push((child.name().to_owned(), node));
        }
        if fields.is_empty() {
            return Err(PARSING);
        }
        Ok(Node::Group(fields))
    }

    /// The levels of what comes next, which are those of the first column below.
    fn peek(&mut self) -> Result<Option<Levels>, Failure> {
        match self {
            Node::Leaf(column) => column.peek(),
            Node::Group(fields) => match fields.first_mut() {
                Some((_, field)) => field.peek(),
                None => Ok(None),
            },
            Node::Optional(_, inner) => inner.peek(),
            Node::Repeated { element, .. } => element.peek(),
            Node::Map { key, .. } => key.peek(),
        }
    }

    /// Steps over the one entry that every column below has of something that is not there.
    fn pass(&mut self) -> Result<(), Failure> {
        match self {
            Node::Leaf(column) => column.take().map(drop),
            Node::Group(fields) => fields.iter_mut().try_for_each(|(_, field)| field.pass()),
            Node::Optional(_, inner) => inner.pass(),
            Node::Repeated { element, .. } => element.pass(),
            Node::Map { key, value, .. } => {
                key.pass()?;
                value.as_mut().map_or(Ok(()), |value| value.pass())
            }
        }
    }

    pub fn read(&mut self) -> Result<Value, Failure> {
        let next = self.peek()?.ok_or(PARSING)?;
        match self {
            Node::Leaf(column) => column.take(),
            Node::Group(fields) => {
                let mut out = Map::new();
                for (name, field) in fields {
                    out.insert(name.clone(), field.read()?);
                }
                Ok(Value::Object(out))
            }
            Node::Optional(definition, inner) => {
                if next.definition >= *definition {
                    return inner.read();
                }
                inner.pass()?;
                Ok(Value::Null)
            }
            Node::Repeated {
                levels,
                element,
                is_list,
            } => {
                let mut out = Vec::new();
                if next.definition < levels.definition {
                    element.pass()?;
                } else {
                    let mut count = 0;
                    while is_more(element.peek()?, count, *levels)? {
                        count += 1;
                        let value = element.read()?;
                        // AWS: "Selecting on a repeated field returns only the last value."
                        if !*is_list {
                            out.clear();
                        }
                        out.push(value);
                    }
                }
                Ok(if *is_list {
                    Value::Array(out)
                } else {
                    out.pop().unwrap_or_default()
                })
            }
            Node::Map { levels, key, value } => {
                let mut out = Map::new();
                if next.definition < levels.definition {
                    key.pass()?;
                    if let Some(value) = value {
                        value.pass()?;
                    }
                } else {
                    let mut count = 0;
                    while is_more(key.peek()?, count, *levels)? {
                        count += 1;
                        let name = match key.read()? {
                            Value::String(name) => name,
                            other => other.to_string(),
                        };
                        let found = value.as_mut().map_or(Ok(Value::Null), |value| value.read())?;
                        out.insert(name, found);
                    }
                }
                Ok(Value::Object(out))
            }
        }
    }
}

/// Whether what comes next is of the same list.
fn is_more(next: Option<Levels>, count: usize, levels: Levels) -> Result<bool, Failure> {
    if count > ELEMENTS_MAX {
        return Err(TOO_LARGE);
    }
    Ok(match next {
        None => false,
        Some(next) => count == 0 || next.repetition >= levels.repetition,
    })
}

fn is(field: &Type, converted: ConvertedType, logical: &LogicalType) -> bool {
    let info = field.get_basic_info();
    info.converted_type() == converted || info.logical_type_ref() == Some(logical)
}

fn only(field: &Type) -> Option<&Type> {
    if field.is_primitive() {
        return None;
    }
    match field.get_fields() {
        [only] => Some(only),
        _ => None,
    }
}

fn only_repeated(field: &Type) -> Option<&Type> {
    only(field).filter(|only| {
        let info = only.get_basic_info();
        info.has_repetition() && info.repetition() == Repetition::REPEATED
    })
}

/// Whether what repeats in a list is its element, and not a group around it: the format's rules for files of old.
fn is_element(list: &Type, repeated: &Type) -> bool {
    only(repeated).is_none() || repeated.name() == "array" || repeated.name() == format!("{}_tuple", list.name())
}
