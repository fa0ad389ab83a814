//! The checks that the model itself asks for: required members, lengths, ranges, patterns, enums; in AWS's words.
//!
//! The wording follows recorded answers: `1 validation error detected: Value '1001' at 'maxResults' failed to satisfy
//! constraint: Member must have value less than or equal to 1000`. Several are joined by `; `. A list of scalars is told
//! once, with all that its elements must satisfy; members of structures in lists are told by path
//! (`tags.1.member.key`), members of structures in maps by key.

mod pattern;
mod text;

pub use pattern::is_supported;

use crate::{Constraints, Kind, ShapeRef, StructValue, Value};
use pattern::Verdict;
use std::borrow::Cow;
use std::fmt::Write as _;
use virga_base::AwsError;

/// What differs between services.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules<'a> {
    /// The error's code: `ValidationException`, and `ValidationError` for the services that speak query.
    pub code: Cow<'static, str>,
    /// Whether a string must be one of its enum's values. Some services check that themselves, later and in other words.
    pub enums: bool,
    /// Whether patterns are checked.
    pub patterns: bool,
    /// What stands before the path of members that travel in the body: API Gateway's `updateRestApiInput`.
    pub body_prefix: Option<&'a str>,
    /// Whether errors show the value. IAM's do not; those of sensitive members never do.
    pub values_shown: bool,
    /// Whether `Member must not be null` is among what a list's elements and a map's values must satisfy.
    pub elements_not_null: bool,
    /// Errors beyond this number are not told.
    pub errors_max: usize,
}

impl Default for Rules<'_> {
    fn default() -> Self {
        Rules {
            code: Cow::Borrowed("ValidationException"),
            enums: true,
            patterns: true,
            body_prefix: None,
            values_shown: true,
            elements_not_null: true,
            errors_max: 100,
        }
    }
}

/// Checks a value against its shape by the usual rules. `Null` is a structure without members.
///
/// # Errors
/// A `ValidationException` that names every constraint that does not hold.
pub fn check(shape: ShapeRef, value: &Value) -> Result<(), AwsError> {
    check_with(shape, value, &Rules::default())
}

/// Checks a value against its shape. `Null` is a structure without members.
///
/// # Errors
/// An error of the rules' code that names every constraint that does not hold.
pub fn check_with(shape: ShapeRef, value: &Value, rules: &Rules<'_>) -> Result<(), AwsError> {
    let mut checker = Checker {
        rules,
        failures: Vec::new(),
        path: Vec::new(),
    };
    let nothing = StructValue::new(shape);
    match value {
        Value::Null => checker.members(shape, &nothing),
        value => checker.members_or_value(shape, value),
    }
    let failures = checker.failures;
    if failures.is_empty() {
        return Ok(());
    }
    let errors = if failures.len() == 1 { "error" } else { "errors" };
    let message = format!(
        "{} validation {errors} detected: {}",
        failures.len(),
        failures.join("; ")
    );
    Err(AwsError::new(rules.code.clone(), message))
}

/// One step of a path, put into words only where something is wrong.
#[derive(Clone, Copy)]
enum Step<'v> {
    Member(&'v str),
    Element(usize),
    Key(&'v str),
}

struct Checker<'v> {
    rules: &'v Rules<'v>,
    failures: Vec<String>,
    /// Where the value under check stands.
    path: Vec<Step<'v>>,
}

impl<'v> Checker<'v> {
    fn fail(&mut self, shape: ShapeRef, value: Option<&Value>, constraint: &str) {
        if self.failures.len() >= self.rules.errors_max {
            return;
        }
        let shown = match value {
            None => " null".to_owned(),
            Some(_) if !self.rules.values_shown || shape.shape().sensitive => String::new(),
            Some(value) => format!(" '{}'", text::java(value)),
        };
        self.failures.push(format!(
            "Value{shown} at '{}' failed to satisfy constraint: {constraint}",
            self.path_text()
        ));
    }

    /// `tags.1.member.key`.
    fn path_text(&self) -> String {
        let mut out = String::new();
        for (i, step) in self.path.iter().enumerate() {
            if i > 0 {
                out.push('.');
            }
            let _ = match step {
                Step::Member(name) => write!(out, "{}", lower_first(name)),
                Step::Element(number) => write!(out, "{number}.member"),
                Step::Key(key) => write!(out, "{key}.member"),
            };
        }
        out
    }

