//! What a query makes of a record. `None` is what is missing.

use super::Wrong;
use super::parse::{Expression, Query, Step};
use serde_json::{Map, Number, Value};
use std::cmp::Ordering;

/// What became of a row.
pub enum Outcome {
    /// The filter leaves it out.
    Left,
    /// It went into the totals.
    Counted,
    Selected(Value),
}

/// Sums and counts over all rows.
pub struct Totals {
    running: Vec<Running>,
}

#[derive(Default)]
struct Running {
    count: u64,
    sum: f64,
    least: Option<Value>,
    greatest: Option<Value>,
}

impl Totals {
    pub fn new(query: &Query) -> Totals {
        let columns = query.columns.iter().flatten();
        let totals = columns.filter(|column| matches!(column.expression, Expression::Total(..)));
        Totals {
            running: totals.map(|_| Running::default()).collect(),
        }
    }

    pub fn is_needed(&self) -> bool {
        !self.running.is_empty()
    }

    fn count(&mut self, query: &Query, row: Option<&Value>) -> Result<(), Wrong> {
        let mut running = self.running.iter_mut();
        for column in query.columns.iter().flatten() {
            let Expression::Total(name, of) = &column.expression else {
                return Err(Wrong::Sql("columns beside totals".to_owned()));
            };
            let Some(running) = running.next() else { continue };
            let Some(of) = of else {
                running.count += 1;
                continue;
            };
            let Some(value) = value(of, row)?.filter(|value| !value.is_null()) else {
                continue;
            };
            running.count += 1;
            if name == "count" {
                continue;
            }
            if name == "sum" || name == "avg" {
                running.sum += number(&value).ok_or_else(|| Wrong::Cast(value.to_string()))?;
            }
            if running
                .least
                .as_ref()
                .is_none_or(|least| compare(&value, least) == Some(Ordering::Less))
            {
                running.least = Some(value.clone());
            }
            if running
                .greatest
                .as_ref()
                .is_none_or(|greatest| compare(&value, greatest) == Some(Ordering::Greater))
            {
                running.greatest = Some(value);
            }
        }
        Ok(())
    }

    /// The one record of a query for totals.
    pub fn finish(self, query: &Query) -> Result<Value, Wrong> {
        let mut out = Map::new();
        let columns = query.columns.iter().flatten().enumerate();
        for ((at, column), running) in columns.zip(self.running) {
            let Expression::Total(name, _) = &column.expression else {
                return Err(Wrong::Sql("columns beside totals".to_owned()));
            };
            let total = match name.as_str() {
                "count" => Value::from(running.count),
                _ if running.count == 0 => Value::Null,
                "sum" => json_number(running.sum),
                "avg" => json_number(running.sum / running.count as f64),
                "min" => running.least.unwrap_or_default(),
                _ => running.greatest.unwrap_or_default(),
            };
            out.insert(column.name.clone().unwrap_or_else(|| format!("_{}", at + 1)), total);
        }
        Ok(Value::Object(out))
    }
}

/// The rows of a document: what the path behind FROM leads to.
pub fn rows(query: &Query, document: Value) -> Vec<Option<Value>> {
    let mut rows = vec![Some(document)];
    for step in &query.from {
        let mut next = Vec::with_capacity(rows.len());
        for row in rows {
            match (step, row) {
                (Step::All, Some(Value::Array(items))) => next.extend(items.into_iter().map(Some)),
                (Step::All, _) => next.push(None),
                (step, row) => next.push(row.and_then(|row| walk(&row, step).cloned())),
            }
        }
        rows = next;
    }
    rows
}

pub fn row(query: &Query, row: &Option<Value>, totals: &mut Totals) -> Result<Outcome, Wrong> {
    let row = row.as_ref();
    if let Some(filter) = &query.filter
        && value(filter, row)? != Some(Value::Bool(true))
    {
        return Ok(Outcome::Left);
    }
    if totals.is_needed() {
        totals.count(query, row)?;
        return Ok(Outcome::Counted);
    }
    let Some(columns) = &query.columns else {
        return Ok(Outcome::Selected(match row {
            None => Value::Object(Map::new()),
            Some(Value::Object(members)) => Value::Object(members.clone()),
            Some(other) => one("_1".to_owned(), other.clone()),
        }));
    };
    let mut out = Map::new();
    for (at, column) in columns.iter().enumerate() {
        let Some(value) = value(&column.expression, row)? else {
            continue;
        };
        let own = match &column.expression {
            Expression::Path(path) => path.last().and_then(|step| match step {
                Step::Member { name, .. } => Some(name.clone()),
                Step::Index(_) | Step::All => None,
            }),
            _ => None,
        };
        let name = column.name.clone().or(own).unwrap_or_else(|| format!("_{}", at + 1));
        out.insert(name, value);
    }
    Ok(Outcome::Selected(Value::Object(out)))
}

