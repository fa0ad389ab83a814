//! Between the codec's values and the language's, and the members of inputs by name.

use crate::errors;
use crate::state::RawItem;
use crate::wire;
use std::collections::BTreeMap;
use virga_base::AwsError;
use virga_lang_dynamodb::attribute::{check_item, check_value};
use virga_lang_dynamodb::stored::{Scalar, Visit, visit_item};
use virga_lang_dynamodb::{AttributeValue, Invalid, Item, Kind, Number};
use virga_service::Ctx;
use virga_shape::{Hear, Held, Mismatch, ShapeRef, StructValue, Tell, Value, pack};

/// Members of the model's `AttributeValue`, by index; a test holds them to the model.
mod member {
    pub const S: u16 = 0;
    pub const N: u16 = 1;
    pub const B: u16 = 2;
    pub const SS: u16 = 3;
    pub const NS: u16 = 4;
    pub const BS: u16 = 5;
    pub const M: u16 = 6;
    pub const L: u16 = 7;
    pub const NULL: u16 = 8;
    pub const BOOL: u16 = 9;
}

const EMPTY: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const SEVERAL: &str =
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes";

/// One attribute value as it came. Sets and nesting are checked by [`read_item`] and by the placeholders.
pub fn read_value(value: Value) -> Result<AttributeValue, Invalid> {
    let Value::Struct(value) = value else {
        return Err(Invalid::new(EMPTY));
    };
    let mut fields = value.into_fields().into_iter();
    let (index, inner) = fields.next().ok_or_else(|| Invalid::new(EMPTY))?;
    if fields.next().is_some() {
        return Err(Invalid::new(SEVERAL));
    }
    Ok(match (index, inner) {
        (member::S, Value::String(text)) => AttributeValue::S(text),
        (member::N, Value::String(text)) => AttributeValue::N(text.parse()?),
        (member::B, Value::Blob(bytes)) => AttributeValue::B(bytes.into()),
        (member::SS, Value::List(set)) => AttributeValue::Ss(set.into_iter().filter_map(text).collect()),
        (member::NS, Value::List(set)) => AttributeValue::Ns(
            set.into_iter()
                .filter_map(text)
                .map(|text| text.parse::<Number>())
                .collect::<Result<_, _>>()?,
        ),
        (member::BS, Value::List(set)) => AttributeValue::Bs(set.into_iter().filter_map(blob).collect()),
        (member::M, Value::Map(entries)) => AttributeValue::M(read_map(entries)?),
        (member::L, Value::List(items)) => {
            AttributeValue::L(items.into_iter().map(read_value).collect::<Result<_, _>>()?)
        }
        (member::NULL, Value::Bool(true)) => AttributeValue::Null,
        (member::NULL, _) => {
            return Err(Invalid::parameter(
                "Null attribute value types must have the value of true",
            ));
        }
        (member::BOOL, Value::Bool(flag)) => AttributeValue::Bool(flag),
        _ => return Err(Invalid::new(EMPTY)),
    })
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn blob(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Blob(bytes) => Some(bytes.into()),
        _ => None,
    }
}

fn read_map(entries: Vec<(String, Value)>) -> Result<Item, Invalid> {
    // Most have few attributes: collecting would sort them first.
    let mut item = Item::new();
    for (name, value) in entries {
        item.insert(name, read_value(value)?);
    }
    Ok(item)
}

/// An item or a key as it came, with all checks that need no table.
pub fn read_item(value: Value) -> Result<Item, Invalid> {
    let Value::Map(entries) = value else {
        return Err(Invalid::new(EMPTY));
    };
    let item = read_map(entries)?;
    check_item(&item)?;
    Ok(item)
}

/// A key by which an item is read. It has few attributes, which stand in order of name.
#[derive(Debug, Default)]
pub struct Key(Vec<(String, AttributeValue)>);

/// How many attributes are kept in order one by one.
const KEY_FEW: usize = 4;

impl Key {
    /// As [`read_item`] has it.
    pub fn read(value: Value) -> Result<Key, Invalid> {
        let entries = match value {
            Value::Map(entries) if entries.len() <= KEY_FEW => entries,
            many => return read_item(many).map(|item| Key(item.into_iter().collect())),
        };
        let mut key: Vec<(String, AttributeValue)> = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let value = read_value(value)?;
            match key.binary_search_by(|(known, _)| known.cmp(&name)) {
                Ok(at) => key.splice(at..=at, [(name, value)]).for_each(drop),
                Err(at) => key.insert(at, (name, value)),
            }
        }
        key.iter().try_for_each(|(_, value)| check_value(value))?;
        Ok(Key(key))
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }
}