    /// Runs `inner` with `step` at the end of the path.
    fn at(&mut self, step: Step<'v>, inner: impl FnOnce(&mut Self)) {
        self.path.push(step);
        inner(self);
        self.path.pop();
    }

    fn members_or_value(&mut self, shape: ShapeRef, value: &'v Value) {
        match value {
            Value::Struct(value) => self.members(shape, value),
            other => self.value(shape, other),
        }
    }

    fn members(&mut self, shape: ShapeRef, value: &'v StructValue) {
        let top = self.path.is_empty();
        // Both are in the same order.
        let mut fields = value.fields().iter().peekable();
        for (index, member) in shape.members().iter().enumerate() {
            let present = fields.next_if(|(at, _)| usize::from(*at) == index);
            let found = present.map(|(_, value)| value).filter(|v| !matches!(v, Value::Null));
            if found.is_none() && !member.required {
                continue;
            }
            let target = shape.target(member);
            if found.is_none() && member.travels_apart(target) {
                continue;
            }
            // The prefix stands for a member of its own.
            let prefix = self.rules.body_prefix.filter(|_| top && member.location.is_none());
            let depth = self.path.len();
            self.path.extend(prefix.map(Step::Member));
            self.at(Step::Member(&member.name), |checker| match found {
                Some(found) => checker.value(target, found),
                None => checker.fail(target, None, "Member must not be null"),
            });
            self.path.truncate(depth);
        }
    }

    fn value(&mut self, shape: ShapeRef, value: &'v Value) {
        if let Some(constraints) = shape.constraints() {
            let mut broken = Vec::new();
            violations(constraints, value, self.rules, &mut broken);
            for constraint in broken {
                self.fail(shape, Some(value), &constraint);
            }
        }
        match (shape.kind(), value) {
            (Kind::Structure { document: false, .. }, Value::Struct(inner)) => self.members(shape, inner),
            (Kind::List { element, .. }, Value::List(items)) => {
                let target = shape.target(element);
                if nests(target) {
                    for (i, item) in items.iter().enumerate() {
                        self.at(Step::Element(i + 1), |checker| checker.members_or_value(target, item));
                    }
                } else if items.iter().any(|item| breaks(target, item, self.rules)) {
                    let all = all_of(target, self.rules, self.rules.elements_not_null);
                    self.fail(shape, Some(value), &format!("Member must satisfy constraint: [{all}]"));
                }
            }
            (
                Kind::Map {
                    key, value: element, ..
                },
                Value::Map(entries),
            ) => {
                let key_shape = shape.target(key);
                let target = shape.target(element);
                let key_breaks = |(key, _): &(String, Value)| breaks_text(key_shape, key, self.rules);
                if key_shape.constraints().is_some() && entries.iter().any(key_breaks) {
                    let all = all_of(key_shape, self.rules, false);
                    self.fail(
                        shape,
                        Some(value),
                        &format!("Map keys must satisfy constraint: [{all}]"),
                    );
                }
                if nests(target) {
                    for (key, item) in entries {
                        self.at(Step::Key(key), |checker| checker.members_or_value(target, item));
                    }
                } else if entries.iter().any(|(_, item)| breaks(target, item, self.rules)) {
                    let all = all_of(target, self.rules, self.rules.elements_not_null);
                    self.fail(
                        shape,
                        Some(value),
                        &format!("Map value must satisfy constraint: [{all}]"),
                    );
                }
            }
            _ => {}
        }
    }
}

/// Whether values of the shape have paths of their own.
fn nests(shape: ShapeRef) -> bool {
    matches!(
        shape.kind(),
        Kind::Structure { .. } | Kind::List { .. } | Kind::Map { .. }
    )
}

fn breaks(shape: ShapeRef, value: &Value, rules: &Rules<'_>) -> bool {
    match (shape.constraints(), value) {
        (None, _) | (_, Value::Null) => false,
        (Some(constraints), value) => {
            let mut broken = Vec::new();
            violations(constraints, value, rules, &mut broken);
            !broken.is_empty()
        }
    }
}

fn breaks_text(shape: ShapeRef, text: &str, rules: &Rules<'_>) -> bool {
    let Some(constraints) = shape.constraints() else {
        return false;
    };
    let mut broken = Vec::new();
    text_violations(constraints, text, rules, &mut broken);
    !broken.is_empty()
}

