//! Websites: what a configuration may say, and where it leads a request. Pure.

use crate::errors;
use crate::wire::{Condition, Redirect, RoutingRule, WebsiteConfiguration};
use virga_base::AwsError;

const ROUTING_RULES_MAX: usize = 50;

/// Checks a configuration in AWS's words.
pub fn check(configuration: &WebsiteConfiguration) -> Result<(), AwsError> {
    let argument = |message: &str, name: &str, value: &str| Err(errors::invalid_argument(message, name, value));
    if let Some(all) = &configuration.redirect_all_requests_to {
        if configuration.index_document.is_some()
            || configuration.error_document.is_some()
            || configuration.routing_rules.is_some()
        {
            return argument(
                "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
                "RedirectAllRequestsTo",
                "not null",
            );
        }
        if all.host_name.as_deref().unwrap_or_default().is_empty() {
            return Err(errors::malformed_xml());
        }
        return check_protocol(all.protocol.as_deref());
    }
    let Some(index) = &configuration.index_document else {
        return argument(
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
            "IndexDocument",
            "null",
        );
    };
    let suffix = index.suffix.as_deref().unwrap_or_default();
    if suffix.is_empty() || suffix.contains('/') {
        return argument("The IndexDocument Suffix is not well formed", "IndexDocument", suffix);
    }
    if let Some(error) = &configuration.error_document
        && error.key.as_deref().unwrap_or_default().is_empty()
    {
        return Err(errors::malformed_xml());
    }
    let rules = configuration.routing_rules.as_deref().unwrap_or_default();
    if configuration.routing_rules.is_some() && rules.is_empty() {
        return Err(errors::malformed_xml());
    }
    if rules.len() > ROUTING_RULES_MAX {
        return Err(errors::invalid_request(&format!(
            "The number of routing rules should not exceed allowed limit of {ROUTING_RULES_MAX} rules."
        )));
    }
    rules.iter().try_for_each(check_rule)
}

fn check_rule(rule: &RoutingRule) -> Result<(), AwsError> {
    let Some(redirect) = &rule.redirect else {
        return Err(errors::malformed_xml());
    };
    check_protocol(redirect.protocol.as_deref())?;
    if redirect.replace_key_prefix_with.is_some() && redirect.replace_key_with.is_some() {
        return Err(errors::invalid_request(
            "You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
        ));
    }
    if let Some(condition) = &rule.condition {
        if *condition == Condition::default() {
            return Err(errors::invalid_request(
                "Condition cannot be empty. To redirect all requests without a condition, the condition element \
                 shouldn't be present.",
            ));
        }
        if let Some(code) = &condition.http_error_code_returned_equals
            && !is_status(code, 400, 599)
        {
            return Err(errors::invalid_request(&format!(
                "The provided HTTP error code ({code}) is not valid. Valid codes are 4XX or 5XX."
            )));
        }
    }
    if let Some(code) = &redirect.http_redirect_code
        && !is_status(code, 301, 399)
    {
        return Err(errors::invalid_request(&format!(
            "The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300."
        )));
    }
    if *redirect == Redirect::default() {
        return Err(errors::malformed_xml());
    }
    Ok(())
}

fn is_status(code: &str, from: u16, to: u16) -> bool {
    code.parse().is_ok_and(|code: u16| (from..=to).contains(&code))
}

fn check_protocol(protocol: Option<&str>) -> Result<(), AwsError> {
    match protocol {
        None | Some("http" | "https") => Ok(()),
        Some(_) => Err(errors::invalid_request(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected \
             automatically.",
        )),
    }
}

/// The key of the object that a request's key means: the index document where it ends as a folder.
pub fn object_key(configuration: &WebsiteConfiguration, key: &str) -> String {
    if key.is_empty() || key.ends_with('/') {
        return format!("{key}{}", suffix(configuration));
    }
    key.to_owned()
}

pub fn suffix(configuration: &WebsiteConfiguration) -> &str {
    let index = configuration.index_document.as_ref();
    index.and_then(|index| index.suffix.as_deref()).unwrap_or_default()
}