fn one(name: String, value: Value) -> Value {
    let mut out = Map::new();
    out.insert(name, value);
    Value::Object(out)
}

fn walk<'v>(value: &'v Value, step: &Step) -> Option<&'v Value> {
    match step {
        Step::Index(at) => value.as_array()?.get(*at),
        Step::All => None,
        Step::Member { name, exact } => {
            let members = value.as_object()?;
            let found = members.get(name);
            if found.is_some() || *exact {
                return found;
            }
            let by_any_case = members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            if let Some((_, value)) = by_any_case {
                return Some(value);
            }
            // `_2` is the second of whatever there is.
            let at: usize = name.strip_prefix('_')?.parse().ok()?;
            members.values().nth(at.checked_sub(1)?)
        }
    }
}

fn value(expression: &Expression, row: Option<&Value>) -> Result<Option<Value>, Wrong> {
    Ok(match expression {
        Expression::Text(text) => Some(Value::from(text.as_str())),
        Expression::Number(number) => Some(json_number(*number)),
        Expression::Bool(is) => Some(Value::Bool(*is)),
        Expression::Null => Some(Value::Null),
        Expression::Missing => None,
        Expression::Path(path) => {
            let mut at = row;
            for step in path {
                at = at.and_then(|value| walk(value, step));
            }
            at.cloned()
        }
        Expression::Not(of) => match value(of, row)? {
            Some(Value::Bool(is)) => Some(Value::Bool(!is)),
            _ => Some(Value::Null),
        },
        Expression::Negative(of) => match value(of, row)? {
            Some(Value::Null) | None => Some(Value::Null),
            Some(found) => Some(json_number(
                -number(&found).ok_or_else(|| Wrong::Cast(found.to_string()))?,
            )),
        },
        Expression::Binary(sign, left, right) => binary(sign, left, right, row)?,
        Expression::Like(of, pattern, escape) => {
            let escape = match escape {
                Some(escape) => value(escape, row)?.and_then(|text| text.as_str().and_then(|text| text.chars().next())),
                None => None,
            };
            match (value(of, row)?, value(pattern, row)?) {
                (Some(Value::String(text)), Some(Value::String(pattern))) => {
                    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
                    Some(Value::Bool(like(&text, &pattern, escape)))
                }
                _ => Some(Value::Null),
            }
        }
        Expression::In(of, list) => {
            let of = value(of, row)?;
            let mut found = false;
            for item in list {
                found |=
                    matches!((&of, value(item, row)?), (Some(a), Some(b)) if compare(a, &b) == Some(Ordering::Equal));
            }
            Some(Value::Bool(found))
        }
        Expression::Is(of, what) => {
            let of = value(of, row)?;
            Some(Value::Bool(match &**what {
                Expression::Missing => of.is_none(),
                Expression::Null => of.is_none_or(|of| of.is_null() || of.as_str() == Some("")),
                Expression::Bool(is) => of == Some(Value::Bool(*is)),
                _ => return Err(Wrong::Sql("IS".to_owned())),
            }))
        }
        Expression::Cast(of, kind) => match value(of, row)? {
            None => None,
            Some(Value::Null) => Some(Value::Null),
            Some(found) => Some(cast(&found, kind)?),
        },
        Expression::Call(name, list) => call(name, list, row)?,
        Expression::Total(name, _) => return Err(Wrong::Sql(name.clone())),
    })
}

