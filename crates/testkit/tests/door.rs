//! What holds for every call by name, whatever the service.

use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use virga_base::AwsError;
use virga_service::{Answer, Caller, Ctx, Fidelity, Handler, Service, Validation};
use virga_shape::{ShapeRef, StructValue, Value};
use virga_testkit::World;

const TOO_MANY: &str = "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member \
                        must have value less than or equal to 1024";

fn handler<F, R>(f: F) -> Handler
where
    F: Fn(Ctx, Value, Option<ShapeRef>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Answer, AwsError>> + Send + 'static,
{
    Box::new(move |ctx, input, shape| Box::pin(f(ctx, input, shape)))
}

/// KMS, whose operation counts its runs and answers an id, and SQS, which calls it.
fn world() -> (World, Arc<AtomicU32>) {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let kms = Service::new("kms", Validation::Standard("ValidationException")).register(
        "GenerateRandom",
        Fidelity::Full,
        handler(move |ctx, _, shape| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                let mut output = StructValue::new(shape.expect("an output"));
                output.set("Plaintext", Value::Blob(ctx.ids().uuid_bytes().to_vec().into()));
                Ok(Answer::from(Value::Struct(output)))
            }
        }),
    );
    let sqs = Service::new("sqs", Validation::Own).register(
        "ListQueues",
        Fidelity::Full,
        handler(|ctx, input, _| async move {
            let max = input.as_struct().and_then(|input| input.get("MaxResults")).cloned();
            let shape = virga_shape::pack::service("kms").and_then(|model| model.shape_named("GenerateRandomRequest"));
            let mut bytes = StructValue::new(shape.expect("a shape"));
            bytes.set("NumberOfBytes", max.expect("a number"));
            ctx.call(
                Caller::root(ctx.account()),
                "kms",
                "GenerateRandom",
                Value::Struct(bytes),
            )
            .await?;
            Ok(Answer::default())
        }),
    );
    (World::new(vec![kms, sqs]), runs)
}

#[tokio::test]
async fn constraints_hold_for_calls_by_name() {
    let (world, runs) = world();
    let refused = world.err("kms", "GenerateRandom", json!({"NumberOfBytes": 1025})).await;
    assert_eq!(refused, ("ValidationException".to_owned(), TOO_MANY.to_owned()));
    let refused = world.err("sqs", "ListQueues", json!({"MaxResults": 1025})).await;
    assert_eq!(refused, ("ValidationException".to_owned(), TOO_MANY.to_owned()));
    assert_eq!(runs.load(Ordering::Relaxed), 0);
    world.ok("sqs", "ListQueues", json!({"MaxResults": 1024})).await;
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_not_built_is_not_checked() {
    let (code, _) = world().0.err("kms", "CreateAlias", json!({})).await;
    assert_eq!(code, "NotImplemented");
}

#[tokio::test]
async fn after_a_reset_the_same_calls_draw_the_same_ids() {
    async fn draw(world: &World) -> Vec<Json> {
        let mut drawn = Vec::new();
        for _ in 0..3 {
            drawn.push(world.ok("kms", "GenerateRandom", json!({"NumberOfBytes": 16})).await);
        }
        drawn
    }
    let (world, _) = world();
    let first = draw(&world).await;
    assert_ne!(draw(&world).await, first);
    world.cloud.reset().await.expect("a memory store");
    assert_eq!(draw(&world).await, first);
}
