//! What a column's values are to a query.

use super::Failure;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::schema::types::ColumnDescriptor;
use serde_json::{Number, Value};

/// The digits of a decimal: 128 bits hold 38.
const SCALE_MAX: i32 = 38;

/// What the numbers and bytes of a column mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Plain,
    /// Of so many bits.
    Unsigned(u32),
    /// Of so many bits.
    Signed(u32),
    Date,
    /// With so many digits behind the second's point.
    Timestamp(u32),
    /// With so many digits behind the point.
    Decimal(u32),
    Text,
}

impl Meaning {
    /// AWS takes DATE, DECIMAL, ENUM, INT, LIST, STRING and TIMESTAMP, besides what is of no further type.
    pub fn of(column: &ColumnDescriptor) -> Result<Meaning, Failure> {
        let decimal = |scale: i32| match u32::try_from(scale) {
            Ok(scale) if scale <= SCALE_MAX as u32 => Ok(Meaning::Decimal(scale)),
            _ => Err(Failure::unsupported_type()),
        };
        if let Some(logical) = column.logical_type_ref() {
            return match logical {
                LogicalType::String | LogicalType::Enum | LogicalType::Json => Ok(Meaning::Text),
                LogicalType::Date => Ok(Meaning::Date),
                LogicalType::Decimal(_) => decimal(column.type_scale()),
                LogicalType::Timestamp(timestamp) => Ok(Meaning::Timestamp(match timestamp.unit {
                    TimeUnit::MILLIS => 3,
                    TimeUnit::MICROS => 6,
                    TimeUnit::NANOS => 9,
                })),
                LogicalType::Integer(kind) if kind.is_signed => {
                    Ok(Meaning::Signed(kind.bit_width.unsigned_abs().into()))
                }
                LogicalType::Integer(kind) => Ok(Meaning::Unsigned(kind.bit_width.unsigned_abs().into())),
                LogicalType::Unknown => Ok(Meaning::Plain),
                _ => Err(Failure::unsupported_type()),
            };
        }
        match column.converted_type() {
            ConvertedType::NONE => Ok(Meaning::Plain),
            ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Ok(Meaning::Text),
            ConvertedType::DATE => Ok(Meaning::Date),
            ConvertedType::DECIMAL => decimal(column.type_scale()),
            ConvertedType::TIMESTAMP_MILLIS => Ok(Meaning::Timestamp(3)),
            ConvertedType::TIMESTAMP_MICROS => Ok(Meaning::Timestamp(6)),
            ConvertedType::INT_8 => Ok(Meaning::Signed(8)),
            ConvertedType::INT_16 => Ok(Meaning::Signed(16)),
            ConvertedType::INT_32 | ConvertedType::INT_64 => Ok(Meaning::Plain),
            ConvertedType::UINT_8 => Ok(Meaning::Unsigned(8)),
            ConvertedType::UINT_16 => Ok(Meaning::Unsigned(16)),
            ConvertedType::UINT_32 => Ok(Meaning::Unsigned(32)),
            ConvertedType::UINT_64 => Ok(Meaning::Unsigned(64)),
            _ => Err(Failure::unsupported_type()),
        }
    }

    pub fn integer(self, value: i64) -> Value {
        match self {
            Meaning::Unsigned(8) => Value::from(value as u8),
            Meaning::Unsigned(16) => Value::from(value as u16),
            Meaning::Unsigned(32) => Value::from(value as u32),
            Meaning::Unsigned(_) => Value::from(value as u64),
            Meaning::Signed(8) => Value::from(value as i8),
            Meaning::Signed(16) => Value::from(value as i16),
            Meaning::Date => Value::from(date(value)),
            Meaning::Timestamp(digits) => Value::from(timestamp(value, digits)),
            Meaning::Decimal(scale) => decimal(i128::from(value), scale),
            Meaning::Plain | Meaning::Signed(_) | Meaning::Text => Value::from(value),
        }
    }

