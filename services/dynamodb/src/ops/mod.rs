//! The operations, by noun.

pub mod account;
pub mod backup;
pub mod batch;
pub mod bucket;
pub mod destination;
pub mod door;
pub mod export;
pub mod global_settings;
pub mod global_table;
pub mod import;
pub mod insights;
pub mod item;
pub mod leave;
pub mod partitions;
pub mod policy;
pub mod query;
pub mod recovery;
pub mod replica;
pub mod restore;
pub mod scaling;
pub mod statement;
pub mod table;
pub mod tag;
pub mod time_to_live;
pub mod transact;
pub mod update_table;
pub mod visit;

use crate::value::{Input, Output};
use std::future::Future;
use virga_base::AwsError;
use virga_service::{Answer, Ctx, Value};

/// Wraps an operation that takes its input's members by name: attribute values go from the codec to the language once.
pub fn on_value<F, R>(f: F) -> virga_service::Handler
where
    F: Fn(Ctx, Input, Output) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Value, AwsError>> + Send + 'static,
{
    Box::new(move |ctx, input, shape| match (Input::new(input), shape) {
        (Some(input), Some(shape)) => {
            let f = f.clone();
            // Made where it stays: it is large.
            Box::pin(async move { f(ctx, input, Output::new(shape)).await.map(Answer::from) })
        }
        _ => Box::pin(std::future::ready(Err(without_input()))),
    })
}

/// The same for an operation that waits for nothing.
pub fn on_value_at_once<F>(f: F) -> virga_service::Handler
where
    F: Fn(Ctx, Input, Output) -> Result<Value, AwsError> + Clone + Send + Sync + 'static,
{
    Box::new(move |ctx, input, shape| match (Input::new(input), shape) {
        (Some(input), Some(shape)) => {
            let f = f.clone();
            Box::pin(async move { f(ctx, input, Output::new(shape)).map(Answer::from) })
        }
        _ => Box::pin(std::future::ready(Err(without_input()))),
    })
}

/// Every operation has required members, and the model's constraints were checked.
fn without_input() -> AwsError {
    AwsError::internal("an operation without input")
}
