//! One write: what is asked of one item, checked against its table and done in a transaction.

use crate::capacity::{Cost, write_units};
use crate::change::{self, By};
use crate::errors::{self, invalid, parameter, validation};
use crate::schema::{Index, KeySchema, Misplaced};
use crate::state::{At, Definition, ITEMS, StoredItem};
use crate::value::Key;
use virga_base::{AwsError, Timestamp};
use virga_lang_dynamodb::attribute::{ITEM_SIZE_MAX_BYTES, KeyError, check_item, check_key_value, item_size_bytes};
use virga_lang_dynamodb::{AttributeValue, Condition, Item, Kind, Update, Updated};
use virga_service::{StoreError, Tx};

/// What is done to an item. All but `Put` name it by its key.
pub enum Action {
    Put(StoredItem),
    Delete(Item),
    Update(Item, Option<Update>),
    /// Nothing: only the condition counts.
    Check(Item),
}

/// A write and its condition.
pub struct Write {
    pub action: Action,
    pub condition: Option<Condition>,
}

/// What a write has done.
pub struct Outcome {
    pub old: Option<StoredItem>,
    pub new: Option<StoredItem>,
    /// What an update changed.
    pub updated: Option<Updated>,
    pub cost: Cost,
}

/// Why a write was not done.
pub enum Failure {
    /// The condition did not hold on the item as it is.
    Condition(Option<Item>),
    Error(AwsError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Error(error.into())
    }
}

impl From<AwsError> for Failure {
    fn from(error: AwsError) -> Failure {
        Failure::Error(error)
    }
}

/// Checks a `Key` as operations take it; answers where its item lies.
pub fn check_key(schema: &KeySchema, key: &Item) -> Result<Vec<u8>, AwsError> {
    spot_of(schema, key.len(), |name| key.get(name))
}

/// The same of a key by which an item is read.
pub fn check_read_key(schema: &KeySchema, key: &Key) -> Result<Vec<u8>, AwsError> {
    spot_of(schema, key.count(), |name| key.get(name))
}

fn spot_of<'v>(
    schema: &KeySchema,
    count: usize,
    find: impl Fn(&str) -> Option<&'v AttributeValue>,
) -> Result<Vec<u8>, AwsError> {
    let mismatch = || validation("The provided key element does not match the schema");
    if count != schema.count() {
        return Err(mismatch());
    }
    schema.place(find).map_err(|why| match why {
        Misplaced::Without(_) => mismatch(),
        Misplaced::Wrong(error) => invalid(error.in_key()),
    })
}

/// An item that PutItem was given, if it is not too large; needs no table.
pub fn sized(item: Item) -> Result<StoredItem, AwsError> {
    let size_bytes = item_size_bytes(&item);
    if size_bytes > ITEM_SIZE_MAX_BYTES {
        return Err(validation("Item size has exceeded the maximum allowed size"));
    }
    Ok(StoredItem { size_bytes, item })
}

/// Checks an item that PutItem was given against its table; answers where it lies.
pub fn check_put(table: &Definition, item: &Item) -> Result<Vec<u8>, AwsError> {
    let spot = table.schema.place(|name| item.get(name)).map_err(|why| match why {
        Misplaced::Without(missing) => parameter(format!("Missing the key {missing} in the item")),
        Misplaced::Wrong(error) => invalid(error.in_item()),
    })?;
    for index in &table.indexes {
        check_index_keys(index, item, false)?;
    }
    Ok(spot)
}

/// An index key cannot be changed from within.
fn check_index_paths(table: &Definition, update: &Update) -> Result<(), AwsError> {
    let mut inner = update.targets().filter(|path| path.elements().len() > 1);
    let keys = |name: &str| table.indexes.iter().any(|index| index.schema.has(name));
    match inner.find(|path| keys(path.attribute())) {
        None => Ok(()),
        Some(path) => Err(validation(format!(
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: {}",
            path.attribute()
        ))),
    }
}

/// Index keys may be missing, but not of another type, empty or too long.
fn check_index_keys(index: &Index, item: &Item, by_update: bool) -> Result<(), AwsError> {
    for (role, attribute) in index.schema.attributes() {
        let Some(value) = item.get(&attribute.name) else {
            continue;
        };
        check_key_value(role, &attribute.name, attribute.kind.kind(), value).map_err(|error| match error {
            KeyError::Type { name, expected, actual } => parameter(format!(
                "Type mismatch for Index Key {name} Expected: {} Actual: {} IndexName: {}",
                expected.name(),
                actual.name(),
                index.name
            )),
            KeyError::Empty { kind, .. } if by_update => validation(format!(
                "One or more parameter values are not valid. The update expression attempted to update a secondary index \
                 key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty {} \
                 value.",
                if kind == Kind::B { "binary" } else { "string" },
            )),
            KeyError::Empty { name, kind } => validation(format!(
                "One or more parameter values are not valid. A value specified for a secondary index key is not \
                 supported. The AttributeValue for a key attribute cannot contain an empty {} value. IndexName: {}, \
                 IndexKey: {name}",
                if kind == Kind::B { "binary" } else { "string" },
                index.name
            )),
            too_long @ KeyError::TooLong(_) => invalid(too_long.in_key()),
        })?;
    }
    Ok(())
}

