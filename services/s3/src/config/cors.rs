//! Cross-origin rules: which pages of other sites may read a bucket.

use crate::errors;
use crate::wire::{CORSConfiguration, CORSRule};
use virga_base::AwsError;

const RULES_MAX: usize = 100;
const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "HEAD"];

/// Checks a configuration in AWS's words.
pub fn check(configuration: &CORSConfiguration) -> Result<(), AwsError> {
    let rules = configuration.cors_rules.as_deref().unwrap_or_default();
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(errors::malformed_xml());
    }
    rules.iter().try_for_each(check_rule)
}

fn check_rule(rule: &CORSRule) -> Result<(), AwsError> {
    let methods = texts(&rule.allowed_methods);
    let origins = texts(&rule.allowed_origins);
    if methods.is_empty() || origins.is_empty() {
        return Err(errors::malformed_xml());
    }
    if let Some(method) = methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
        return Err(errors::invalid_request(&format!(
            "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
        )));
    }
    let wild = |text: &&String| text.matches('*').count() > 1;
    if let Some(origin) = origins.iter().find(wild) {
        return Err(errors::invalid_request(&format!(
            "AllowedOrigin \"{origin}\" can not have more than one wildcard."
        )));
    }
    if let Some(header) = texts(&rule.allowed_headers).iter().find(wild) {
        return Err(errors::invalid_request(&format!(
            "AllowedHeader \"{header}\" can not have more than one wildcard."
        )));
    }
    if let Some(header) = texts(&rule.expose_headers).iter().find(|header| header.contains('*')) {
        return Err(errors::invalid_request(&format!(
            "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
        )));
    }
    Ok(())
}

fn texts(list: &Option<Vec<String>>) -> &[String] {
    list.as_deref().unwrap_or_default()
}

/// What a page asks for.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub origin: &'a str,
    pub method: &'a str,
    /// `Access-Control-Request-Headers`.
    pub headers: Option<&'a str>,
}

/// The headers that the first fitting rule gives an answer; none where no rule fits.
pub fn allow(configuration: &CORSConfiguration, question: Question<'_>) -> Option<Vec<(&'static str, String)>> {
    let asked: Vec<String> = question
        .headers
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    let rules = configuration.cors_rules.as_deref().unwrap_or_default();
    let fits = |rule: &&CORSRule| -> bool {
        texts(&rule.allowed_methods)
            .iter()
            .any(|method| method == question.method)
            && origin_of(rule, question.origin).is_some()
            && asked.iter().all(|name| {
                let mut allowed = texts(&rule.allowed_headers).iter();
                allowed.any(|pattern| matches(&pattern.to_ascii_lowercase(), name))
            })
    };
    let rule = rules.iter().find(fits)?;
    let mut headers = Vec::new();
    if origin_of(rule, question.origin) == Some("*") {
        headers.push(("access-control-allow-origin", "*".to_owned()));
    } else {
        headers.push(("access-control-allow-origin", question.origin.to_owned()));
        headers.push(("access-control-allow-credentials", "true".to_owned()));
    }
    headers.push(("access-control-allow-methods", texts(&rule.allowed_methods).join(", ")));
    if !asked.is_empty() {
        headers.push(("access-control-allow-headers", asked.join(", ")));
    }
    if !texts(&rule.expose_headers).is_empty() {
        headers.push(("access-control-expose-headers", texts(&rule.expose_headers).join(", ")));
    }
    if let Some(age) = rule.max_age_seconds {
        headers.push(("access-control-max-age", age.to_string()));
    }
    let vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
    headers.push(("vary", vary.to_owned()));
    Some(headers)
}

/// The pattern of a rule that an origin fits.
fn origin_of<'a>(rule: &'a CORSRule, origin: &str) -> Option<&'a str> {
    let mut patterns = texts(&rule.allowed_origins).iter().map(String::as_str);
    patterns.find(|pattern| matches(pattern, origin))
}

/// Whether a text fits a pattern with at most one `*`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text
            .strip_prefix(start)
            .is_some_and(|rest| rest.len() >= end.len() && rest.ends_with(end)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Question, allow, check};
    use crate::wire::{CORSConfiguration, CORSRule};

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> CORSRule {
        let list = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        CORSRule {
            allowed_origins: list(origins),
            allowed_methods: list(methods),
            allowed_headers: list(headers),
            ..CORSRule::default()
        }
    }

    fn of(rules: Vec<CORSRule>) -> CORSConfiguration {
        CORSConfiguration {
            cors_rules: Some(rules),
        }
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        let rules = of(vec![
            rule(&["https://*.site.org"], &["GET", "PUT"], &["X-Amz-*"]),
            rule(&["*"], &["GET"], &[]),
        ]);
        let origin = |origin, method, headers| {
            let headers = allow(
                &rules,
                Question {
                    origin,
                    method,
                    headers,
                },
            )?;
            Some(headers[0].1.clone())
        };
        assert_eq!(
            origin("https://a.site.org", "PUT", Some("x-amz-acl")).as_deref(),
            Some("https://a.site.org")
        );
        assert_eq!(origin("https://a.site.org", "PUT", Some("content-type")), None);
        assert_eq!(origin("https://b.org", "GET", None).as_deref(), Some("*"));
        assert_eq!(origin("https://b.org", "PUT", None), None);
        assert_eq!(origin("https://.site.or", "PUT", None), None);
    }

    #[test]
    fn rules_are_checked_in_awss_words() {
        let message = |rule: CORSRule| check(&of(vec![rule])).map_err(|error| error.message);
        assert_eq!(message(rule(&["*"], &["GET"], &["*"])), Ok(()));
        assert_eq!(
            message(rule(&["*"], &["PATCH"], &[])),
            Err("Found unsupported HTTP method in CORS config. Unsupported method is PATCH".to_owned())
        );
        assert_eq!(
            message(rule(&["*.*"], &["GET"], &[])),
            Err("AllowedOrigin \"*.*\" can not have more than one wildcard.".to_owned())
        );
        assert!(check(&of(vec![])).is_err());
    }
}
