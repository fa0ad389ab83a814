//! SQS's errors in AWS's words.

use std::fmt::Display;
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Protocol;

/// A parameter that is not there, or empty where it must not be.
pub fn missing(parameter: impl Display) -> AwsError {
    AwsError::new(
        "MissingParameter",
        format!("The request must contain the parameter {parameter}."),
    )
    .with_json_type("com.amazon.coral.service#MissingRequiredParameterException")
}

/// `InvalidParameterValue` with a message of its own.
pub fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterValue", message)
        .with_json_type("com.amazon.coral.service#InvalidParameterValueException")
}

/// `Value … for parameter … is invalid. Reason: …`
pub fn invalid_parameter(value: impl Display, parameter: &str, reason: impl Display) -> AwsError {
    invalid(format!(
        "Value {value} for parameter {parameter} is invalid. Reason: {reason}"
    ))
}

/// Neither protocol tells the other's story about a queue that is not there.
pub fn queue_does_not_exist(ctx: &Ctx) -> AwsError {
    let message = if ctx.request().protocol == Some(Protocol::Query) {
        "The specified queue does not exist for this wsdl version."
    } else {
        "The specified queue does not exist."
    };
    AwsError::new("QueueDoesNotExist", message)
}

pub fn unknown_attribute(name: &str) -> AwsError {
    AwsError::new("InvalidAttributeName", format!("Unknown Attribute {name}."))
}

pub fn invalid_attribute(name: &str) -> AwsError {
    AwsError::new(
        "InvalidAttributeValue",
        format!("Invalid value for the parameter {name}."),
    )
}

pub fn invalid_attribute_because(name: &str, reason: &str) -> AwsError {
    AwsError::new(
        "InvalidAttributeValue",
        format!("Invalid value for the parameter {name}. Reason: {reason}"),
    )
}

pub fn message_too_long(max_bytes: u32) -> AwsError {
    invalid(format!(
        "One or more parameters are invalid. Reason: Message must be shorter than {max_bytes} bytes."
    ))
}

pub fn not_a_receipt_handle(handle: &str) -> AwsError {
    AwsError::new(
        "ReceiptHandleIsInvalid",
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
}

pub fn not_a_receipt_handle_for_change() -> AwsError {
    AwsError::new("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
}

pub fn receipt_handle_expired(handle: &str) -> AwsError {
    invalid_parameter(handle, "ReceiptHandle", "The receipt handle has expired.")
}

pub fn not_available_for_change(handle: &str) -> AwsError {
    invalid_parameter(
        handle,
        "ReceiptHandle",
        "Message does not exist or is not available for visibility timeout change.",
    )
}

pub fn resource_not_found(message: &str) -> AwsError {
    AwsError::new("ResourceNotFoundException", message).with_status(404)
}

/// What a caller of another account is told: no policy of the queue lets it in.
pub fn access_denied(who: &str, action: &str, queue_arn: &str) -> AwsError {
    let action = action.to_ascii_lowercase();
    denied(format!(
        "User: {who} is not authorized to perform: sqs:{action} on resource: {queue_arn} because no resource-based \
         policy allows the sqs:{action} action"
    ))
}

/// What a caller is told whom a policy of the queue shuts out by name.
pub fn access_denied_explicitly(who: &str, action: &str, queue_arn: &str) -> AwsError {
    let action = action.to_ascii_lowercase();
    denied(format!(
        "User: {who} is not authorized to perform: sqs:{action} on resource: {queue_arn} with an explicit deny in a \
         resource-based policy"
    ))
}

/// What somebody is told who has not signed.
pub fn access_denied_to_anonymous(url: &str) -> AwsError {
    denied(format!("Access to the resource {url} is denied."))
}

fn denied(message: String) -> AwsError {
    AwsError::new("AccessDenied", message)
        .with_status(403)
        .with_json_type("com.amazon.coral.service#AccessDeniedException")
}