impl Write {
    /// The item's key attributes, or the whole item.
    pub fn item(&self) -> &Item {
        match &self.action {
            Action::Put(new) => &new.item,
            Action::Delete(key) | Action::Update(key, _) | Action::Check(key) => key,
        }
    }

    /// All checks that need the table but not the item; answers where the item lies.
    pub fn check(&self, table: &Definition) -> Result<Vec<u8>, AwsError> {
        match &self.action {
            Action::Put(new) => check_put(table, &new.item),
            Action::Delete(key) | Action::Check(key) => check_key(&table.schema, key),
            Action::Update(key, update) => {
                let spot = check_key(&table.schema, key)?;
                if let Some(update) = update {
                    update.check_keys(table.schema.names()).map_err(invalid)?;
                    check_index_paths(table, update)?;
                }
                Ok(spot)
            }
        }
    }

    /// As [`Write::run`], for whoever needs no item of the outcome: no more is read of the old one than must be known.
    pub fn run_untold(
        &self,
        tx: &mut Tx<'_>,
        table: &Definition,
        spot: &[u8],
        now: Timestamp,
    ) -> Result<Outcome, Failure> {
        let new = match (&self.action, &self.condition) {
            (Action::Put(new), None) if change::stands_alone(table) => Some(new),
            (Action::Delete(_), None) if change::stands_alone(table) => None,
            _ => return self.run(tx, table, spot, now),
        };
        let cost = change::apply_alone(tx, table, spot, new)?;
        Ok(Outcome {
            old: None,
            new: None,
            updated: None,
            cost,
        })
    }

    /// Does it. `spot` is what [`Write::check`] answered.
    pub fn run(&self, tx: &mut Tx<'_>, table: &Definition, spot: &[u8], now: Timestamp) -> Result<Outcome, Failure> {
        let old = tx.get(&ITEMS, (table.data, At(spot)))?;
        if let Some(condition) = &self.condition {
            let nothing = Item::new();
            if !condition.matches(old.as_ref().map_or(&nothing, |old| &old.item)) {
                return Err(Failure::Condition(old.map(|old| old.item)));
            }
        }
        let mut updated = None;
        let new = match &self.action {
            Action::Check(_) => {
                let cost = Cost {
                    table: write_units(old.as_ref().map_or(0, |old| old.size_bytes)),
                    ..Cost::default()
                };
                return Ok(Outcome {
                    old,
                    new: None,
                    updated,
                    cost,
                });
            }
            Action::Put(new) => Some(new.clone()),
            Action::Delete(_) => None,
            Action::Update(key, update) => {
                let before = old.as_ref().map(|old| &old.item);
                let done = match update {
                    Some(update) => update.apply(before, key).map_err(invalid)?,
                    None => Updated {
                        item: before.unwrap_or(key).clone(),
                        old: Item::new(),
                        new: Item::new(),
                    },
                };
                if before.is_none() && update.as_ref().is_some_and(Update::only_takes_away) {
                    return Ok(Outcome {
                        old,
                        new: None,
                        updated,
                        cost: Cost {
                            table: write_units(0),
                            ..Cost::default()
                        },
                    });
                }
                check_item(&done.item).map_err(invalid)?;
                let size_bytes = item_size_bytes(&done.item);
                if size_bytes > ITEM_SIZE_MAX_BYTES {
                    return Err(validation("Item size to update has exceeded the maximum allowed size").into());
                }
                for index in &table.indexes {
                    check_index_keys(index, &done.item, true)?;
                }
                let item = done.item.clone();
                updated = Some(done);
                Some(StoredItem { size_bytes, item })
            }
        };
        let cost = change::apply(tx, table, spot, (old.as_ref(), new.as_ref()), (now, By::Caller))?;
        Ok(Outcome {
            old,
            new,
            updated,
            cost,
        })
    }
}

/// The error of a single operation whose write failed.
pub fn failed(failure: Failure, shown: Option<impl FnOnce(Item) -> serde_json::Value>) -> AwsError {
    match failure {
        Failure::Error(error) => error,
        Failure::Condition(item) => {
            let error = errors::condition_failed();
            match (item, shown) {
                // With an item AWS spells it so.
                (Some(item), Some(show)) => error.with_detail("Item", show(item)).with_json_message("Message"),
                _ => error,
            }
        }
    }
}
