//! DynamoDB's errors in AWS's words.

use std::fmt::Display;
use virga_base::AwsError;
use virga_lang_dynamodb::Invalid;

/// What [`virga_service::Validation::Standard`] answers, and most of what DynamoDB refuses.
pub const VALIDATION: &str = "ValidationException";

/// A `ValidationException` of DynamoDB's own making.
pub fn validation(message: impl Into<String>) -> AwsError {
    AwsError::new(VALIDATION, message).with_json_type("com.amazon.coral.validate#ValidationException")
}

/// With AWS's usual opening.
pub fn parameter(message: impl Display) -> AwsError {
    validation(format!("One or more parameter values were invalid: {message}"))
}

pub fn invalid(error: Invalid) -> AwsError {
    validation(error.0)
}

/// Of an operation on items.
pub fn no_resource() -> AwsError {
    AwsError::new("ResourceNotFoundException", "Requested resource not found")
}

/// Of an operation on tables.
pub fn no_table(name: &str) -> AwsError {
    AwsError::new(
        "ResourceNotFoundException",
        format!("Requested resource not found: Table: {name} not found"),
    )
}

pub fn in_use(message: impl Into<String>) -> AwsError {
    AwsError::new("ResourceInUseException", message)
}

/// Of a stored item that is not one.
pub fn unreadable() -> AwsError {
    AwsError::internal("a stored item cannot be read")
}

pub fn condition_failed() -> AwsError {
    AwsError::new("ConditionalCheckFailedException", "The conditional request failed")
}