/// Where the first fitting rule leads: of those without a condition on errors, or with one that fits the error.
pub fn route<'a>(configuration: &'a WebsiteConfiguration, key: &str, error: Option<u16>) -> Option<&'a RoutingRule> {
    let mut rules = configuration.routing_rules.as_deref().unwrap_or_default().iter();
    rules.find(|rule| {
        let Some(condition) = &rule.condition else {
            return error.is_none();
        };
        let code = condition.http_error_code_returned_equals.as_deref();
        let prefix = condition.key_prefix_equals.as_deref().unwrap_or_default();
        code.and_then(|code| code.parse().ok()) == error && key.starts_with(prefix)
    })
}

/// The status and the address of a rule's redirect. `origin` is protocol and host of the request.
pub fn redirect(rule: &RoutingRule, key: &str, origin: (&str, &str)) -> Option<(u16, String)> {
    let to = rule.redirect.as_ref()?;
    let prefix = rule
        .condition
        .as_ref()
        .and_then(|condition| condition.key_prefix_equals.as_deref());
    let key = match (&to.replace_key_with, &to.replace_key_prefix_with) {
        (Some(key), _) => key.clone(),
        (None, Some(start)) => {
            let rest = key.strip_prefix(prefix.unwrap_or_default()).unwrap_or(key);
            format!("{start}{rest}")
        }
        (None, None) => key.to_owned(),
    };
    let protocol = to.protocol.as_deref().unwrap_or(origin.0);
    let host = to.host_name.as_deref().unwrap_or(origin.1);
    let status = to.http_redirect_code.as_deref().and_then(|code| code.parse().ok());
    Some((status.unwrap_or(301), format!("{protocol}://{host}/{}", path(&key))))
}

/// A key as it stands in an address.
pub fn path(key: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'#')
        .remove(b'?')
        .remove(b'=')
        .remove(b'&')
        .remove(b'!');
    utf8_percent_encode(key, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::{check, object_key, redirect, route};
    use crate::wire::{Condition, IndexDocument, Redirect, RoutingRule, WebsiteConfiguration};

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn site(rules: Vec<RoutingRule>) -> WebsiteConfiguration {
        WebsiteConfiguration {
            index_document: Some(IndexDocument {
                suffix: text("index.html"),
            }),
            routing_rules: (!rules.is_empty()).then_some(rules),
            ..WebsiteConfiguration::default()
        }
    }

    #[test]
    fn folders_mean_their_index() {
        let site = site(vec![]);
        assert_eq!(object_key(&site, ""), "index.html");
        assert_eq!(object_key(&site, "docs/"), "docs/index.html");
        assert_eq!(object_key(&site, "docs"), "docs");
        assert_eq!(check(&site), Ok(()));
    }

    #[test]
    fn the_first_fitting_rule_leads_on() {
        let rules = vec![
            RoutingRule {
                condition: Some(Condition {
                    key_prefix_equals: text("docs/"),
                    ..Condition::default()
                }),
                redirect: Some(Redirect {
                    replace_key_prefix_with: text("documents/"),
                    ..Redirect::default()
                }),
            },
            RoutingRule {
                condition: Some(Condition {
                    http_error_code_returned_equals: text("404"),
                    ..Condition::default()
                }),
                redirect: Some(Redirect {
                    host_name: text("other.example"),
                    http_redirect_code: text("302"),
                    replace_key_with: text("gone.html"),
                    ..Redirect::default()
                }),
            },
        ];
        let site = site(rules);
        assert_eq!(check(&site), Ok(()));
        let to = |key: &str, error| {
            let rule = route(&site, key, error)?;
            redirect(rule, key, ("http", "b.s3-website.localhost"))
        };
        assert_eq!(
            to("docs/a b", None),
            Some((301, "http://b.s3-website.localhost/documents/a%20b".to_owned()))
        );
        assert_eq!(to("x", None), None);
        assert_eq!(
            to("x", Some(404)),
            Some((302, "http://other.example/gone.html".to_owned()))
        );
        assert_eq!(to("x", Some(403)), None);
    }
}
