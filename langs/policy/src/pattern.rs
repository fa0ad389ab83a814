//! Texts with `*`, `?` and policy variables.

use crate::{Context, Fault};

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    One(char),
    /// `?`: any one character.
    Any,
    /// `*`: any characters, or none.
    Many,
    /// `${key}`, or `${key, 'default'}`.
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// A text as it stands in a policy, with its wildcards and variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    steps: Vec<Step>,
    has_variables: bool,
}

impl Pattern {
    /// Reads a pattern. `variables` says whether the document's version knows them.
    pub fn parse(text: &str, variables: bool) -> Result<Pattern, Fault> {
        let mut steps = Vec::with_capacity(text.len());
        let mut has_variables = false;
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if variables && let Some(tail) = rest.strip_prefix("${") {
                let (inner, after) = tail.split_once('}').ok_or_else(|| Fault::Variable(text.to_owned()))?;
                steps.push(match inner {
                    "*" => Step::One('*'),
                    "?" => Step::One('?'),
                    "$" => Step::One('$'),
                    _ => {
                        has_variables = true;
                        variable(inner)
                    }
                });
                rest = after;
                continue;
            }
            steps.push(match first {
                '*' => Step::Many,
                '?' => Step::Any,
                other => Step::One(other),
            });
            rest = &rest[first.len_utf8()..];
        }
        Ok(Pattern {
            text: text.to_owned(),
            steps,
            has_variables,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it stands for one text only.
    pub fn is_fixed(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::One(_)))
    }

    /// Whether it has variables.
    pub fn has_variables(&self) -> bool {
        self.has_variables
    }

    /// Whether the whole text is matched. A pattern with a variable that has no value matches nothing.
    pub fn matches(&self, text: &str, context: &Context) -> bool {
        self.with(context, |steps| glob(steps, text, false))
    }

    /// The same without regard to the case of letters.
    pub fn matches_ignoring_case(&self, text: &str, context: &Context) -> bool {
        self.with(context, |steps| glob(steps, text, true))
    }

    /// Matches as ARNs are matched: wildcards stay within their part, except in the last.
    pub fn matches_arn(&self, arn: &str, context: &Context) -> bool {
        if self.text == "*" {
            return true;
        }
        self.with(context, |steps| glob_arn(steps, arn))
    }

    /// The text with variables replaced and wildcards taken as they are; `None` where a variable has no value.
    pub fn resolve(&self, context: &Context) -> Option<String> {
        let mut text = String::with_capacity(self.text.len());
        for step in &self.steps {
            match step {
                Step::One(one) => text.push(*one),
                Step::Any => text.push('?'),
                Step::Many => text.push('*'),
                Step::Variable { key, default } => text.push_str(context.single(key).or(default.as_deref())?),
            }
        }
        Some(text)
    }

    fn with(&self, context: &Context, f: impl FnOnce(&[Step]) -> bool) -> bool {
        if !self.has_variables {
            return f(&self.steps);
        }
        let mut steps = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            match step {
                Step::Variable { key, default } => match context.single(key).or(default.as_deref()) {
                    // What a variable stands for is text, also where it looks like a wildcard.
                    Some(value) => steps.extend(value.chars().map(Step::One)),
                    None => return false,
                },
                step => steps.push(step.clone()),
            }
        }
        f(&steps)
    }
}

fn variable(inner: &str) -> Step {
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => {
            let default = default.trim();
            let bare = default.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            (key, bare.map(str::to_owned))
        }
        None => (inner, None),
    };
    Step::Variable {
        key: key.trim().to_owned(),
        default,
    }
}

/// Matches with one point to go back to, so in time of the product of both lengths at most.
fn glob(steps: &[Step], text: &str, ignore_case: bool) -> bool {
    let same = |a: char, b: char| a == b || (ignore_case && a.to_lowercase().eq(b.to_lowercase()));
    let (mut at, mut from, mut back) = (0, 0, None);
    while let Some(next) = text[from..].chars().next() {
        match steps.get(at) {
            Some(Step::Many) => {
                at += 1;
                back = Some((at, from));
                continue;
            }
            Some(Step::Any) => {}
            Some(Step::One(one)) if same(*one, next) => {}
            _ => {
                let Some((step, start)) = back else {
                    return false;
                };
                let skipped = text[start..].chars().next().map_or(1, char::len_utf8);
                back = Some((step, start + skipped));
                at = step;
                from = start + skipped;
                continue;
            }
        }
        at += 1;
        from += next.len_utf8();
    }
    steps[at..].iter().all(|step| *step == Step::Many)
}

fn glob_arn(steps: &[Step], arn: &str) -> bool {
    let mut steps = steps;
    let mut parts = arn.splitn(6, ':');
    for index in 0..6 {
        let Some(part) = parts.next() else {
            return false;
        };
        let end = match index {
            5 => None,
            _ => steps.iter().position(|step| *step == Step::One(':')),
        };
        match end {
            Some(end) => {
                if !glob(&steps[..end], part, false) {
                    return false;
                }
                steps = &steps[end + 1..];
            }
            // The last part, or an ARN that was left incomplete: the rest may be anything.
            None => return glob(steps, part, false),
        }
    }
    false
}
