//! Making a table of what another one was.

use crate::change;
use crate::definition as define;
use crate::describe;
use crate::errors::{in_use, parameter, validation};
use crate::features::{Extras, Restored};
use crate::quota;
use crate::schema::Index;
use crate::state::{At, DEFINITIONS, Definition, ITEMS, StoredItem};
use crate::tables::{self, Rows};
use crate::wire;
use virga_base::AwsError;
use virga_service::{Ctx, Tx};

/// What the new table has otherwise.
pub struct Overrides {
    pub billing_mode: Option<String>,
    pub throughput: Option<wire::ProvisionedThroughput>,
    pub global: Option<Vec<wire::GlobalSecondaryIndex>>,
    pub local: Option<Vec<wire::LocalSecondaryIndex>>,
    pub encryption: Option<wire::SSESpecification>,
}

/// Fails where the new table's name is taken.
pub fn check_target(rows: &impl Rows, name: &str) -> Result<(), AwsError> {
    define::check_table_name(name)?;
    if rows.definition(name)?.is_some() {
        return Err(AwsError::new(
            "TableAlreadyExistsException",
            format!("Table already exists: {name}"),
        ));
    }
    Ok(())
}

/// The new table, without its items.
pub fn declare(
    ctx: &Ctx,
    source: &Definition,
    name: &str,
    overrides: &Overrides,
    from: Restored,
) -> Result<Definition, AwsError> {
    let now = ctx.now();
    let active_at = tables::done_at(ctx);
    let mut table = source.clone();
    name.clone_into(&mut table.name);
    table.id = ctx.ids().uuid();
    table.data = ctx.ids().u64();
    table.created = now;
    table.active_at = active_at;
    table.updated_at = active_at;
    table.deleting = false;
    table.deletion_protection = false;
    table.stream = None;
    table.latest_stream = None;
    if overrides.billing_mode.is_some() || overrides.throughput.is_some() {
        let mode = overrides.billing_mode.as_deref();
        table.billing = define::billing(mode, overrides.throughput.as_ref(), now)?;
    }
    let encryption = super::table::encryption(ctx, overrides.encryption.as_ref(), table.encryption.as_ref())?;
    table.encryption = encryption;
    if let Some(globals) = &overrides.global {
        let names = globals.iter().map(|index| index.index_name.as_deref());
        keep(&mut table.indexes, true, names)?;
    }
    if let Some(locals) = &overrides.local {
        let names = locals.iter().map(|index| index.index_name.as_deref());
        keep(&mut table.indexes, false, names)?;
    }
    for index in &mut table.indexes {
        index.data = ctx.ids().u64();
        if let Some(global) = &mut index.global {
            global.active_at = active_at;
            global.updated_at = active_at;
            global.backfilling = false;
            let throughput = overrides.global.iter().flatten();
            let throughput = throughput
                .filter(|given| given.index_name.as_deref() == Some(index.name.as_str()))
                .find_map(|given| given.provisioned_throughput.as_ref());
            if throughput.is_some() {
                global.provisioned = define::index_provisioned(&index.name, table.billing.on_demand, throughput)?;
            }
        }
    }
    let used: Vec<String> = std::iter::once(&table.schema)
        .chain(table.indexes.iter().map(|index| &index.schema))
        .flat_map(|schema| schema.names())
        .map(str::to_owned)
        .collect();
    table.attributes.retain(|(name, _)| used.contains(name));
    table.extras = Extras {
        restored: Some(from),
        ..Extras::default()
    };
    Ok(table)
}

/// Leaves out the indexes of one kind that are not named.
fn keep<'n>(
    indexes: &mut Vec<Index>,
    global: bool,
    names: impl Iterator<Item = Option<&'n str>>,
) -> Result<(), AwsError> {
    let names: Vec<&str> = names.flatten().collect();
    let known = |name: &str| {
        indexes
            .iter()
            .any(|index| index.name == name && index.global.is_some() == global)
    };
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        return Err(parameter(format!(
            "Index {unknown} is not an index of the table that is restored"
        )));
    }
    indexes.retain(|index| index.global.is_some() != global || names.contains(&index.name.as_str()));
    Ok(())
}

/// Makes the table with its items.
pub async fn run(
    ctx: &Ctx,
    table: &Definition,
    items: impl Fn(&Tx<'_>) -> Result<Vec<(Vec<u8>, StoredItem)>, AwsError>,
) -> Result<wire::TableDescription, AwsError> {
    ctx.write(|tx| -> Result<(), AwsError> {
        check_target(tx, &table.name)?;
        quota::check(&tx.reading(), ctx, None, table)?;
        tx.put(&DEFINITIONS, (&table.name,), table)?;
        for (spot, row) in items(tx)? {
            tx.put(&ITEMS, (table.data, At(&spot)), &row)?;
            for index in &table.indexes {
                change::backfill(tx, index, &spot, &row.item)?;
            }
        }
        Ok(())
    })
    .await?;
    let counts = ctx.read(|tx| super::table::count(tx, table))?;
    let mut described = describe::table(ctx, table, &counts, ctx.now());
    described.table_status = Some("CREATING".to_owned());
    Ok(described)
}

/// Fails where a table cannot be recovered to a time.
pub fn bad_time(table: &Definition) -> AwsError {
    AwsError::new(
        "InvalidRestoreTimeException",
        format!(
            "An invalid restore time was specified. RestoreDateTime must be between EarliestRestorableDateTime and \
             LatestRestorableDateTime: {}",
            table.name
        ),
    )
}

/// Fails where a table is not ready.
pub fn check_active(table: &Definition, now: virga_base::Timestamp) -> Result<(), AwsError> {
    match table.status(now) {
        "CREATING" => Err(in_use(format!(
            "Attempt to change a resource which is still in use: Table is being created: {}",
            table.name
        ))),
        "DELETING" => Err(validation(format!("Table is being deleted: {}", table.name))),
        _ => Ok(()),
    }
}