/// The values of placeholders; errors name the placeholder.
pub fn read_placeholders(value: Value) -> Result<Item, Invalid> {
    let Value::Map(entries) = value else {
        return Err(Invalid::new(EMPTY));
    };
    entries
        .into_iter()
        .map(|(key, value)| {
            let read = read_value(value).and_then(|value| check_value(&value).map(|()| value));
            match read {
                Ok(value) => Ok((key, value)),
                Err(error) => Err(Invalid(format!(
                    "ExpressionAttributeValues contains invalid value: {error} for key {key}"
                ))),
            }
        })
        .collect()
}

/// A shape of the service's model.
pub fn model_shape(name: &str) -> Result<ShapeRef, AwsError> {
    pack::service(wire::MODEL)
        .and_then(|model| model.shape_named(name))
        .ok_or_else(|| AwsError::internal(format!("the model has no {name}")))
}

/// As an answer's `AttributeValue`, whose shape is given.
pub fn write_value(value: AttributeValue, shape: ShapeRef) -> Value {
    let list = |set: Vec<Value>| Value::List(set);
    let (index, inner) = match value {
        AttributeValue::S(text) => (member::S, Value::String(text)),
        AttributeValue::N(number) => (member::N, Value::String(number.to_string())),
        AttributeValue::B(bytes) => (member::B, Value::Blob(bytes.into())),
        AttributeValue::Ss(set) => (member::SS, list(set.into_iter().map(Value::String).collect())),
        AttributeValue::Ns(set) => (
            member::NS,
            list(
                set.into_iter()
                    .map(|number| Value::String(number.to_string()))
                    .collect(),
            ),
        ),
        AttributeValue::Bs(set) => (
            member::BS,
            list(set.into_iter().map(|bytes| Value::Blob(bytes.into())).collect()),
        ),
        AttributeValue::M(map) => (member::M, write_item(map, shape)),
        AttributeValue::L(items) => (
            member::L,
            list(items.into_iter().map(|item| write_value(item, shape)).collect()),
        ),
        AttributeValue::Null => (member::NULL, Value::Bool(true)),
        AttributeValue::Bool(flag) => (member::BOOL, Value::Bool(flag)),
    };
    let mut out = StructValue::with_capacity(shape, 1);
    out.set_at(index, inner);
    Value::Struct(out)
}

/// One item as it is stored, which becomes a map of an answer when it is written.
struct StoredMap(RawItem);

impl Tell for StoredMap {
    fn tell(&self, shape: ShapeRef, to: &mut dyn Hear) -> Result<(), Mismatch> {
        tell_item(&self.0, shape, to)
    }

    fn written_bytes(&self) -> usize {
        written_bytes(&self.0)
    }
}

/// Several of them: a list of maps.
struct StoredMaps(Vec<RawItem>);

impl Tell for StoredMaps {
    fn tell(&self, shape: ShapeRef, to: &mut dyn Hear) -> Result<(), Mismatch> {
        let element = shape.element().unwrap_or(shape);
        to.open_list();
        self.0.iter().try_for_each(|item| tell_item(item, element, to))?;
        to.close_list();
        Ok(())
    }

    fn written_bytes(&self) -> usize {
        self.0.iter().map(written_bytes).sum()
    }
}

/// Names, quotes and braces come to what is stored.
fn written_bytes(item: &RawItem) -> usize {
    item.bytes().len() + item.bytes().len() / 8 + 64
}

fn tell_item(item: &RawItem, shape: ShapeRef, to: &mut dyn Hear) -> Result<(), Mismatch> {
    let attribute = shape.element().unwrap_or(shape);
    to.open_map();
    let told = visit_item(item.bytes(), &mut Telling { attribute, to });
    to.close_map();
    told.ok_or_else(|| Mismatch {
        shape: shape.name().to_owned(),
    })
}

/// Tells what is stored as values of the model's `AttributeValue`.
struct Telling<'t> {
    attribute: ShapeRef,
    to: &'t mut dyn Hear,
}

impl Telling<'_> {
    fn of(&mut self, index: u16, tell: impl FnOnce(&mut dyn Hear)) {
        self.to.only_member(self.attribute, index);
        tell(self.to);
        self.to.close_structure();
    }
}

