//! The operations, one file per noun.

pub mod attribute;
pub mod batch;
pub mod message;
pub mod move_task;
pub mod permission;
pub mod queue;
pub mod receive;
pub mod send;
pub mod tag;

use crate::{errors, limits};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use virga_base::AwsError;

/// The page that a list operation is asked for.
struct Page {
    /// Results on it.
    limit: usize,
    /// The name after which it begins.
    after: Option<String>,
    /// Only who asks for pages gets tokens.
    paged: bool,
}

impl Page {
    fn new(results_max: Option<i32>, token: Option<String>) -> Result<Page, AwsError> {
        if let Some(max) = results_max
            && !(1..=limits::PAGE_MAX).contains(&max)
        {
            return Err(errors::invalid_parameter(
                max,
                "MaxResults",
                "MaxResults must be an integer between 1 and 1000, if provided.",
            ));
        }
        let after = token.map(|token| read_token(&token)).transpose()?;
        Ok(Page {
            limit: usize::try_from(results_max.unwrap_or(limits::PAGE_MAX)).unwrap_or(1),
            after,
            paged: results_max.is_some(),
        })
    }

    /// The token of the next page. `names` has one more than fits, where there is a next page.
    fn next_token(&self, names: &mut Vec<String>, url: impl Fn(&str) -> String) -> Option<String> {
        if names.len() <= self.limit {
            return None;
        }
        names.truncate(self.limit);
        names
            .last()
            .filter(|_| self.paged)
            .map(|name| STANDARD.encode(url(name)))
    }
}

/// A token is the last URL of the page before, in base64.
fn read_token(token: &str) -> Result<String, AwsError> {
    STANDARD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|url| url.rsplit_once('/').map(|(_, name)| name.to_owned()))
        .ok_or_else(|| errors::invalid("Invalid or expired next token."))
}
