//! What an access point's policy must be.

use crate::state::AccessPoint;
use crate::{errors, policy};
use virga_base::AwsError;
use virga_lang_policy::{Context, Pattern, Policy};

/// Reads a policy that shall be an access point's: all its resources are the access point, or objects behind it.
///
/// # Errors
/// `MalformedPolicy` in S3's words.
pub fn read(text: &str, point: &AccessPoint) -> Result<Policy, AwsError> {
    let policy = policy::parse(text)?;
    let (arn, nothing) = (point.arn(), Context::new());
    let covers = |resource: &Pattern| {
        let text = resource.text();
        let head = text.split_once("/object/").map_or(text, |(head, _)| head);
        text == "*" || Pattern::parse(head, false).is_ok_and(|head| head.matches_arn(&arn, &nothing))
    };
    for statement in &policy.statements {
        let resources = statement.resources.iter().flat_map(|resources| &resources.patterns);
        if !resources.into_iter().all(covers) {
            return Err(errors::malformed_policy("Policy has invalid resource"));
        }
    }
    Ok(policy)
}