impl Visit for Telling<'_> {
    fn scalar(&mut self, value: Scalar<'_>) {
        match value {
            Scalar::S(text) => self.of(member::S, |to| to.text(text)),
            Scalar::N(text) => self.of(member::N, |to| to.text(text)),
            Scalar::B(bytes) => self.of(member::B, |to| to.blob(bytes)),
            Scalar::Bool(flag) => self.of(member::BOOL, |to| to.bool(flag)),
            Scalar::Null => self.of(member::NULL, |to| to.bool(true)),
        }
    }

    fn member(&mut self, value: Scalar<'_>) {
        match value {
            Scalar::S(text) | Scalar::N(text) => self.to.text(text),
            Scalar::B(bytes) => self.to.blob(bytes),
            // There are no such sets.
            Scalar::Bool(_) | Scalar::Null => {}
        }
    }

    fn open(&mut self, kind: Kind) {
        let index = match kind {
            Kind::Ss => member::SS,
            Kind::Ns => member::NS,
            Kind::Bs => member::BS,
            Kind::M => member::M,
            _ => member::L,
        };
        self.to.only_member(self.attribute, index);
        match kind {
            Kind::M => self.to.open_map(),
            _ => self.to.open_list(),
        }
    }

    fn name(&mut self, name: &str) {
        self.to.key(name);
    }

    fn plain(&mut self, name: &str, string: &[u8]) {
        self.to.plain_entry(name, (self.attribute, member::S), string);
    }

    fn named(&mut self, name: &str, value: Scalar<'_>) {
        match value {
            Scalar::S(text) => self.to.text_entry(name, (self.attribute, member::S), text),
            Scalar::N(text) => self.to.text_entry(name, (self.attribute, member::N), text),
            other => {
                self.name(name);
                self.scalar(other);
            }
        }
    }

    fn close(&mut self, kind: Kind) {
        match kind {
            Kind::M => self.to.close_map(),
            _ => self.to.close_list(),
        }
        self.to.close_structure();
    }
}

/// As a map of an answer, by the shape of its values.
pub fn write_item(item: Item, shape: ShapeRef) -> Value {
    Value::Map(
        item.into_iter()
            .map(|(name, value)| (name, write_value(value, shape)))
            .collect(),
    )
}

/// Stored items as a list of an answer, by its shape.
pub fn write_stored(ctx: &Ctx, shape: ShapeRef, items: Vec<RawItem>) -> Result<Value, AwsError> {
    told(ctx, shape, StoredMaps(items))
}

/// Calls from within work on the answer; those from without have it written, which needs no tree.
fn told(ctx: &Ctx, shape: ShapeRef, teller: impl Tell + 'static) -> Result<Value, AwsError> {
    let held = Held::new(shape, teller);
    match ctx.request().protocol {
        Some(_) => Ok(Value::Held(held)),
        None => held.to_value().map_err(|_| errors::unreadable()),
    }
}

/// As the detail of an error.
pub fn item_json(item: Item, shape: ShapeRef) -> serde_json::Value {
    write_item(item, shape).to_json()
}

/// An operation's input, or a structure in it, whose members are taken out by name.
pub struct Input(StructValue);

impl Input {
    pub fn new(value: Value) -> Option<Input> {
        match value {
            Value::Struct(value) => Some(Input(value)),
            _ => None,
        }
    }

    /// A structure without members.
    pub fn empty(shape: ShapeRef) -> Input {
        Input(StructValue::new(shape))
    }

    /// The shape of attribute values in the service's model.
    pub fn attribute_shape(&self) -> ShapeRef {
        let model = self.0.shape().model();
        model.shape_named("AttributeValue").unwrap_or_else(|| self.0.shape())
    }

    /// A member that is present. Few are of those that operations ask for, so that these are looked through.
    fn find(&self, name: &str) -> Option<(u16, &Value)> {
        let members = self.0.shape().members();
        let named = |index: u16| {
            members
                .get(usize::from(index))
                .is_some_and(|member| member.name == name)
        };
        let found = self.0.fields().iter().find(|(index, _)| named(*index));
        found.map(|(index, value)| (*index, value))
    }

