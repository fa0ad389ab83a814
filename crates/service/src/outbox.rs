//! The outbox: calls written in the same transaction as their cause, delivered after it with retries.

use crate::{Call, Caller, Cloud, Request};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use virga_base::{Account, AwsError, Region, Timestamp};
use virga_shape::{Value, pack};
use virga_store::schedule::{DueId, DueRow};
use virga_store::{Record, StoreError, Tx, record};

pub(crate) const SERVICE: &str = "virga.outbox";

/// A call to be made once the transaction that holds it has committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// By model name.
    pub service: String,
    pub operation: String,
    /// The input as JSON text, as [`Value::from_json`] reads it.
    pub input: String,
    pub caller: Caller,
    /// The region that the call is made in; its account is the caller's.
    pub region: String,
}

record!(Message, 1);

/// Puts a call into the outbox. It is delivered at least once, at `at` or later.
pub fn send(tx: &mut Tx<'_>, at: Timestamp, message: &Message) -> Result<DueId, StoreError> {
    let mut payload = vec![Message::VERSION];
    message.encode(&mut payload);
    let row = DueRow {
        service: SERVICE.to_owned(),
        kind: "call".to_owned(),
        account: message.caller.account.number(),
        region: message.region.clone(),
        payload,
        attempts: 0,
    };
    tx.schedule(at, &row)
}

pub(crate) async fn deliver(
    cloud: &Arc<Cloud>,
    account: Account,
    region: Region,
    payload: &[u8],
    request: Request,
) -> Result<(), AwsError> {
    let broken = || AwsError::internal("a call in the outbox cannot be read");
    let (version, bytes) = payload.split_first().ok_or_else(broken)?;
    let message = Message::decode(*version, bytes).ok_or_else(broken)?;
    let json = serde_json::from_str(&message.input).map_err(|_| broken())?;
    let model = pack::service(&message.service).ok_or_else(broken)?;
    let input = match model.operation(&message.operation).ok_or_else(broken)?.input {
        Some(shape) => Value::from_json(model.shape_ref(shape), &json).map_err(|_| broken())?,
        None => Value::Null,
    };
    let mut call = Call::named(
        &message.service,
        &message.operation,
        input,
        message.caller,
        account,
        region,
    )?;
    call.request = request;
    cloud.dispatch(call).await.map(drop)
}