fn binary(sign: &str, left: &Expression, right: &Expression, row: Option<&Value>) -> Result<Option<Value>, Wrong> {
    let a = value(left, row)?;
    if sign == "and" && a == Some(Value::Bool(false)) || sign == "or" && a == Some(Value::Bool(true)) {
        return Ok(a);
    }
    let b = value(right, row)?;
    if sign == "and" || sign == "or" {
        return Ok(Some(match (a, b) {
            (Some(Value::Bool(a)), Some(Value::Bool(b))) => Value::Bool(if sign == "and" { a && b } else { a || b }),
            (_, Some(Value::Bool(b))) if b == (sign == "or") => Value::Bool(b),
            _ => Value::Null,
        }));
    }
    let (Some(a), Some(b)) = (a, b) else {
        return Ok(Some(Value::Null));
    };
    if a.is_null() || b.is_null() {
        return Ok(Some(Value::Null));
    }
    if sign == "||" {
        return Ok(Some(Value::from(format!("{}{}", text(&a), text(&b)))));
    }
    if ["+", "-", "*", "/", "%"].contains(&sign) {
        let (Some(x), Some(y)) = (number(&a), number(&b)) else {
            return Err(Wrong::Cast(format!("{a} {sign} {b}")));
        };
        let result = match sign {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            _ if y == 0.0 => return Err(Wrong::Cast(format!("{a} {sign} {b}"))),
            "/" => x / y,
            _ => x % y,
        };
        return Ok(Some(json_number(result)));
    }
    let Some(order) = compare(&a, &b) else {
        return Ok(Some(Value::Bool(sign == "<>")));
    };
    Ok(Some(Value::Bool(match sign {
        "=" => order.is_eq(),
        "<>" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })))
}

/// Numbers by value, also where one of the two is text that is one.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Number(_), _) | (_, Value::Number(_)) => number(a)?.partial_cmp(&number(b)?),
        _ => (a == b).then_some(Ordering::Equal),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn json_number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9.0e15 {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn cast(value: &Value, kind: &str) -> Result<Value, Wrong> {
    let wrong = || Wrong::Cast(value.to_string());
    Ok(match kind {
        "int" | "integer" => json_number(number(value).ok_or_else(wrong)?.trunc()),
        "float" | "decimal" | "numeric" | "double" | "real" => json_number(number(value).ok_or_else(wrong)?),
        "string" | "varchar" | "char" | "text" => Value::from(text(value)),
        "bool" | "boolean" => match text(value).to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(wrong()),
        },
        "timestamp" => Value::from(text(value)),
        _ => return Err(Wrong::Sql(kind.to_owned())),
    })
}

fn call(name: &str, list: &[Expression], row: Option<&Value>) -> Result<Option<Value>, Wrong> {
    let mut given = Vec::with_capacity(list.len());
    for expression in list {
        given.push(value(expression, row)?);
    }
    let first = given.first().cloned().ok_or_else(|| Wrong::Sql(name.to_owned()))?;
    if name == "coalesce" {
        let found = given.into_iter().flatten().find(|value| !value.is_null());
        return Ok(Some(found.unwrap_or_default()));
    }
    if name == "nullif" {
        let same = matches!((&first, given.get(1)), (Some(a), Some(Some(b))) if compare(a, b) == Some(Ordering::Equal));
        return Ok(if same { Some(Value::Null) } else { first });
    }
    let Some(found) = first.filter(|found| !found.is_null()) else {
        return Ok(Some(Value::Null));
    };
    let whole = text(&found);
    Ok(Some(match name {
        "lower" => Value::from(whole.to_lowercase()),
        "upper" => Value::from(whole.to_uppercase()),
        "trim" => Value::from(whole.trim()),
        "substring" => {
            let at = |place: usize| given.get(place).cloned().flatten().as_ref().and_then(number);
            let from = at(1).unwrap_or(1.0);
            let to = at(2).map_or(f64::INFINITY, |length| from + length);
            let places = (1u32..).map(f64::from);
            let kept = whole
                .chars()
                .zip(places)
                .filter(|(_, place)| *place >= from && *place < to);
            Value::from(kept.map(|(c, _)| c).collect::<String>())
        }
        _ => Value::from(whole.chars().count()),
    }))
}

fn like(text: &[char], pattern: &[char], escape: Option<char>) -> bool {
    // Where the last `%` was, and how much of the text it has taken.
    let (mut t, mut p, mut star) = (0, 0, None);
    loop {
        let escaped = escape.is_some() && pattern.get(p).copied() == escape;
        let wanted = pattern.get(p + usize::from(escaped));
        match (wanted, text.get(t)) {
            (Some('%'), _) if !escaped => {
                star = Some((p + 1, t));
                p += 1;
                continue;
            }
            (None, None) => return true,
            (Some(c), Some(found)) if c == found || (*c == '_' && !escaped) => {
                p += 1 + usize::from(escaped);
                t += 1;
                continue;
            }
            _ => {}
        }
        match star {
            Some((behind, taken)) if taken < text.len() => {
                star = Some((behind, taken + 1));
                p = behind;
                t = taken + 1;
            }
            _ => return false,
        }
    }
}
