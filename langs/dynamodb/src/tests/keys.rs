use super::{item, n, s};
use crate::ExpressionKind::KeyCondition as Key;
use crate::{Invalid, KeyCondition, KeyElement, Kind, Placeholders, SortCondition, parse_condition};

fn element(name: &str, kind: Kind) -> KeyElement {
    KeyElement {
        name: name.to_owned(),
        kind,
    }
}

fn query_of(text: &str, partition: &[KeyElement], sort: &[KeyElement]) -> Result<KeyCondition, Invalid> {
    let values = item(&[(":p", s("key")), (":c", n("3")), (":d", n("5")), (":e", s(""))]);
    let mut placeholders = Placeholders::new(None, Some(&values)).expect("good");
    parse_condition(Key, text, &mut placeholders)?.key_condition(partition, sort)
}

fn query(text: &str) -> Result<KeyCondition, Invalid> {
    query_of(text, &[element("p", Kind::S)], &[element("c", Kind::N)])
}

#[test]
fn ranges_are_read_in_any_order() {
    let cases = [
        ("p = :p", vec![]),
        ("p=:p AND c=:c", vec![SortCondition::Equal(n("3"))]),
        ("((c=:c) AND (p=:p))", vec![SortCondition::Equal(n("3"))]),
        (":p=p AND :c<c", vec![SortCondition::Greater(n("3"))]),
        ("p=:p AND c >= :c", vec![SortCondition::GreaterOrEqual(n("3"))]),
        (
            "p=:p AnD c BeTwEeN :c aNd :d",
            vec![SortCondition::Between(n("3"), n("5"))],
        ),
    ];
    for (text, sort) in cases {
        let expected = KeyCondition {
            partition: vec![s("key")],
            sort,
        };
        assert_eq!(query(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_no_key_can_answer_is_refused() {
    let prefix = "Invalid KeyConditionExpression: ";
    let cases = [
        ("p=:p OR c=:c", "Invalid operator used in KeyConditionExpression: OR"),
        (
            "NOT c=:c AND p=:p",
            "Invalid operator used in KeyConditionExpression: NOT",
        ),
        ("p=:p AND c<>:c", "Invalid operator used in KeyConditionExpression: <>"),
        (
            "p=:p AND c IN (:c)",
            "Invalid operator used in KeyConditionExpression: IN",
        ),
        (
            "p=:p AND attribute_exists(c)",
            "Invalid operator used in KeyConditionExpression: attribute_exists",
        ),
        (
            "p=:p AND p=:p",
            "KeyConditionExpressions must only contain one condition per key",
        ),
        (
            "p=:p AND a.b<:c",
            "KeyConditionExpressions cannot have conditions on nested attributes",
        ),
        ("p=:p AND dog(c, :c)", "Invalid function name; function: dog"),
    ];
    for (text, expected) in cases {
        assert_eq!(query(text).expect_err(text).0, format!("{prefix}{expected}"), "{text}");
    }
    let plain = [
        ("c=:c", "Query condition missed key schema element: p"),
        ("p=:p AND a<:c", "Query condition missed key schema element: c"),
        ("p>:p", "Query key condition not supported"),
        ("p=:p AND c<:c AND a<:c", "Conditions can be of length 1 or 2 only"),
        (
            "p=:c",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "p=:e",
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
             empty string value. Key: p",
        ),
    ];
    for (text, expected) in plain {
        assert_eq!(query(text).expect_err(text).0, expected, "{text}");
    }
    for text in ["p = c", ":p = :c", "p", ":p"] {
        assert!(query(text).is_err(), "{text}");
    }
    assert_eq!(
        query_of("p=:p AND c=:c", &[element("p", Kind::S)], &[])
            .expect_err("no sort key")
            .0,
        "Query key condition not supported"
    );
}

#[test]
fn keys_of_several_attributes_are_read_from_the_left() {
    let partition = [element("p", Kind::S), element("q", Kind::N)];
    let sort = [element("c", Kind::N), element("d", Kind::N)];
    let found = query_of("d < :d AND q = :c AND p = :p AND c = :c", &partition, &sort);
    let expected = KeyCondition {
        partition: vec![s("key"), n("3")],
        sort: vec![SortCondition::Equal(n("3")), SortCondition::Less(n("5"))],
    };
    assert_eq!(found, Ok(expected));
    assert!(query_of("q = :c AND p = :p AND d = :d", &partition, &sort).is_err());
    assert!(query_of("q = :c AND p = :p AND c < :c AND d = :d", &partition, &sort).is_err());
}

#[test]
fn ranges_hold_the_values_within() {
    let between = SortCondition::Between(n("3"), n("5"));
    assert!(between.matches(&n("3")) && between.matches(&n("5.0")) && !between.matches(&n("5.1")));
    assert!(SortCondition::BeginsWith(s("ab")).matches(&s("abc")));
    assert!(!SortCondition::BeginsWith(s("ab")).matches(&n("1")));
}
