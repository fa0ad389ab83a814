//! Where records go: calls of other services, made by S3 on behalf of the bucket's owner.

use crate::{call, errors};
use serde_json::{Value as Json, json};
use virga_base::{AwsError, Timestamp};
use virga_service::outbox::{self, Message};
use virga_service::{Caller, Ctx, StoreError, Tx};

/// By whom S3 calls.
pub const PRINCIPAL: &str = "s3.amazonaws.com";

/// The kinds of destinations that have an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Topic,
    Queue,
    Function,
}

impl Service {
    /// As configurations name it.
    pub fn element(self) -> &'static str {
        match self {
            Service::Topic => "Topic",
            Service::Queue => "Queue",
            Service::Function => "CloudFunction",
        }
    }

    fn model(self) -> &'static str {
        match self {
            Service::Topic => "sns",
            Service::Queue => "sqs",
            Service::Function => "lambda",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Service::Topic => "topic",
            Service::Queue => "queue",
            Service::Function => "Lambda function",
        }
    }
}

/// A queue, a topic or a function.
pub struct Destination<'a> {
    service: Service,
    arn: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> Destination<'a> {
    pub fn parse(service: Service, arn: &'a str) -> Result<Destination<'a>, AwsError> {
        let unreadable = || errors::invalid_argument("The ARN could not be parsed", service.element(), arn);
        let mut parts = arn.splitn(6, ':');
        let mut part = || parts.next().filter(|part| !part.is_empty()).ok_or_else(unreadable);
        let (head, _partition, model, region, account, resource) =
            (part()?, part()?, part()?, part()?, part()?, part()?);
        if head != "arn" {
            return Err(unreadable());
        }
        if model != service.model() {
            return Err(errors::invalid_argument(
                "The ARN is not well formed",
                service.element(),
                arn,
            ));
        }
        Ok(Destination {
            service,
            arn,
            region,
            account,
            resource,
        })
    }

    pub fn region(&self) -> &'a str {
        self.region
    }

    /// The operation that brings a text, with its input.
    fn call(&self, text: &str) -> (&'static str, Json) {
        match self.service {
            Service::Queue => (
                "SendMessage",
                json!({
                    "QueueUrl": format!("https://sqs.{}.amazonaws.com/{}/{}", self.region, self.account, self.resource),
                    "MessageBody": text,
                }),
            ),
            Service::Topic => (
                "Publish",
                json!({ "TopicArn": self.arn, "Subject": "Amazon S3 Notification", "Message": text }),
            ),
            Service::Function => {
                use base64::Engine as _;
                let payload = base64::engine::general_purpose::STANDARD.encode(text);
                (
                    "Invoke",
                    json!({ "FunctionName": self.arn, "InvocationType": "Event", "Payload": payload }),
                )
            }
        }
    }

    /// Sends a text once the transaction has committed. Nothing goes to a service that is not there.
    pub fn send(&self, tx: &mut Tx<'_>, ctx: &Ctx, at: Timestamp, text: &str) -> Result<(), StoreError> {
        let (operation, input) = self.call(text);
        post(tx, ctx, at, self.service.model(), operation, self.region, &input)
    }

    /// Sends the test event at once, which shows whether the destination is there and lets S3 in. Answers what is wrong,
    /// in AWS's words.
    pub async fn try_out(&self, ctx: &Ctx, test: &str) -> Result<Option<String>, AwsError> {
        if ctx.cloud().service(self.service.model()).is_none() {
            return Ok(None);
        }
        let (operation, mut input) = self.call(test);
        if self.service == Service::Function {
            // Functions are not sent the test event.
            input["InvocationType"] = json!("DryRun");
        }
        let Some(input) = call::input(self.service.model(), operation, &input) else {
            return Ok(None);
        };
        let caller = Caller::service(ctx.account(), PRINCIPAL);
        let noun = self.service.noun();
        match ctx.call(caller, self.service.model(), operation, input).await {
            Ok(_) => Ok(None),
            Err(error) if error.code == "NotImplemented" => Ok(None),
            Err(error) => Ok(Some(match error.code.as_ref() {
                "AccessDenied" | "AuthorizationError" | "AccessDeniedException" => {
                    format!(
                        "Permissions on the destination {noun} do not allow S3 to publish notifications from this bucket"
                    )
                }
                _ => format!("The destination {noun} does not exist"),
            })),
        }
    }
}

/// Puts a call into the outbox, on behalf of the bucket's owner.
pub fn post(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    at: Timestamp,
    service: &str,
    operation: &str,
    region: &str,
    input: &Json,
) -> Result<(), StoreError> {
    if ctx.cloud().service(service).is_none() {
        return Ok(());
    }
    let message = Message {
        service: service.to_owned(),
        operation: operation.to_owned(),
        input: input.to_string(),
        caller: Caller::service(ctx.account(), PRINCIPAL),
        region: region.to_owned(),
    };
    outbox::send(tx, at, &message).map(drop)
}
