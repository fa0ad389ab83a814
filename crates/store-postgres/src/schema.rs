//! The tables: one of rows, and two small ones beside it.

use crate::connection::Connection;
use crate::failure::Failure;
use crate::wire::message::{NUMBER, Parameter, TEXT};
use virga_store::StoreError;

/// The form of the tables.
const VERSION: &str = "1";

/// One a bundle, as not every server takes several in one transaction. Nothing in them is PostgreSQL's alone.
const TABLES: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS virga_rows \
     (world BIGINT NOT NULL, key BYTEA NOT NULL, value BYTEA NOT NULL, PRIMARY KEY (world, key))",
    "CREATE TABLE IF NOT EXISTS virga_wakes \
     (world BIGINT NOT NULL, topic BYTEA NOT NULL, stamp BYTEA NOT NULL, PRIMARY KEY (world, topic))",
    "CREATE TABLE IF NOT EXISTS virga_worlds \
     (parent BIGINT NOT NULL, name TEXT NOT NULL, world BIGINT NOT NULL, PRIMARY KEY (parent, name))",
    "CREATE TABLE IF NOT EXISTS virga_form (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    // Last: where it is, the others are.
    "INSERT INTO virga_form (name, value) VALUES ('version', '1') ON CONFLICT (name) DO NOTHING",
];

/// What came later; made where it lacks, under the same form, as older Virgas pass it over.
///
/// `length` is of bytes; below zero while the file is written, and while it is removed ([`crate::blobs`]).
const BLOB_TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS virga_blob_nodes \
     (node BIGINT NOT NULL PRIMARY KEY, pinned BIGINT NOT NULL, heard BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS virga_blob_pieces \
     (name BYTEA NOT NULL, number BIGINT NOT NULL, bytes BYTEA NOT NULL, PRIMARY KEY (name, number))",
    "CREATE TABLE IF NOT EXISTS virga_blobs \
     (name BYTEA NOT NULL PRIMARY KEY, length BIGINT NOT NULL, node BIGINT NOT NULL, fresh BIGINT NOT NULL, \
     stamp BIGINT NOT NULL)",
];
/// The bytes of objects seldom grow less, and compressing them costs more than it saves. PostgreSQL alone knows this.
const BLOB_WISH: &str = "ALTER TABLE virga_blob_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL";
/// The last that is made.
const LAST_BLOB_TABLE: &str = "virga_blobs";

/// How often nodes that start together may get in each other's way.
const ATTEMPTS_MAX: u32 = 10;

/// Makes the tables that are not there, and refuses those of a later Virga.
pub fn prepare(connection: &mut Connection) -> Result<(), Failure> {
    let mut attempts = 0;
    loop {
        let lacks_all = match version(connection)? {
            None => true,
            Some(version) if version != VERSION => {
                return Err(Failure::Refused(StoreError::Engine(format!(
                    "its tables are of form {version}, and this Virga knows form {VERSION}; use the Virga that made them"
                ))));
            }
            Some(_) if is_there(connection, LAST_BLOB_TABLE)? => return Ok(()),
            Some(_) => false,
        };
        attempts += 1;
        let made = if lacks_all {
            make(connection, &TABLES)
        } else {
            make(connection, &BLOB_TABLES).and_then(|()| connection.wish(BLOB_WISH).map_err(Failure::Lost))
        };
        match made {
            // Two that make the same table at once: one of them is told of a row that is there already.
            Err(Failure::Refused(_) | Failure::Conflict(_)) if attempts < ATTEMPTS_MAX => {
                std::thread::sleep(std::time::Duration::from_millis(20 * u64::from(attempts)));
            }
            made => made?,
        }
    }
}

fn make(connection: &mut Connection, statements: &[&str]) -> Result<(), Failure> {
    for sql in statements {
        connection.query(sql);
        connection.finish(&mut |_| {})?;
    }
    Ok(())
}

fn is_there(connection: &mut Connection, table: &str) -> Result<bool, Failure> {
    let mut is_there = false;
    let sql =
        "SELECT 1::BIGINT FROM information_schema.tables WHERE table_name = $1 AND table_schema = current_schema()";
    connection.execute_once(sql, &[TEXT], &[Parameter::Text(table)]);
    connection.sync();
    connection.finish(&mut |_| is_there = true)?;
    Ok(is_there)
}

/// The form of the tables that are there.
fn version(connection: &mut Connection) -> Result<Option<String>, Failure> {
    // Asked of the catalogue first: an error would be logged by the server.
    if !is_there(connection, "virga_form")? {
        return Ok(None);
    }
    let mut version = None;
    connection.execute_once(
        "SELECT value FROM virga_form WHERE name = $1",
        &[TEXT],
        &[Parameter::Text("version")],
    );
    connection.sync();
    connection.finish(&mut |mut row| {
        version = row.next().map(|value| String::from_utf8_lossy(value).into_owned());
    })?;
    Ok(version)
}

/// The forks of a world, by name.
pub fn forks(connection: &mut Connection, world: i64) -> Result<Vec<(String, i64)>, Failure> {
    let mut found = Vec::new();
    let sql = "SELECT name, world FROM virga_worlds WHERE parent = $1 ORDER BY name";
    connection.execute_once(sql, &[NUMBER], &[Parameter::Number(world)]);
    connection.sync();
    connection.finish(&mut |mut row| {
        if let (Some(name), Some(world)) = (row.next(), row.number()) {
            found.push((String::from_utf8_lossy(name).into_owned(), world));
        }
    })?;
    Ok(found)
}
