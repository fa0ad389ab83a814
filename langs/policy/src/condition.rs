//! Conditions: one operator, one key, the values that satisfy it.

use crate::{Compare, Context, Fault, Operator, Pattern, Quantifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;
use virga_base::Timestamp;

/// One key under one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub operator: Operator,
    /// The operator as it was written.
    pub operator_name: String,
    pub key: String,
    pub values: Vec<Pattern>,
}

impl Condition {
    /// Whether every value that has no variables has the form that the operator wants.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let wrong = |value: &Pattern| Fault::ConditionValue {
            operator: self.operator_name.clone(),
            key: self.key.clone(),
            value: value.text().to_owned(),
        };
        for value in self.values.iter().filter(|value| !value.has_variables()) {
            let text = value.text();
            let good = match self.operator.compare {
                Compare::StringEquals
                | Compare::StringEqualsIgnoreCase
                | Compare::StringLike
                | Compare::ArnLike
                | Compare::BinaryEquals => true,
                Compare::NumericEquals
                | Compare::NumericLessThan
                | Compare::NumericLessThanEquals
                | Compare::NumericGreaterThan
                | Compare::NumericGreaterThanEquals => number(text).is_some(),
                Compare::DateEquals
                | Compare::DateLessThan
                | Compare::DateLessThanEquals
                | Compare::DateGreaterThan
                | Compare::DateGreaterThanEquals => date(text).is_some(),
                Compare::Bool | Compare::Null => truth(text).is_some(),
                Compare::IpAddress => network(text).is_some(),
            };
            if !good {
                return Err(wrong(value));
            }
        }
        Ok(())
    }

    /// Whether the request satisfies it.
    pub fn is_met(&self, context: &Context) -> bool {
        let operator = self.operator;
        let values = context.get(&self.key);
        if operator.compare == Compare::Null {
            let absent = values.is_none_or(<[String]>::is_empty);
            return self.values.iter().any(|wanted| truth(wanted.text()) == Some(absent));
        }
        let values = match values {
            Some(values) if !values.is_empty() => values,
            _ => {
                return match operator.quantifier {
                    Some(Quantifier::ForAllValues) => true,
                    Some(Quantifier::ForAnyValue) => operator.if_exists,
                    None => operator.if_exists || operator.negated,
                };
            }
        };
        let any = |value: &String| {
            self.values
                .iter()
                .any(|wanted| compare(operator.compare, value, wanted, context))
        };
        match (operator.quantifier, operator.negated) {
            (Some(Quantifier::ForAllValues), negated) => values.iter().all(|value| any(value) != negated),
            (Some(Quantifier::ForAnyValue), negated) => values.iter().any(|value| any(value) != negated),
            (None, false) => values.iter().any(any),
            (None, true) => !values.iter().any(any),
        }
    }
}

fn compare(compare: Compare, value: &str, wanted: &Pattern, context: &Context) -> bool {
    match compare {
        Compare::StringLike => return wanted.matches(value, context),
        Compare::ArnLike => return wanted.matches_arn(value, context),
        _ => {}
    }
    let Some(wanted) = wanted.resolve(context) else {
        return false;
    };
    let numbers = || Some((number(value)?, number(&wanted)?));
    let dates = || Some((date(value)?, date(&wanted)?));
    match compare {
        Compare::StringEquals => value == wanted,
        Compare::StringEqualsIgnoreCase => value.to_lowercase() == wanted.to_lowercase(),
        Compare::NumericEquals => numbers().is_some_and(|(a, b)| a == b),
        Compare::NumericLessThan => numbers().is_some_and(|(a, b)| a < b),
        Compare::NumericLessThanEquals => numbers().is_some_and(|(a, b)| a <= b),
        Compare::NumericGreaterThan => numbers().is_some_and(|(a, b)| a > b),
        Compare::NumericGreaterThanEquals => numbers().is_some_and(|(a, b)| a >= b),
        Compare::DateEquals => dates().is_some_and(|(a, b)| a == b),
        Compare::DateLessThan => dates().is_some_and(|(a, b)| a < b),
        Compare::DateLessThanEquals => dates().is_some_and(|(a, b)| a <= b),
        Compare::DateGreaterThan => dates().is_some_and(|(a, b)| a > b),
        Compare::DateGreaterThanEquals => dates().is_some_and(|(a, b)| a >= b),
        Compare::Bool => truth(value).is_some() && truth(value) == truth(&wanted),
        Compare::BinaryEquals => match (STANDARD.decode(value), STANDARD.decode(&wanted)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        },
        Compare::IpAddress => value
            .parse()
            .is_ok_and(|address| network(&wanted).is_some_and(|(base, bits)| covers(base, bits, address))),
        Compare::StringLike | Compare::ArnLike | Compare::Null => false,
    }
}

fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|_| plain)
}

/// ISO 8601, a day alone, or seconds since 1970.
fn date(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>()
        && text.len() > 4
    {
        return Some(Timestamp::from_secs(seconds));
    }
    Timestamp::parse_iso8601(text).or_else(|| {
        let full = match text.len() {
            4 => format!("{text}-01-01T00:00:00Z"),
            7 => format!("{text}-01T00:00:00Z"),
            10 => format!("{text}T00:00:00Z"),
            17 => format!("{}:00Z", text.strip_suffix('Z')?),
            _ => return None,
        };
        Timestamp::parse_iso8601(&full)
    })
}

fn truth(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// An address with the number of its bits that count.
pub(crate) fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        Some(bits) => bits.parse().ok().filter(|bits| *bits <= all)?,
        None => all,
    };
    Some((address, bits))
}

fn covers(base: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (base.to_canonical(), address.to_canonical()) {
        (IpAddr::V4(base), IpAddr::V4(address)) => {
            let bits = bits.min(32);
            let shift = |ip: u32| ip.checked_shr(32 - bits).unwrap_or(0);
            shift(base.to_bits()) == shift(address.to_bits())
        }
        (IpAddr::V6(base), IpAddr::V6(address)) => {
            let shift = |ip: u128| ip.checked_shr(128 - bits).unwrap_or(0);
            shift(base.to_bits()) == shift(address.to_bits())
        }
        _ => false,
    }
}
