//! What an object can be called: anything, up to a length.

use crate::{errors, limits};
use virga_base::AwsError;

/// The key of a request.
///
/// # Errors
/// `KeyTooLongError`, or that there is none.
pub fn read(key: Option<String>) -> Result<String, AwsError> {
    let key = key.unwrap_or_default();
    if key.is_empty() {
        return Err(errors::invalid_argument("Object key must not be empty.", "key", ""));
    }
    if key.len() > limits::KEY_MAX_BYTES {
        return Err(errors::key_too_long(key.len()));
    }
    Ok(key)
}
