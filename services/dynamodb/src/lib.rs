//! Amazon DynamoDB: tables, items, indexes and transactions. Its streams are read by [`dynamodbstreams`].

mod capacity;
mod change;
mod decrease;
mod definition;
mod describe;
mod due;
pub mod dynamodbstreams;
mod errors;
mod expire;
mod expression;
mod features;
mod follow;
mod limits;
mod ops;
mod page;
mod partition;
mod past;
mod quota;
mod reach;
mod schema;
mod state;
mod tables;
mod throttle;
mod value;
pub mod wire;
mod write;

use ops::door::{Kind, on_items, on_items_at_once};
use ops::{
    account, backup, batch, destination, export, global_settings, global_table, import, insights, item, leave,
    on_value, policy, query, recovery, replica, scaling, statement, table, tag, time_to_live, transact, update_table,
};
use reach::across;
use throttle::Way::{Read, Write};
use virga_service::{Fidelity, Service, Validation};

/// The service.
pub fn service() -> Service {
    Service::new(wire::MODEL, Validation::Standard(errors::VALIDATION))
        .tables(&state::TABLES)
        .tables(&features::TABLES)
        .setting(
            tables::WAIT,
            "0",
            "Seconds that tables and indexes take to be created, changed and deleted, by the clock.",
        )
        .setting(
            past::READ_LAG,
            "0",
            "Milliseconds by which eventually consistent reads lag behind, by the clock.",
        )
        .setting(
            past::INDEX_LAG,
            "0",
            "Milliseconds by which global secondary indexes lag behind, by the clock.",
        )
        .setting(
            throttle::THROTTLE,
            "false",
            "Refuse reads and writes beyond the provisioned capacity, or beyond what one partition key bears, by the clock, as AWS does.",
        )
        .setting(
            throttle::BURST,
            throttle::BURST_DEFAULT_S,
            "Seconds for which capacity that is not used is kept, where it is throttled.",
        )
        .on(wire::CREATE_TABLE, table::create)
        .on(
            wire::DESCRIBE_TABLE,
            across("DescribeTable", |input| input.table_name.as_ref(), table::describe),
        )
        .on(
            wire::DELETE_TABLE,
            across("DeleteTable", |input| input.table_name.as_ref(), table::delete),
        )
        .on(wire::LIST_TABLES, table::list)
        .on(
            wire::UPDATE_TABLE,
            across("UpdateTable", |input| input.table_name.as_ref(), update_table::update),
        )
        .register(
            "PutItem",
            Fidelity::Full,
            on_items(Kind::One("PutItem", Write), item::put),
        )
        .register(
            "GetItem",
            Fidelity::Full,
            on_items_at_once(Kind::One("GetItem", Read), item::get),
        )
        .register(
            "DeleteItem",
            Fidelity::Full,
            on_items(Kind::One("DeleteItem", Write), item::delete),
        )
        .register(
            "UpdateItem",
            Fidelity::Full,
            on_items(Kind::One("UpdateItem", Write), item::update),
        )
        .register(
            "BatchGetItem",
            Fidelity::Full,
            on_items_at_once(Kind::Batch("BatchGetItem", Read), batch::get),
        )
        .register(
            "BatchWriteItem",
            Fidelity::Full,
            on_items(Kind::Batch("BatchWriteItem", Write), batch::write),
        )
        .register(
            "Query",
            Fidelity::Full,
            on_items_at_once(Kind::One("Query", Read), query::query),
        )
        .register(
            "Scan",
            Fidelity::Full,
            on_items_at_once(Kind::One("Scan", Read), query::scan),
        )
        .register(
            "TransactGetItems",
            Fidelity::Full,
            on_items_at_once(Kind::Transaction(Read), transact::get),
        )
        .register(
            "TransactWriteItems",
            Fidelity::Full,
            on_items(Kind::Transaction(Write), transact::write),
        )
        .register(
            "ExecuteStatement",
            Fidelity::Full,
            on_items(Kind::Statement, statement::execute),
        )
        .register(
            "BatchExecuteStatement",
            Fidelity::Full,
            on_items(Kind::Statements, statement::batch),
        )
        .register(
            "ExecuteTransaction",
            Fidelity::Full,
            on_items(Kind::StatementTransaction, statement::transaction),
        )
        .on(wire::TAG_RESOURCE, tag::add)
        .on(wire::UNTAG_RESOURCE, tag::remove)
        .on(wire::LIST_TAGS_OF_RESOURCE, tag::list)
        .on(
            wire::UPDATE_TIME_TO_LIVE,
            across(
                "UpdateTimeToLive",
                |input| input.table_name.as_ref(),
                time_to_live::update,
            ),
        )
        .on(
            wire::DESCRIBE_TIME_TO_LIVE,
            across(
                "DescribeTimeToLive",
                |input| input.table_name.as_ref(),
                time_to_live::describe,
            ),
        )
        .on(wire::CREATE_BACKUP, backup::create)
        .on(wire::DESCRIBE_BACKUP, backup::describe)
        .on(wire::LIST_BACKUPS, backup::list)
        .on(wire::DELETE_BACKUP, backup::delete)
        .on(wire::RESTORE_TABLE_FROM_BACKUP, backup::restore)
        .on(
            wire::UPDATE_CONTINUOUS_BACKUPS,
            across(
                "UpdateContinuousBackups",
                |input| input.table_name.as_ref(),
                recovery::update,
            ),
        )
        .on(
            wire::DESCRIBE_CONTINUOUS_BACKUPS,
            across(
                "DescribeContinuousBackups",
                |input| input.table_name.as_ref(),
                recovery::describe,
            ),
        )
        .on(wire::RESTORE_TABLE_TO_POINT_IN_TIME, recovery::restore)
        .on(wire::EXPORT_TABLE_TO_POINT_IN_TIME, export::start)
        .on(wire::DESCRIBE_EXPORT, export::describe)
        .on(wire::LIST_EXPORTS, export::list)
        .on(wire::IMPORT_TABLE, import::start)
        .on(wire::DESCRIBE_IMPORT, import::describe)
        .on(wire::LIST_IMPORTS, import::list)
        .on(wire::CREATE_GLOBAL_TABLE, global_table::create)
        .on(wire::DESCRIBE_GLOBAL_TABLE, global_table::describe)
        .on(wire::LIST_GLOBAL_TABLES, global_table::list)
        .on(wire::UPDATE_GLOBAL_TABLE, global_table::update)
        .register(
            "DescribeGlobalTableSettings",
            Fidelity::Full,
            on_value(global_settings::describe),
        )
        .register(
            "UpdateGlobalTableSettings",
            Fidelity::Full,
            on_value(global_settings::update),
        )
        .on(wire::DESCRIBE_LIMITS, account::limits)
        .on(wire::DESCRIBE_ENDPOINTS, account::endpoints)
        .stored(wire::PUT_RESOURCE_POLICY, policy::put)
        .stored(wire::GET_RESOURCE_POLICY, policy::get)
        .stored(wire::DELETE_RESOURCE_POLICY, policy::delete)
        .stored(wire::ENABLE_KINESIS_STREAMING_DESTINATION, destination::enable)
        .stored(wire::DISABLE_KINESIS_STREAMING_DESTINATION, destination::disable)
        .stored(wire::UPDATE_KINESIS_STREAMING_DESTINATION, destination::update)
        .stored(wire::DESCRIBE_KINESIS_STREAMING_DESTINATION, destination::describe)
        .stored(wire::UPDATE_CONTRIBUTOR_INSIGHTS, insights::update)
        .stored(wire::DESCRIBE_CONTRIBUTOR_INSIGHTS, insights::describe)
        .stored(wire::LIST_CONTRIBUTOR_INSIGHTS, insights::list)
        .register(
            "UpdateTableReplicaAutoScaling",
            Fidelity::Stored,
            on_value(scaling::update),
        )
        .register(
            "DescribeTableReplicaAutoScaling",
            Fidelity::Stored,
            on_value(scaling::describe),
        )
        .due(due::DROP, due::drop_rows)
        .due(due::VANISH, due::vanish)
        .due(due::BACKFILL, due::backfill)
        .due(follow::EXPIRE, expire::expire)
        .due(expire::LEARN, expire::learn)
        .due(expire::FORGET, expire::forget)
        .due(expire::TRIM, expire::trim)
        .due(backup::CLEAR, backup::clear)
        .due(recovery::TRIM, recovery::trim)
        .due(export::EXPORT, export::run)
        .due(import::IMPORT, import::run)
        .due(follow::REPLICATE, replica::replicate)
        .due(leave::FORGET_STAMPS, leave::forget_stamps)
}
