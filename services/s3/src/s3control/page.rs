//! Pages of lists: where they begin and how they end.

use crate::errors;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::ops::ControlFlow;
use virga_base::AwsError;

/// The name that a page comes after; an empty one, before all others, where there is no token.
pub fn read_token(token: Option<&str>) -> Result<String, AwsError> {
    let name = URL_SAFE_NO_PAD.decode(token.unwrap_or_default()).ok();
    name.and_then(|name| String::from_utf8(name).ok())
        .ok_or_else(|| errors::invalid_argument_named("The continuation token provided is incorrect", "nextToken"))
}

/// Goes on until enough is found.
pub fn until(enough: bool) -> ControlFlow<()> {
    if enough {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// Shortens what was found to a page, and answers the token of what comes after it.
pub fn cut<T>(found: &mut Vec<T>, max: usize, name: impl Fn(&T) -> &str) -> Option<String> {
    let more = found.len() > max;
    found.truncate(max);
    found
        .last()
        .filter(|_| more)
        .map(|last| URL_SAFE_NO_PAD.encode(name(last)))
}
