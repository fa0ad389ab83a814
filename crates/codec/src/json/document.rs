//! Documents: JSON kept as JSON.

use super::parser::Parser;
use crate::budget::{Refused, refuse};
use serde_json::{Map, Number, Value as Json};

/// Reads a value of any kind.
pub(super) fn read_document(parser: &mut Parser<'_>) -> Result<Json, Refused> {
    parser.budget.node()?;
    match parser.peek()? {
        b'{' => {
            parser.open(b'{')?;
            let mut map = Map::new();
            let mut first = true;
            while let Some(key) = parser.next_key(&mut first)? {
                let value = read_document(parser)?;
                map.insert(key.into_owned(), value);
            }
            Ok(Json::Object(map))
        }
        b'[' => {
            parser.open(b'[')?;
            let mut list = Vec::new();
            let mut first = true;
            while parser.next_item(b']', &mut first)? {
                list.push(read_document(parser)?);
            }
            Ok(Json::Array(list))
        }
        b'"' => Ok(Json::String(parser.string()?.into_owned())),
        b't' => parser.word("true").map(|()| Json::Bool(true)),
        b'f' => parser.word("false").map(|()| Json::Bool(false)),
        b'n' => parser.word("null").map(|()| Json::Null),
        _ => {
            let number = parser.number()?;
            let whole = number.whole.then(|| {
                let unsigned = || number.text.parse::<u64>().ok().map(Number::from);
                number.text.parse::<i64>().ok().map(Number::from).or_else(unsigned)
            });
            let double = || number.to_double().and_then(Number::from_f64);
            match whole.flatten().or_else(double) {
                Some(number) => Ok(Json::Number(number)),
                None => Err(refuse("NUMBER_VALUE is out of range")),
            }
        }
    }
}
