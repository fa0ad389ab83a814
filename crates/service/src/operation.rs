//! Operations: names with types, and the functions registered for them.

use crate::Ctx;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use virga_base::AwsError;
use virga_shape::{ShapeRef, Value};

/// A future behind a pointer, as registered functions give it.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A body that is streamed: a request's or an answer's.
pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// The name of an operation with the types of its input and output; `wire.rs` holds one constant for each.
pub struct Operation<I, O> {
    pub name: &'static str,
    types: PhantomData<fn(I) -> O>,
}

impl<I, O> Operation<I, O> {
    pub const fn new(name: &'static str) -> Operation<I, O> {
        Operation {
            name,
            types: PhantomData,
        }
    }
}

/// What an operation answers: its output, and what no modelled member carries.
#[derive(Default)]
pub struct Answer {
    /// `None` for operations without output.
    pub output: Option<Value>,
    /// The output's streaming member.
    pub body: Option<Body>,
    /// Headers beyond the modelled ones.
    pub headers: Vec<(String, String)>,
    /// The HTTP status where it is not the model's (S3's 206 and 304).
    pub status: Option<u16>,
}

impl From<Value> for Answer {
    fn from(output: Value) -> Answer {
        Answer {
            output: Some(output),
            ..Answer::default()
        }
    }
}

/// A registered function: context, input, the shape of the output.
pub type Handler = Box<dyn Fn(Ctx, Value, Option<ShapeRef>) -> BoxFuture<Result<Answer, AwsError>> + Send + Sync>;