/// All that a shape's values must satisfy, in the order in which AWS lists it.
fn all_of(shape: ShapeRef, rules: &Rules<'_>, not_null: bool) -> String {
    let mut all = Vec::new();
    if let Some(constraints) = shape.constraints() {
        let number = is_number(shape);
        if let Some(max) = constraints.max {
            all.push(bound(shape, number, "less", max));
        }
        if let Some(min) = constraints.min {
            all.push(bound(shape, number, "greater", min));
        }
        if rules.patterns
            && let Some(pattern) = &constraints.pattern
        {
            all.push(format!("Member must satisfy regular expression pattern: {pattern}"));
        }
        if rules.enums && !constraints.values.is_empty() {
            all.push(enum_text(constraints));
        }
    }
    if not_null {
        all.push("Member must not be null".to_owned());
    }
    all.join(", ")
}

fn is_number(shape: ShapeRef) -> bool {
    matches!(shape.kind(), Kind::Integer | Kind::Long | Kind::Float | Kind::Double)
}

/// `less` is the greatest allowed, `greater` the least.
fn bound(shape: ShapeRef, number: bool, than: &str, limit: f64) -> String {
    let what = if number { "value" } else { "length" };
    let limit = match shape.kind() {
        Kind::Float | Kind::Double => format!("{limit:?}"),
        _ => format!("{limit:.0}"),
    };
    format!("Member must have {what} {than} than or equal to {limit}")
}

fn enum_text(constraints: &Constraints) -> String {
    format!(
        "Member must satisfy enum value set: [{}]",
        constraints.values.join(", ")
    )
}

/// The constraints of its own shape that a value breaks.
fn violations(constraints: &'static Constraints, value: &Value, rules: &Rules<'_>, broken: &mut Vec<String>) {
    match value {
        Value::String(text) => text_violations(constraints, text, rules, broken),
        Value::Integer(n) => range(constraints, *n as f64, "value", false, broken),
        Value::Double(n) => range(constraints, *n, "value", true, broken),
        Value::Blob(bytes) => range(constraints, bytes.len() as f64, "length", false, broken),
        Value::List(items) => range(constraints, items.len() as f64, "length", false, broken),
        Value::Map(entries) => range(constraints, entries.len() as f64, "length", false, broken),
        Value::Null | Value::Bool(_) | Value::Timestamp(_) | Value::Struct(_) | Value::Document(_) | Value::Held(_) => {
        }
    }
}

fn text_violations(constraints: &'static Constraints, text: &str, rules: &Rules<'_>, broken: &mut Vec<String>) {
    if constraints.min.is_some() || constraints.max.is_some() {
        // As Java counts: in units of UTF-16.
        let length = if text.is_ascii() {
            text.len()
        } else {
            text.encode_utf16().count()
        };
        range(constraints, length as f64, "length", false, broken);
    }
    if rules.patterns
        && let Some(pattern) = &constraints.pattern
        && pattern::matches(pattern, text) == Verdict::Broken
    {
        broken.push(format!("Member must satisfy regular expression pattern: {pattern}"));
    }
    if rules.enums && !constraints.values.is_empty() && !constraints.values.iter().any(|v| v == text) {
        broken.push(enum_text(constraints));
    }
}

fn range(constraints: &Constraints, number: f64, what: &str, fraction: bool, broken: &mut Vec<String>) {
    let mut tell = |than: &str, limit: f64| {
        let mut text = format!("Member must have {what} {than} than or equal to ");
        let _ = if fraction {
            write!(text, "{limit:?}")
        } else {
            write!(text, "{limit:.0}")
        };
        broken.push(text);
    };
    match (constraints.min, constraints.max) {
        (_, Some(max)) if number > max => tell("less", max),
        (Some(min), _) if number < min => tell("greater", min),
        _ => {}
    }
}

/// `FunctionName` as `functionName`.
fn lower_first(name: &str) -> Cow<'_, str> {
    match name.chars().next() {
        Some(first) if first.is_ascii_uppercase() => {
            let rest = name.get(1..).unwrap_or_default();
            Cow::Owned(format!("{}{rest}", first.to_ascii_lowercase()))
        }
        _ => Cow::Borrowed(name),
    }
}

#[cfg(test)]
mod tests;