    /// The members that are present.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let members = self.0.shape().members();
        let name = |index: u16| members.get(usize::from(index)).map(|member| member.name.as_str());
        self.0.fields().iter().filter_map(move |(index, _)| name(*index))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).map(|(_, value)| value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub fn take(&mut self, name: &str) -> Option<Value> {
        let (index, _) = self.find(name)?;
        self.0.take_at(index)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    pub fn take_text(&mut self, name: &str) -> Option<String> {
        self.take(name).and_then(text)
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// A member that is an item or a key.
    pub fn item(&mut self, name: &str) -> Result<Option<Item>, AwsError> {
        self.take(name).map(read_item).transpose().map_err(errors::invalid)
    }

    /// A member that is a key by which an item is read.
    pub fn key(&mut self, name: &str) -> Result<Option<Key>, AwsError> {
        self.take(name).map(Key::read).transpose().map_err(errors::invalid)
    }

    /// A member that is a list of texts.
    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        match self.take(name)? {
            Value::List(items) => Some(items.into_iter().filter_map(text).collect()),
            _ => None,
        }
    }

    /// `ExpressionAttributeNames`.
    pub fn text_map(&mut self, name: &str) -> Option<BTreeMap<String, String>> {
        match self.take(name)? {
            Value::Map(entries) => Some(
                entries
                    .into_iter()
                    .filter_map(|(key, value)| Some((key, text(value)?)))
                    .collect(),
            ),
            _ => None,
        }
    }

    /// A member that is a list of structures.
    pub fn inputs(&mut self, name: &str) -> Vec<Input> {
        match self.take(name) {
            Some(Value::List(items)) => items.into_iter().filter_map(Input::new).collect(),
            _ => Vec::new(),
        }
    }

    /// SHA-256 of a member as it came.
    pub fn digest(&self, name: &str) -> [u8; 32] {
        use sha2::Digest as _;
        let text = self.get(name).map(|value| value.to_json().to_string());
        sha2::Sha256::digest(text.unwrap_or_default().as_bytes()).into()
    }

    /// A member that is a map.
    pub fn entries(&mut self, name: &str) -> Vec<(String, Value)> {
        match self.take(name) {
            Some(Value::Map(entries)) => entries,
            _ => Vec::new(),
        }
    }

    /// A member that is a structure.
    pub fn input(&mut self, name: &str) -> Option<Input> {
        self.take(name).and_then(Input::new)
    }
}

/// An answer under construction, whose members are set by name.
pub struct Output(StructValue);

impl Output {
    pub fn new(shape: ShapeRef) -> Output {
        Output(StructValue::new(shape))
    }

    /// The shape of a member.
    pub fn of(&self, name: &str) -> ShapeRef {
        let shape = self.0.shape();
        shape.member(name).map_or(shape, |(_, member)| shape.target(member))
    }

    pub fn set(&mut self, name: &str, value: Value) {
        let known = self.0.set(name, value);
        debug_assert!(known, "{} has no {name}", self.0.shape().name());
    }

    /// Sets a member that is an item.
    pub fn set_item(&mut self, name: &str, item: Item) {
        let target = self.of(name);
        let element = target.element().unwrap_or(target);
        self.set(name, write_item(item, element));
    }

    /// Sets a member that is an item, to what is stored.
    pub fn set_stored(&mut self, ctx: &Ctx, name: &str, item: RawItem) -> Result<(), AwsError> {
        self.set_with(name, |shape| told(ctx, shape, StoredMap(item)))
    }

    /// Sets a member that is a list of items, to what is stored.
    pub fn set_all_stored(&mut self, ctx: &Ctx, name: &str, items: Vec<RawItem>) -> Result<(), AwsError> {
        self.set_with(name, |shape| write_stored(ctx, shape, items))
    }

    /// Sets a member to what is made by its shape.
    fn set_with(&mut self, name: &str, make: impl FnOnce(ShapeRef) -> Result<Value, AwsError>) -> Result<(), AwsError> {
        let shape = self.0.shape();
        let member = shape.member(name);
        debug_assert!(member.is_some(), "{} has no {name}", shape.name());
        if let Some((index, member)) = member {
            self.0.set_at(index, make(shape.target(member))?);
        }
        Ok(())
    }

    pub fn done(self) -> Value {
        Value::Struct(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::member;
    use virga_shape::pack;

    #[test]
    fn members_stand_where_the_models_have_them() {
        let expected = [
            ("S", member::S),
            ("N", member::N),
            ("B", member::B),
            ("SS", member::SS),
            ("NS", member::NS),
            ("BS", member::BS),
            ("M", member::M),
            ("L", member::L),
            ("NULL", member::NULL),
            ("BOOL", member::BOOL),
        ];
        for name in ["dynamodb", "dynamodbstreams"] {
            let shape = pack::service(name)
                .and_then(|model| model.shape_named("AttributeValue"))
                .expect(name);
            assert_eq!(shape.members().len(), expected.len());
            for (member, index) in expected {
                assert_eq!(
                    shape.member(member).map(|(index, _)| index),
                    Some(index),
                    "{name}: {member}"
                );
            }
        }
    }
}
