//! What operations answer that no modelled member carries, and how handlers of such are registered.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use std::future::Future;
use std::sync::PoisonError;
use virga_base::AwsError;
use virga_service::{Answer, Body, Ctx};
use virga_shape::{Kind, ShapeRef, Typed, Unit, Value};

/// An output with what surrounds it.
#[derive(Default)]
pub struct Reply<O> {
    pub output: O,
    /// The object's bytes.
    pub body: Option<Body>,
    /// Headers that the model does not know.
    pub headers: Vec<(String, String)>,
    /// Where it is not the model's.
    pub status: Option<u16>,
}

impl<O> From<O> for Reply<O> {
    fn from(output: O) -> Reply<O> {
        Reply {
            output,
            body: None,
            headers: Vec::new(),
            status: None,
        }
    }
}

/// What S3 answers to some changes of configurations, where the model says 200.
pub fn no_content() -> Reply<Unit> {
    Reply {
        status: Some(204),
        ..Reply::from(Unit)
    }
}

/// Makes a handler of a function that answers a [`Reply`].
pub fn replying<I: Typed, O: Typed, F, R>(f: F) -> virga_service::Handler
where
    F: Fn(Ctx, I) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Reply<O>, AwsError>> + Send + 'static,
{
    Box::new(move |ctx: Ctx, mut input: Value, shape: Option<ShapeRef>| {
        adopt_body(&ctx, &mut input);
        let input =
            I::from_value(input).map_err(|mismatch| AwsError::new("SerializationException", mismatch.to_string()));
        match input {
            Err(error) => Box::pin(std::future::ready(Err(error))),
            Ok(input) => {
                let reply = f(ctx, input);
                Box::pin(async move {
                    let Reply {
                        output,
                        body,
                        headers,
                        status,
                    } = reply.await?;
                    Ok(Answer {
                        output: shape.map(|shape| output.into_value(shape)),
                        body,
                        headers,
                        status,
                    })
                })
            }
        }
    })
}

/// Callers by name give a body as a member; it becomes the request's stream.
fn adopt_body(ctx: &Ctx, input: &mut Value) {
    let Value::Struct(fields) = input else { return };
    let Some((index, member)) = fields.shape().member("Body") else {
        return;
    };
    if !matches!(fields.shape().target(member).kind(), Kind::Blob { .. }) {
        return;
    }
    if let Some(Value::Blob(bytes)) = fields.take_at(index) {
        let mut slot = ctx.request().body.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            *slot = Some(whole(bytes));
        }
    }
}

/// A body of bytes that are at hand.
pub fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}