    /// Text that says it is text must be; other bytes are text where they can be.
    pub fn bytes(self, bytes: &[u8]) -> Result<Value, Failure> {
        if let Meaning::Decimal(scale) = self {
            return unscaled(bytes)
                .map(|number| decimal(number, scale))
                .ok_or_else(Failure::unsupported_type);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::from(text)),
            Err(_) if self == Meaning::Text => Err(super::PARSING),
            Err(_) => Ok(Value::from(BASE64_STANDARD.encode(bytes))),
        }
    }
}

/// What is no number in JSON is text.
pub fn float(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| Value::from(value.to_string()), Value::Number)
}

/// The number that is written with the same digits.
pub fn single(value: f32) -> Value {
    value.to_string().parse().map_or(Value::Null, float)
}

/// AWS answers this old form of a timestamp as the number that its twelve bytes are.
pub fn twelve_bytes(words: &[u32]) -> Value {
    let number = words
        .iter()
        .rev()
        .fold(0_u128, |number, word| number << 32 | u128::from(*word));
    Value::from(number.to_string())
}

pub fn is_twelve_bytes(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Physical::INT96
}

/// Big-endian, in two's complement.
fn unscaled(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let fill = if first < 0x80 { 0 } else { 0xFF };
    let mut wide = [fill; 16];
    let (head, tail) = bytes.split_at(bytes.len().saturating_sub(16));
    if head.iter().any(|byte| *byte != fill) {
        return None;
    }
    wide.get_mut(16 - tail.len()..)?.copy_from_slice(tail);
    let number = i128::from_be_bytes(wide);
    ((number < 0) == (first >= 0x80)).then_some(number)
}

/// A number where a number has that many digits, else text.
fn decimal(unscaled: i128, scale: u32) -> Value {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    let sign = if unscaled < 0 { "-" } else { "" };
    if fraction.is_empty() {
        let text = format!("{sign}{whole}");
        return text.parse::<i64>().map_or(Value::from(text), Value::from);
    }
    let text = format!("{sign}{whole}.{fraction}");
    // So many digits survive the way through a double.
    if digits.trim_start_matches('0').len() > 15 {
        return Value::from(text);
    }
    text.parse().map_or(Value::from(text), float)
}

/// The date of a day, counted from 1970.
fn date(days: i64) -> String {
    // Years that begin in March, so that the day that may be missing is the last.
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{of_month:02}", year + era * 400 + next)
}

fn timestamp(value: i64, digits: u32) -> String {
    let unit = 10_i64.pow(digits);
    let (seconds, fraction) = (value.div_euclid(unit), value.rem_euclid(unit));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let day = date(days);
    format!(
        "{day}T{hour:02}:{minute:02}:{second:02}.{fraction:0width$}Z",
        width = digits as usize
    )
}

#[cfg(test)]
mod tests {
    use super::{date, decimal, timestamp, twelve_bytes, unscaled};

    #[test]
    fn days_are_dates() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (-719_468, "0000-03-01"),
        ] {
            assert_eq!(date(days), expected);
        }
        assert_eq!(timestamp(-1, 3), "1969-12-31T23:59:59.999Z");
        assert_eq!(
            timestamp(1_700_000_000_123_456_789, 9),
            "2023-11-14T22:13:20.123456789Z"
        );
        assert!(!date(i64::MAX).is_empty() && !timestamp(i64::MIN, 3).is_empty());
    }

    #[test]
    fn decimals_keep_their_digits() {
        for (number, scale, expected) in [
            (12_345, 2, "123.45"),
            (-5, 2, "-0.05"),
            (7, 0, "7"),
            (12_345_678_901_234_567_890, 10, "\"1234567890.1234567890\""),
        ] {
            assert_eq!(decimal(number, scale).to_string(), expected);
        }
        assert_eq!(unscaled(&[0xFF, 0xFE]), Some(-2));
        assert_eq!(unscaled(&[0; 20]), Some(0));
        assert_eq!(unscaled(&[1; 17]), None);
        assert_eq!(unscaled(&[]), None);
        assert_eq!(twelve_bytes(&[1, 0, 1]).to_string(), "\"18446744073709551617\"");
    }
}
