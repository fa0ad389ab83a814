//! A world in process: memory store, frozen clock, seeded ids, and calls by name with JSON in and out.
//!
//! A failing call panics where a test has not asked for the error, as tests do.

#[cfg(unix)]
pub mod postgres;
pub mod simulation;

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use virga_base::{Account, AwsError, Clock, Id, Ids, Region, Timestamp};
use virga_service::{Call, Caller, Cloud, CloudOptions, Head, Service};
use virga_shape::{Value, pack};
use virga_store::{MemoryEngine, Store};

/// When every test's world begins, in seconds: 2026-01-01T00:00:00Z.
pub const START_S: i64 = 1_767_225_600;

/// A world for one test.
pub struct World {
    pub cloud: Arc<Cloud>,
    pub account: Account,
    pub region: Region,
}

impl World {
    /// An empty world with these services.
    pub fn new(services: Vec<Service>) -> World {
        World::with_settings(services, BTreeMap::new())
    }

    pub fn with_settings(services: Vec<Service>, settings: BTreeMap<String, BTreeMap<String, String>>) -> World {
        let cloud = Cloud::new(CloudOptions {
            store: Store::new(Box::new(MemoryEngine::default())),
            clock: Clock::frozen(Timestamp::from_secs(START_S)),
            ids: Ids::seeded(1),
            services,
            settings,
        });
        World {
            cloud,
            account: Account::DEFAULT,
            region: Region::default(),
        }
    }

    /// The same world, seen from another account.
    pub fn as_account(&self, number: u64) -> World {
        World {
            cloud: self.cloud.clone(),
            account: Account::from_number(number),
            region: self.region.clone(),
        }
    }

    /// The same world, seen from another region.
    pub fn in_region(&self, name: &str) -> World {
        World {
            cloud: self.cloud.clone(),
            account: self.account,
            region: Region::parse(name).unwrap_or_default(),
        }
    }

    /// Calls an operation as the account's root user.
    pub async fn call(&self, service: &str, operation: &str, input: Json) -> Result<Json, AwsError> {
        self.call_as(Caller::root(self.account), service, operation, input)
            .await
    }

    /// Calls an operation as somebody.
    pub async fn call_as(&self, caller: Caller, service: &str, operation: &str, input: Json) -> Result<Json, AwsError> {
        let model = pack::service(service).unwrap_or_else(|| panic!("there is no service {service}"));
        let shape = model
            .operation(operation)
            .unwrap_or_else(|| panic!("{service} has no {operation}"))
            .input;
        let input = match shape {
            Some(shape) => {
                Value::from_json(model.shape_ref(shape), &input).unwrap_or_else(|error| panic!("{operation}: {error}"))
            }
            None => Value::Null,
        };
        let mut call = Call::named(service, operation, input, caller, self.account, self.region.clone())?;
        call.request.head = Some(Arc::new(Head {
            host: Some("localhost:4566".into()),
            ..Head::default()
        }));
        call.request.id = Id::uuid(&self.cloud.ids().uuid_bytes());
        let answer = self.cloud.dispatch(call).await?;
        Ok(answer.output.map_or(Json::Null, |output| output.to_json()))
    }

    /// Calls an operation that must succeed.
    pub async fn ok(&self, service: &str, operation: &str, input: Json) -> Json {
        self.call(service, operation, input)
            .await
            .unwrap_or_else(|error| panic!("{operation} failed: {error}"))
    }

    /// Calls an operation that must fail; answers code and message.
    pub async fn err(&self, service: &str, operation: &str, input: Json) -> (String, String) {
        match self.call(service, operation, input).await {
            Ok(answer) => panic!("{operation} should have failed, but answered {answer}"),
            Err(error) => (error.code.into_owned(), error.message),
        }
    }

    /// Moves the clock on, running what falls due on the way.
    pub async fn pass(&self, duration: Duration) {
        let target = self.cloud.clock().now().plus(duration);
        self.cloud
            .advance(target)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }
}
