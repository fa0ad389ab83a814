//! Finding tables: names and ARNs, and what operations on items may find.

use crate::errors;
use crate::schema::Index;
use crate::state::{DEFINITIONS, Definition, OPENED, Opened};
use virga_base::{Arn, AwsError, Timestamp};
use virga_service::{Ctx, ReadTx, StoreError, Tx};

/// Name of the setting: how long tables and indexes take to change, in seconds.
pub const WAIT: &str = "table_wait_s";

/// When what begins now is done.
pub fn done_at(ctx: &Ctx) -> Timestamp {
    ctx.now().plus_secs(wait_s(ctx))
}

pub fn wait_s(ctx: &Ctx) -> i64 {
    ctx.setting(WAIT).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The name in a `TableName`, which may be the table's ARN.
pub fn name(ctx: &Ctx, given: Option<&str>) -> Result<String, AwsError> {
    let given = given.unwrap_or_default();
    if !given.starts_with("arn:") {
        return Ok(given.to_owned());
    }
    let arn = Arn::parse(given).map_err(|_| errors::validation(format!("Invalid table ARN: {given}")))?;
    let name = arn.resource.strip_prefix("table/").filter(|name| !name.contains('/'));
    let name = name.ok_or_else(|| errors::validation(format!("Invalid table ARN: {given}")))?;
    if arn.account != ctx.account().to_string() || arn.region != ctx.region().as_str() {
        return Err(errors::no_resource());
    }
    Ok(name.to_owned())
}

/// Reading and writing transactions alike.
pub trait Rows {
    fn definition(&self, name: &str) -> Result<Option<Definition>, StoreError>;
    fn opened(&self, name: &str) -> Result<Option<Opened>, StoreError>;
}

impl Rows for ReadTx<'_> {
    fn definition(&self, name: &str) -> Result<Option<Definition>, StoreError> {
        self.get(&DEFINITIONS, (name,))
    }

    fn opened(&self, name: &str) -> Result<Option<Opened>, StoreError> {
        self.get(&OPENED, (name,))
    }
}

impl Rows for Tx<'_> {
    fn definition(&self, name: &str) -> Result<Option<Definition>, StoreError> {
        self.get(&DEFINITIONS, (name,))
    }

    fn opened(&self, name: &str) -> Result<Option<Opened>, StoreError> {
        self.get(&OPENED, (name,))
    }
}

/// The table for an operation on its items.
pub fn open(rows: &impl Rows, name: &str, now: Timestamp) -> Result<Opened, AwsError> {
    let found = rows.opened(name)?;
    found
        .filter(|definition| now >= definition.active_at)
        .ok_or_else(errors::no_resource)
}

/// The table for an operation on itself.
pub fn find(rows: &impl Rows, name: &str) -> Result<Definition, AwsError> {
    rows.definition(name)?.ok_or_else(|| errors::no_table(name))
}

impl Definition {
    pub fn index(&self, name: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.name == name)
    }

    pub fn index_mut(&mut self, name: &str) -> Option<&mut Index> {
        self.indexes.iter_mut().find(|index| index.name == name)
    }

    pub fn has_local_index(&self) -> bool {
        self.indexes.iter().any(|index| index.global.is_none())
    }
}
