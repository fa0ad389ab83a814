use crate::{Context, Fault, Pattern};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

fn matches(pattern: &str, text: &str) -> bool {
    Pattern::parse(pattern, true).is_ok_and(|pattern| pattern.matches(text, &Context::new()))
}

fn arn(pattern: &str, text: &str) -> bool {
    Pattern::parse(pattern, true).is_ok_and(|pattern| pattern.matches_arn(text, &Context::new()))
}

#[test]
fn wildcards() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("a*c?e*", "abbbcde", true),
        ("a?", "a", false),
        ("ab", "abc", false),
        ("?", "ö", true),
        ("*ö*", "aöb", true),
        ("${*}", "*", true),
        ("${*}", "x", false),
        ("${?}${$}", "?$", true),
        ("**a", "ba", true),
        ("", "", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn arns_are_matched_part_by_part() {
    let key = "arn:aws:s3:::bucket/a:b/c";
    for (pattern, expected) in [
        ("*", true),
        ("arn:aws:s3:::bucket/*", true),
        ("arn:aws:s3:::*", true),
        ("arn:*:s3:::bucket/a:b/c", true),
        ("arn:aws:s3*", true),
        ("arn:aws:s3", true),
        ("arn:aws:s3:::bucket", false),
        ("arn:*:bucket/a:b/c", false),
        ("arn:aws:sqs:*:*:*", false),
    ] {
        assert_eq!(arn(pattern, key), expected, "{pattern}");
    }
}

#[test]
fn variables_stand_for_text() {
    let mut context = Context::new();
    context.add("aws:username", "*");
    let home = Pattern::parse("home/${AWS:UserName}/x", true);
    let home = home.unwrap_or_else(|fault| panic!("{fault}"));
    assert!(home.matches("home/*/x", &context));
    assert!(!home.matches("home/bob/x", &context), "a value is no wildcard");
    assert!(!home.matches("home//x", &Context::new()), "no value, no match");
    let team = Pattern::parse("t/${aws:PrincipalTag/team, 'none'}", true);
    assert!(team.is_ok_and(|team| team.matches("t/none", &Context::new())));
    assert!(matches!(Pattern::parse("a${b", true), Err(Fault::Variable(_))));
    let old = Pattern::parse("${aws:username}", false);
    assert!(old.is_ok_and(|old| old.matches("${aws:username}", &context)));
}

proptest! {
    #[test]
    fn a_text_without_wildcards_matches_itself_alone(text in "[a-zA-Z0-9/:ö.-]{0,24}", other in "[a-z/]{0,8}") {
        prop_assert!(matches(&text, &text));
        prop_assert_eq!(matches(&text, &other), text == other);
    }

    #[test]
    fn stars_cover_what_is_cut_out(
        head in "[a-c]{0,6}", middle in any::<String>(), tail in "[a-c]{0,6}",
    ) {
        let text = format!("{head}{middle}{tail}");
        let covered = format!("{head}*{tail}");
        prop_assert!(matches(&covered, &text));
        let singles = format!("{head}{}{tail}", "?".repeat(middle.chars().count()));
        prop_assert!(matches(&singles, &text));
    }

    /// The quick way agrees with the plain one.
    #[test]
    fn matching_is_right(pattern in prop::collection::vec(prop::sample::select(vec!['a', 'b', '*', '?']), 0..8), text in "[ab]{0,8}") {
        let pattern: String = pattern.into_iter().collect();
        prop_assert_eq!(matches(&pattern, &text), plainly(pattern.as_bytes(), text.as_bytes()));
    }
}

fn plainly(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|at| plainly(rest, &text[at..])),
        (Some((b'?', rest)), Some((_, tail))) => plainly(rest, tail),
        (Some((one, rest)), Some((other, tail))) => one == other && plainly(rest, tail),
        (Some(_), None) => false,
    }
}
