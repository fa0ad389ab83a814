//! `cargo xtask tidy`: what no compiler checks. It is also an ordinary test of this crate.

mod fresh;
mod layers;
mod text;

use crate::Outcome;

/// A rule: what it demands, and the function that lists what breaks it.
type Rule = (&'static str, fn() -> Result<Vec<String>, String>);

const RULES: &[Rule] = &[
    ("generated code is fresh", fresh::generated),
    ("the pack of models is the recorded one", fresh::pack),
    ("dependencies point down", layers::arrows),
    ("every service has its folder in order", layers::rooms),
    ("files are short enough to read", text::sizes),
    ("no file names a machine's own paths", text::words),
    ("no two tables have one number", text::tables),
];

pub fn run(words: &[String]) -> Outcome {
    if !words.is_empty() {
        return Err("usage: cargo xtask tidy".into());
    }
    let broken = check()?;
    if broken.is_empty() {
        println!("tidy: {} rules hold", RULES.len());
        return Ok(());
    }
    Err(format!("\n{}", broken.join("\n")))
}

/// Every breach, with the rule that it breaks.
fn check() -> Result<Vec<String>, String> {
    let mut broken = Vec::new();
    for (rule, find) in RULES {
        broken.extend(find()?.into_iter().map(|breach| format!("{rule}: {breach}")));
    }
    Ok(broken)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        let broken = super::check().expect("the rules can be checked");
        assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    }
}
