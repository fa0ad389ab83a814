//! What a statement says, with its parameters put in.

use crate::expression::syntax::{Condition, Path, PathElement, Update};
use crate::{AttributeValue, Item};

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Select(Select),
    /// `EXISTS(SELECT …)`, a condition of a transaction.
    Exists(Select),
    Insert(Insert),
    Update(UpdateStatement),
    Delete(Delete),
}

impl Statement {
    pub fn table(&self) -> &str {
        match self {
            Statement::Select(select) | Statement::Exists(select) => &select.table,
            Statement::Insert(insert) => &insert.table,
            Statement::Update(update) => &update.table,
            Statement::Delete(delete) => &delete.table,
        }
    }

    /// Whether it reads only. `EXISTS` does not count: it stands among writes.
    pub fn is_read(&self) -> bool {
        matches!(self, Statement::Select(_))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub table: String,
    pub index: Option<String>,
    /// Nothing for `*`.
    pub selected: Option<Selected>,
    pub condition: Option<Condition>,
    pub order: Vec<Order>,
}

/// The paths of a `SELECT`, each of which gives one attribute of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected(pub(crate) Vec<Path>);

impl Selected {
    /// The names of the attributes that it reads, in the order of the text.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Path::attribute)
    }

    /// What the item has of it. A path within an attribute is named by its last step.
    pub fn apply(&self, item: &Item) -> Item {
        let found = self.0.iter().filter_map(|path| {
            let value: &AttributeValue = path.get(item)?;
            Some((answer_name(path), value.clone()))
        });
        found.collect()
    }
}

fn answer_name(path: &Path) -> String {
    let mut name = String::new();
    for element in path.elements() {
        match element {
            PathElement::Name(step) => name.clone_from(step),
            PathElement::Index(index) => name.push_str(&format!("[{index}]")),
        }
    }
    name
}

/// One term of `ORDER BY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub attribute: String,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    pub table: String,
    pub item: Item,
}

#[derive(Clone, Debug, PartialEq)]
pub struct UpdateStatement {
    pub table: String,
    pub update: Update,
    pub condition: Option<Condition>,
    pub returning: Option<Returning>,
}

/// What of a written item is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returning {
    AllOld,
    AllNew,
    ModifiedOld,
    ModifiedNew,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    pub table: String,
    pub condition: Option<Condition>,
    /// Whether `RETURNING ALL OLD *` was given, the only clause that is allowed.
    pub returns_old: bool,
}
