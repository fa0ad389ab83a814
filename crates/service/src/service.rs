//! One service as a value with named faces.

use crate::front::{CrossOriginHandler, ServedHandler, ServedWanted, SiteHandler};
use crate::operation::{Answer, BoxFuture, Handler, Operation};
use crate::{Credential, Ctx};
use serde::Serialize;
use std::collections::BTreeMap;
use std::future::Future;
use virga_base::{AwsError, NameMap};
use virga_shape::{ShapeRef, Typed, Value};
use virga_store::TableInfo;

/// How much of an operation is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fidelity {
    /// Not built; answers 501.
    None,
    /// Keeps and returns what it is given, without effect.
    Stored,
    /// Behaves as AWS does.
    Full,
}

/// How the model's constraints are checked before an operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// AWS's common wording under this error code (`ValidationException`, `ValidationError`).
    Standard(&'static str),
    /// The service words everything itself.
    Own,
}

/// Does deferred work of one kind, given its payload.
pub type DueHandler = Box<dyn Fn(Ctx, Vec<u8>) -> BoxFuture<Result<(), AwsError>> + Send + Sync>;

/// Looks up an access key id that the service may have issued.
pub type FindCredential = Box<dyn Fn(Ctx, String) -> BoxFuture<Result<Option<Credential>, AwsError>> + Send + Sync>;

/// A setting of a service, as users write it in `virga.toml` under the service's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// With its unit at the end: `delete_wait_s`.
    pub name: &'static str,
    /// What holds where the user says nothing. Where it is a whole number, a user's value must be one; so for booleans.
    pub default: &'static str,
    /// One sentence for people.
    pub text: &'static str,
}

/// An operation that a service has.
pub struct Registered {
    pub(crate) name: &'static str,
    pub fidelity: Fidelity,
    pub(crate) handler: Handler,
}

/// A service: its operations and its other faces.
pub struct Service {
    /// The model's name, which is the folder's.
    pub name: &'static str,
    pub validation: Validation,
    /// Unsigned calls reach every operation, which decides for itself (S3, SQS queues with open policies).
    pub anonymous: bool,
    /// What users may set; other names are refused at start.
    pub settings: Vec<Setting>,
    pub(crate) operations: NameMap<Registered>,
    pub(crate) due: BTreeMap<&'static str, DueHandler>,
    pub(crate) credentials: Option<FindCredential>,
    /// Its hosts' label, and what answers there.
    pub(crate) site: Option<(&'static str, SiteHandler)>,
    pub(crate) cross_origin: Option<CrossOriginHandler>,
    pub(crate) served: Option<(ServedWanted, ServedHandler)>,
    /// What it keeps, for people.
    pub tables: Vec<TableInfo>,
}

impl Service {
    /// A service without operations; all of its model's answer 501.
    pub fn new(name: &'static str, validation: Validation) -> Service {
        Service {
            name,
            validation,
            anonymous: false,
            settings: Vec::new(),
            operations: NameMap::default(),
            due: BTreeMap::new(),
            credentials: None,
            site: None,
            cross_origin: None,
            served: None,
            tables: Vec::new(),
        }
    }

    /// Registers an operation that behaves as AWS's does.
    #[must_use]
    pub fn on<I: Typed, O: Typed, F, R>(self, operation: Operation<I, O>, f: F) -> Service
    where
        F: Fn(Ctx, I) -> R + Copy + Send + Sync + 'static,
        R: Future<Output = Result<O, AwsError>> + Send + 'static,
    {
        self.register(operation.name, Fidelity::Full, typed(f))
    }

    /// Registers an operation that only keeps and returns what it is given.
    #[must_use]
    pub fn stored<I: Typed, O: Typed, F, R>(self, operation: Operation<I, O>, f: F) -> Service
    where
        F: Fn(Ctx, I) -> R + Copy + Send + Sync + 'static,
        R: Future<Output = Result<O, AwsError>> + Send + 'static,
    {
        self.register(operation.name, Fidelity::Stored, typed(f))
    }

    /// Registers an operation that streams, or works on the dynamic value.
    #[must_use]
    pub fn register(mut self, name: &'static str, fidelity: Fidelity, handler: Handler) -> Service {
        let registered = Registered {
            name,
            fidelity,
            handler,
        };
        self.operations.insert(name, registered);
        self
    }

    /// Registers what does deferred work of one kind. It must bear being run more than once for the same work.
    #[must_use]
    pub fn due<F, R>(mut self, kind: &'static str, f: F) -> Service
    where
        F: Fn(Ctx, Vec<u8>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), AwsError>> + Send + 'static,
    {
        self.due
            .insert(kind, Box::new(move |ctx, payload| Box::pin(f(ctx, payload))));
        self
    }

    /// Registers the look-up of the access keys that this service issues.
    #[must_use]
    pub fn credentials<F, R>(mut self, f: F) -> Service
    where
        F: Fn(Ctx, String) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<Credential>, AwsError>> + Send + 'static,
    {
        self.credentials = Some(Box::new(move |ctx, id| Box::pin(f(ctx, id))));
        self
    }

    /// Declares the tables that it keeps, so that people are shown their names and keys.
    #[must_use]
    pub fn tables(mut self, tables: &[TableInfo]) -> Service {
        self.tables.extend_from_slice(tables);
        self
    }

    /// Declares a setting, for [`Ctx::setting`] to read.
    #[must_use]
    pub fn setting(mut self, name: &'static str, default: &'static str, text: &'static str) -> Service {
        self.settings.push(Setting { name, default, text });
        self
    }

    /// Lets unsigned calls through to the operations.
    #[must_use]
    pub fn anonymous(mut self) -> Service {
        self.anonymous = true;
        self
    }

    /// How much of an operation is real.
    pub fn fidelity(&self, operation: &str) -> Fidelity {
        self.operation(operation)
            .map_or(Fidelity::None, |registered| registered.fidelity)
    }

    /// What is registered for an operation.
    pub fn operation(&self, name: &str) -> Option<&Registered> {
        self.operations.get(name)
    }
}

fn typed<I: Typed, O: Typed, F, R>(f: F) -> Handler
where
    F: Fn(Ctx, I) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = Result<O, AwsError>> + Send + 'static,
{
    Box::new(move |ctx: Ctx, input: Value, output: Option<ShapeRef>| {
        // The operation's own future is made where it stays: a large one costs to move.
        Box::pin(async move {
            let input = I::from_value(input)
                .map_err(|mismatch| AwsError::new("SerializationException", mismatch.to_string()))?;
            let answer = f(ctx, input).await?;
            Ok(Answer {
                output: output.map(|shape| answer.into_value(shape)),
                ..Answer::default()
            })
        })
    })
}
