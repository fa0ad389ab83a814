//! Addition and subtraction. A result that 38 digits cannot hold exactly is an error, never rounded.

use super::{DIGITS_MAX, EXPONENT_MAX, EXPONENT_MIN, Number, OVERFLOW, UNDERFLOW};
use crate::Invalid;

impl Number {
    /// The exact sum. AWS calls it an overflow also when only the digits do not suffice, as in `1E50 + 1`.
    pub fn add(&self, other: &Number) -> Result<Number, Invalid> {
        sum(self, other).ok_or_else(|| Invalid::new(OVERFLOW))?.bounded()
    }

    /// The exact difference, with the errors of [`Number::add`].
    pub fn subtract(&self, other: &Number) -> Result<Number, Invalid> {
        self.add(&other.negated())
    }

    fn negated(&self) -> Number {
        Number {
            negative: !self.negative && !self.is_zero(),
            ..*self
        }
    }

    fn bounded(self) -> Result<Number, Invalid> {
        if self.is_zero() {
            return Ok(self);
        }
        if self.digits() > DIGITS_MAX || self.magnitude() > EXPONENT_MAX {
            return Err(Invalid::new(OVERFLOW));
        }
        if self.magnitude() < EXPONENT_MIN {
            return Err(Invalid::new(UNDERFLOW));
        }
        Ok(self)
    }
}

/// Nothing where the exact result needs more than the bits that are here, and so more than 38 digits: the lower
/// number's last digit is not zero, so no zeros are left to trim at the end of what did not fit.
fn sum(a: &Number, b: &Number) -> Option<Number> {
    if a.is_zero() {
        return Some(*b);
    }
    if b.is_zero() {
        return Some(*a);
    }
    let (high, low) = if a.exponent >= b.exponent { (a, b) } else { (b, a) };
    let gap = u32::from(high.exponent.abs_diff(low.exponent));
    let raised = high.coefficient.checked_mul(10u128.checked_pow(gap)?)?;
    let exponent = i32::from(low.exponent);
    if high.negative == low.negative {
        let total = raised.checked_add(low.coefficient)?;
        return Some(Number::normal(high.negative, total, exponent));
    }
    let negative = if raised >= low.coefficient {
        high.negative
    } else {
        low.negative
    };
    Some(Number::normal(negative, raised.abs_diff(low.coefficient), exponent))
}
