//! What STS answers when it refuses, in AWS's words.

use virga_service::AwsError;

/// A value that the model allows but STS does not.
pub fn validation(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}

/// One broken constraint, in AWS's common form.
pub fn constraint(value: &str, member: &str, constraint: &str) -> AwsError {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

pub fn invalid_parameter(message: &str) -> AwsError {
    AwsError::new("InvalidParameterValue", message)
}

pub fn access_denied(message: impl Into<String>) -> AwsError {
    AwsError::new("AccessDenied", message).with_status(403)
}

pub fn malformed_policy(message: impl Into<String>) -> AwsError {
    AwsError::new("MalformedPolicyDocumentException", message)
}

pub fn packed_policy_too_large(percent: usize) -> AwsError {
    AwsError::new(
        "PackedPolicyTooLargeException",
        format!("Packed policy consumes {percent}% of allotted space, please use smaller policy."),
    )
}

pub fn packed_tags_too_large(percent: usize) -> AwsError {
    AwsError::new(
        "PackedPolicyTooLargeException",
        format!("Packed size of session tags consumes {percent}% of allotted space."),
    )
}

pub fn invalid_identity_token(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidIdentityTokenException", message)
}

pub fn expired_token(message: impl Into<String>) -> AwsError {
    AwsError::new("ExpiredTokenException", message)
}

pub fn invalid_authorization_message() -> AwsError {
    AwsError::new("InvalidAuthorizationMessageException", "Message is not valid")
}

pub fn invalid_client_token_id() -> AwsError {
    AwsError::new(
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    )
    .with_status(403)
}
