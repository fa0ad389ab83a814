//! Amazon DynamoDB: tables, items, indexes and transactions. Its streams are read by [`dynamodbstreams`].

mod capacity;
mod change;
mod definition;
mod describe;
mod due;
pub mod dynamodbstreams;
mod errors;
mod expression;
mod limits;
mod ops;
mod page;
mod schema;
mod state;
mod tables;
mod value;
pub mod wire;
mod write;

use ops::{batch, item, on_value, query, table, transact, update_table};
use virga_service::{Fidelity, Service, Validation};

/// The service.
pub fn service() -> Service {
    Service::new(wire::MODEL, Validation::Standard(errors::VALIDATION))
        .tables(&state::TABLES)
        .setting(
            tables::WAIT,
            "0",
            "Seconds that tables and indexes take to be created, changed and deleted, by the clock.",
        )
        .on(wire::CREATE_TABLE, table::create)
        .on(wire::DESCRIBE_TABLE, table::describe)
        .on(wire::DELETE_TABLE, table::delete)
        .on(wire::LIST_TABLES, table::list)
        .on(wire::UPDATE_TABLE, update_table::update)
        .register("PutItem", Fidelity::Full, on_value(item::put))
        .register("GetItem", Fidelity::Full, on_value(item::get))
        .register("DeleteItem", Fidelity::Full, on_value(item::delete))
        .register("UpdateItem", Fidelity::Full, on_value(item::update))
        .register("BatchGetItem", Fidelity::Full, on_value(batch::get))
        .register("BatchWriteItem", Fidelity::Full, on_value(batch::write))
        .register("Query", Fidelity::Full, on_value(query::query))
        .register("Scan", Fidelity::Full, on_value(query::scan))
        .register("TransactGetItems", Fidelity::Full, on_value(transact::get))
        .register("TransactWriteItems", Fidelity::Full, on_value(transact::write))
        .due(due::DROP, due::drop_rows)
        .due(due::VANISH, due::vanish)
        .due(due::BACKFILL, due::backfill)
}
