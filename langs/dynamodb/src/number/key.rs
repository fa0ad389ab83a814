//! Bytes that sort as the numbers do: sign, then the first digit's power of ten, then two digits a byte and an end.
//! Those of a negative number are turned over, so that the greater magnitude comes first.

use super::{EXPONENT_MIN, Number, WHOLE_DIGITS_MAX, write_whole};

const NEGATIVE: u8 = 1;
const ZERO: u8 = 2;
const POSITIVE: u8 = 3;
/// Sorts below every pair of digits, which are stored from 1 to 100.
const END: u8 = 0;

impl Number {
    /// Bytes whose order is that of the numbers. None is the beginning of another's.
    pub fn to_key_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(24);
        self.write_key_bytes(&mut bytes);
        bytes
    }

    /// Writes the same behind what is there.
    pub(crate) fn write_key_bytes(&self, out: &mut Vec<u8>) {
        if self.is_zero() {
            return out.push(ZERO);
        }
        out.push(if self.negative { NEGATIVE } else { POSITIVE });
        let begin = out.len();
        out.push(u8::try_from(self.magnitude() - EXPONENT_MIN).unwrap_or(u8::MAX));
        let mut pairs = |digits: &[u8]| {
            for pair in digits.chunks(2) {
                let tens = pair.first().map_or(0, |digit| digit - b'0');
                let ones = pair.get(1).map_or(0, |digit| digit - b'0');
                out.push(tens * 10 + ones + 1);
            }
        };
        match u64::try_from(self.coefficient) {
            Ok(whole) => pairs(write_whole(whole, &mut [0; WHOLE_DIGITS_MAX])),
            Err(_) => pairs(self.coefficient.to_string().as_bytes()),
        }
        out.push(END);
        if self.negative {
            out.iter_mut().skip(begin).for_each(|byte| *byte = !*byte);
        }
    }

    /// The number that `bytes` were made from, if [`Number::to_key_bytes`] made them.
    pub fn from_key_bytes(bytes: &[u8]) -> Option<Number> {
        let (negative, rest) = match bytes.split_first()? {
            (&ZERO, []) => return Some(Number::ZERO),
            (&NEGATIVE, rest) => (true, rest),
            (&POSITIVE, rest) => (false, rest),
            _ => return None,
        };
        let plain: Vec<u8> = rest.iter().map(|byte| if negative { !byte } else { *byte }).collect();
        let (magnitude, pairs) = plain.split_first()?;
        let (end, pairs) = pairs.split_last()?;
        if *end != END {
            return None;
        }
        let mut coefficient = 0u128;
        for pair in pairs {
            let pair = pair.checked_sub(1).filter(|pair| *pair < 100)?;
            coefficient = coefficient.checked_mul(100)?.checked_add(u128::from(pair))?;
        }
        let digits = i32::try_from(pairs.len() * 2).ok()?;
        let exponent = i32::from(*magnitude) + EXPONENT_MIN - digits + 1;
        Some(Number::normal(negative, coefficient, exponent))
    }
}
