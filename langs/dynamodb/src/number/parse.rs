//! From text to a number, with AWS's errors.

use super::{DIGITS_MAX, EXPONENT_MAX, EXPONENT_MIN, Number, OVERFLOW, TOO_PRECISE, UNDERFLOW};
use crate::Invalid;
use std::str::FromStr;

impl FromStr for Number {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Some(whole) = small(text) {
            return Ok(Number::normal(false, u128::from(whole), 0));
        }
        read(text).unwrap_or_else(|| {
            Err(Invalid(if text.is_empty() {
                "The parameter cannot be converted to a numeric value".to_owned()
            } else {
                format!("The parameter cannot be converted to a numeric value: {text}")
            }))
        })
    }
}

/// A whole number of few digits and no sign, as most are.
fn small(text: &str) -> Option<u64> {
    let few = !text.is_empty() && text.len() < 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    few.then(|| text.bytes().fold(0, |whole, byte| whole * 10 + u64::from(byte - b'0')))
}

/// Nothing where the text is no number; the error where it is one that cannot be stored.
fn read(text: &str) -> Option<Result<Number, Invalid>> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, power) = match rest.find(['e', 'E']) {
        Some(at) => (rest.get(..at)?, exponent(rest.get(at + 1..)?)?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let decimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !decimal(whole) || !decimal(fraction) {
        return None;
    }
    let all = [whole, fraction].concat();
    let leading = all.trim_start_matches('0');
    let significant = leading.trim_end_matches('0');
    if significant.is_empty() {
        return Some(Ok(Number::ZERO));
    }
    let places = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX / 4);
    let exponent = power - places(fraction) + places(leading) - places(significant);
    let magnitude = exponent + places(significant) - 1;
    Some(if magnitude > i64::from(EXPONENT_MAX) {
        Err(Invalid::new(OVERFLOW))
    } else if magnitude < i64::from(EXPONENT_MIN) {
        Err(Invalid::new(UNDERFLOW))
    } else if significant.len() > DIGITS_MAX as usize {
        Err(Invalid::new(TOO_PRECISE))
    } else {
        let coefficient = significant.parse().ok()?;
        Ok(Number::normal(negative, coefficient, i32::try_from(exponent).ok()?))
    })
}

/// What follows the `e`; the number is out of any bounds long before this saturates.
fn exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = digits.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
    Some(if negative { -value } else { value })
}
