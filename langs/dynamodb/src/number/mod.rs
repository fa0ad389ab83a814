//! DynamoDB's numbers: exact decimals of up to 38 significant digits, of magnitude 1E-130 to 9.99…E+125.

mod arithmetic;
mod key;
mod parse;

use std::cmp::Ordering;
use std::fmt;

/// Most significant digits that a number may have.
pub const DIGITS_MAX: u32 = 38;
/// Greatest power of ten of a number's first digit.
pub const EXPONENT_MAX: i32 = 125;
/// Least power of ten of a number's first digit.
pub const EXPONENT_MIN: i32 = -130;

pub(crate) const OVERFLOW: &str =
    "Number overflow. Attempting to store a number with magnitude larger than supported range";
pub(crate) const UNDERFLOW: &str =
    "Number underflow. Attempting to store a number with magnitude smaller than supported range";
pub(crate) const TOO_PRECISE: &str = "Attempting to store more than 38 significant digits in a Number";

/// `coefficient × 10^exponent`, with no zero at the coefficient's end. Zero is never negative and has exponent 0, so
/// that equal numbers have equal fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    coefficient: u128,
    exponent: i16,
}

impl Number {
    pub const ZERO: Number = Number {
        negative: false,
        coefficient: 0,
        exponent: 0,
    };

    /// Trims zeros and nothing else: the caller has seen to the bounds.
    fn normal(negative: bool, mut coefficient: u128, mut exponent: i32) -> Self {
        if coefficient == 0 {
            return Self::ZERO;
        }
        // Most numbers are small, and dividing 128 bits is slow.
        if let Ok(mut small) = u64::try_from(coefficient) {
            while small.is_multiple_of(10) {
                small /= 10;
                exponent += 1;
            }
            coefficient = u128::from(small);
        } else {
            while coefficient.is_multiple_of(10) {
                coefficient /= 10;
                exponent += 1;
            }
        }
        Number {
            negative,
            coefficient,
            exponent: i16::try_from(exponent).unwrap_or(i16::MAX),
        }
    }

    pub fn is_negative(&self) -> bool {
        self.negative
    }

    pub fn is_zero(&self) -> bool {
        self.coefficient == 0
    }

    /// How many significant digits it has; none for zero.
    pub fn digits(&self) -> u32 {
        let log = match u64::try_from(self.coefficient) {
            Ok(small) => small.checked_ilog10(),
            Err(_) => self.coefficient.checked_ilog10(),
        };
        log.map_or(0, |log| log + 1)
    }

    /// Hands its text out, as AWS returns it; the most common numbers need no memory for it.
    pub(crate) fn with_text<R>(&self, f: impl FnOnce(&str) -> R) -> R {
        if let (false, 0, Ok(whole)) = (self.negative, self.exponent, u64::try_from(self.coefficient)) {
            let mut room = [0; WHOLE_DIGITS_MAX];
            if let Ok(text) = std::str::from_utf8(write_whole(whole, &mut room)) {
                return f(text);
            }
        }
        f(&self.to_string())
    }

    /// The power of ten of its first digit.
    fn magnitude(&self) -> i32 {
        i32::from(self.exponent) + i32::try_from(self.digits()).unwrap_or(0) - 1
    }

    /// Bytes that it counts for in an item: one for every two significant digits, and one.
    pub fn size_bytes(&self) -> usize {
        1 + self.digits().div_ceil(2) as usize
    }

    /// Sign, coefficient and exponent, for the stored form.
    pub(crate) fn parts(&self) -> (bool, u128, i16) {
        (self.negative, self.coefficient, self.exponent)
    }

    /// The reverse of [`Number::parts`].
    pub(crate) fn from_parts(negative: bool, coefficient: u128, exponent: i16) -> Number {
        Number::normal(negative, coefficient, i32::from(exponent))
    }

    /// As a whole number, if it is one that fits.
    pub fn to_i64(&self) -> Option<i64> {
        let scale = 10i128.checked_pow(u32::try_from(self.exponent).ok()?)?;
        let whole = i128::try_from(self.coefficient).ok()?.checked_mul(scale)?;
        i64::try_from(if self.negative { -whole } else { whole }).ok()
    }
}

/// Digits of the greatest whole number of 64 bits.
const WHOLE_DIGITS_MAX: usize = 20;

/// Its digits, at the end of `room`.
fn write_whole(mut whole: u64, room: &mut [u8; WHOLE_DIGITS_MAX]) -> &[u8] {
    let mut from = WHOLE_DIGITS_MAX;
    for byte in room.iter_mut().rev() {
        *byte = b'0' + (whole % 10) as u8;
        whole /= 10;
        from -= 1;
        if whole == 0 {
            break;
        }
    }
    room.get(from..).unwrap_or_default()
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Number::normal(value < 0, u128::from(value.unsigned_abs()), 0)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Number::normal(false, value as u128, 0)
    }
}

/// As AWS returns it: plain decimals, never an exponent, no needless zeros.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        // Most numbers are small and whole.
        if let (0, Ok(whole)) = (self.exponent, u64::try_from(self.coefficient)) {
            return write!(f, "{whole}");
        }
        let digits = self.coefficient.to_string();
        let zeros = usize::from(self.exponent.unsigned_abs());
        if self.exponent >= 0 {
            return write!(f, "{digits}{}", "0".repeat(zeros));
        }
        match digits.len().checked_sub(zeros).filter(|whole| *whole > 0) {
            Some(whole) => {
                let (whole, rest) = digits.split_at(whole);
                write!(f, "{whole}.{rest}")
            }
            None => write!(f, "0.{}{digits}", "0".repeat(zeros - digits.len())),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Number| match (number.is_zero(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let order = sign(self).cmp(&sign(other));
        if order.is_ne() || self.is_zero() {
            return order;
        }
        // Both stand at 38 digits, so that their coefficients compare.
        let full = |number: &Number| number.coefficient * 10u128.pow(DIGITS_MAX.saturating_sub(number.digits()));
        let order = self
            .magnitude()
            .cmp(&other.magnitude())
            .then_with(|| full(self).cmp(&full(other)));
        if self.negative { order.reverse() } else { order }
    }
}
