//! `Expected`, `AttributeUpdates`, `KeyConditions`, filters and `AttributesToGet`.

use super::{item, n, s, ss};
use crate::legacy::{
    AttributeUpdate, ConditionalOperator, LegacyCondition, LegacyKeyConditions, UpdateAction,
    check_conditional_operator, check_filter_keys, check_mixing, parse_attribute_updates, parse_attributes_to_get,
    parse_expected, parse_filter,
};
use crate::{AttributeValue, Item, KeyElement, Kind, SortCondition};
use std::collections::BTreeMap;

fn condition(operator: &str, values: &[AttributeValue]) -> LegacyCondition {
    LegacyCondition {
        comparison_operator: Some(operator.to_owned()),
        attribute_value_list: Some(values.to_vec()),
        ..LegacyCondition::default()
    }
}

fn one(name: &str, condition: LegacyCondition) -> BTreeMap<String, LegacyCondition> {
    BTreeMap::from([(name.to_owned(), condition)])
}

fn kept(operator: &str, name: &str, values: &[AttributeValue]) -> bool {
    let filter = one(name, condition(operator, values));
    let parsed = parse_filter(&filter, ConditionalOperator::And).expect("a good filter");
    parsed.expect("a filter").matches(&sample())
}

fn said(operator: &str, values: &[AttributeValue]) -> String {
    let filter = one("a", condition(operator, values));
    parse_filter(&filter, ConditionalOperator::And)
        .err()
        .map(|error| error.0)
        .unwrap_or_default()
}

fn expected_says(condition: LegacyCondition) -> String {
    parse_expected(&one("a", condition), ConditionalOperator::And)
        .err()
        .map(|error| error.0)
        .unwrap_or_default()
}

fn sample() -> Item {
    item(&[
        ("a", n("5")),
        ("name", s("hello")),
        ("set", ss(&["x", "y"])),
        ("list", AttributeValue::L(vec![n("1"), s("z")])),
    ])
}

#[test]
fn comparisons_keep_what_aws_keeps() {
    let cases: &[(&str, &str, Vec<AttributeValue>, bool)] = &[
        ("EQ", "a", vec![n("5.0")], true),
        ("EQ", "a", vec![s("5")], false),
        ("NE", "a", vec![s("5")], true),
        ("NE", "missing", vec![n("1")], true),
        ("LE", "a", vec![n("5")], true),
        ("LT", "a", vec![n("5")], false),
        ("GE", "a", vec![s("1")], false),
        ("GT", "a", vec![n("4")], true),
        ("NULL", "missing", vec![], true),
        ("NOT_NULL", "a", vec![], true),
        ("CONTAINS", "name", vec![s("ell")], true),
        ("CONTAINS", "set", vec![s("x")], true),
        ("CONTAINS", "list", vec![n("1")], true),
        ("NOT_CONTAINS", "name", vec![n("1")], true),
        ("NOT_CONTAINS", "set", vec![s("x")], false),
        ("NOT_CONTAINS", "missing", vec![s("x")], false),
        ("BEGINS_WITH", "name", vec![s("he")], true),
        ("IN", "a", vec![n("4"), n("5")], true),
        ("BETWEEN", "a", vec![n("5"), n("6")], true),
        ("BETWEEN", "name", vec![n("5"), n("6")], false),
    ];
    for (operator, name, values, expected) in cases {
        assert_eq!(kept(operator, name, values), *expected, "{operator} {name} {values:?}");
    }
}

#[test]
fn arguments_are_checked() {
    for operator in ["EQ", "NE", "LE", "CONTAINS", "BEGINS_WITH"] {
        assert_eq!(
            said(operator, &[s("a"), s("b")]),
            format!(
                "One or more parameter values were invalid: Invalid number of argument(s) for the {operator} ComparisonOperator"
            )
        );
    }
    assert!(said("NULL", &[s("a")]).ends_with("for the NULL ComparisonOperator"));
    assert!(said("IN", &[]).ends_with("for the IN ComparisonOperator"));
    assert!(said("BETWEEN", &[s("a")]).ends_with("for the BETWEEN ComparisonOperator"));
    assert_eq!(
        said("LE", &[AttributeValue::L(vec![])]),
        "One or more parameter values were invalid: ComparisonOperator LE is not valid for L AttributeValue type"
    );
    assert!(said("BEGINS_WITH", &[n("1")]).contains("BEGINS_WITH is not valid for N"));
    assert!(said("CONTAINS", &[ss(&["x"])]).contains("CONTAINS is not valid for SS"));
    assert!(said("IN", &[n("1"), s("a")]).contains("must be of same type"));
    assert_eq!(
        said("BETWEEN", &[n("2"), n("1")]),
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
    );
    assert!(said("DOG", &[n("2")]).contains("at 'comparisonOperator' failed to satisfy constraint"));
    assert!(said("EQ", &[AttributeValue::Ss(vec![])]).contains("may not be empty"));
}

#[test]
fn expected_takes_values_or_comparisons() {
    let value = |value: Option<AttributeValue>, exists| LegacyCondition {
        value,
        exists,
        ..LegacyCondition::default()
    };
    assert_eq!(
        expected_says(value(None, Some(true))),
        "1 validation error detected: One or more parameter values were invalid: Value must be provided when Exists is \
         true for Attribute: a"
    );
    assert!(expected_says(value(None, None)).contains("when Exists is null for Attribute: a"));
    assert!(expected_says(value(Some(n("1")), Some(false))).contains("Value cannot be used when Exists is false"));
    let both = LegacyCondition {
        exists: Some(false),
        ..condition("EQ", &[n("1")])
    };
    assert!(expected_says(both).contains("Exists and ComparisonOperator cannot be used together for Attribute: a"));
    let twice = LegacyCondition {
        value: Some(n("1")),
        ..condition("EQ", &[n("1")])
    };
    assert!(expected_says(twice).contains("Value and AttributeValueList cannot be used together"));
    let bare = LegacyCondition {
        comparison_operator: Some("EQ".to_owned()),
        ..LegacyCondition::default()
    };
    assert!(expected_says(bare).contains("Value or AttributeValueList must be used with ComparisonOperator: EQ"));
    // With one value, the operator may take it from `Value`.
    let accepted = LegacyCondition {
        comparison_operator: Some("LT".to_owned()),
        value: Some(n("6")),
        ..LegacyCondition::default()
    };
    let parsed = parse_expected(&one("a", accepted), ConditionalOperator::And).expect("good");
    assert!(parsed.expect("a condition").matches(&sample()));
    let expected = BTreeMap::from([
        ("a".to_owned(), value(Some(n("74")), Some(true))),
        ("c".to_owned(), value(None, Some(false))),
    ]);
    for (operator, held) in [(ConditionalOperator::And, false), (ConditionalOperator::Or, true)] {
        let parsed = parse_expected(&expected, operator).expect("good").expect("a condition");
        assert_eq!(parsed.matches(&sample()), held);
    }
    assert_eq!(parse_expected(&BTreeMap::new(), ConditionalOperator::And), Ok(None));
}

fn schema() -> (Vec<KeyElement>, Vec<KeyElement>) {
    let element = |name: &str, kind| KeyElement {
        name: name.to_owned(),
        kind,
    };
    (vec![element("p", Kind::S)], vec![element("c", Kind::N)])
}

fn key_says(conditions: &[(&str, LegacyCondition)]) -> String {
    let conditions = conditions
        .iter()
        .map(|(name, condition)| ((*name).to_owned(), condition.clone()))
        .collect();
    let (partition, sort) = schema();
    LegacyKeyConditions::new(&conditions)
        .and_then(|checked| checked.key_condition(&partition, &sort))
        .err()
        .map(|error| error.0)
        .unwrap_or_default()
}

#[test]
fn key_conditions_name_a_part_of_the_table() {
    let p = || ("p", condition("EQ", &[s("x")]));
    let conditions = BTreeMap::from([
        ("p".to_owned(), p().1),
        ("c".to_owned(), condition("BETWEEN", &[n("1"), n("2")])),
    ]);
    let (partition, sort) = schema();
    let found = LegacyKeyConditions::new(&conditions)
        .and_then(|checked| checked.key_condition(&partition, &sort))
        .expect("good");
    assert_eq!(found.partition, [s("x")]);
    assert_eq!(found.sort, [SortCondition::Between(n("1"), n("2"))]);

    assert_eq!(
        key_says(&[("p", condition("LE", &[s("x")]))]),
        "Query key condition not supported"
    );
    assert_eq!(
        key_says(&[("p", condition("NE", &[s("x")]))]),
        "Attempted conditional constraint is not an indexable operation"
    );
    assert_eq!(
        key_says(&[p(), ("c", condition("NULL", &[]))]),
        "Attempted conditional constraint is not an indexable operation"
    );
    assert_eq!(
        key_says(&[("c", condition("EQ", &[n("3")]))]),
        "Query condition missed key schema element: p"
    );
    assert_eq!(
        key_says(&[p(), ("a", condition("EQ", &[n("3")]))]),
        "Query condition missed key schema element: c"
    );
    let three = [
        p(),
        ("c", condition("EQ", &[n("3")])),
        ("a", condition("EQ", &[n("3")])),
    ];
    assert_eq!(key_says(&three), "Conditions can be of length 1 or 2 only");
    assert_eq!(key_says(&[]), "Conditions can be of length 1 or 2 only");
    assert!(key_says(&[p(), ("c", condition("EQ", &[s("3")]))]).contains("does not match schema type"));
}

fn updated(action: UpdateAction, value: Option<AttributeValue>, before: Option<&Item>) -> Result<Item, String> {
    let updates = BTreeMap::from([("set".to_owned(), AttributeUpdate { action, value })]);
    parse_attribute_updates(&updates)
        .and_then(|update| update.apply(before, &Item::new()))
        .map(|updated| updated.item)
        .map_err(|error| error.0)
}

#[test]
fn attribute_updates_put_add_and_delete() {
    let before = sample();
    let set = |result: Result<Item, String>| result.map(|item| item.get("set").cloned());
    assert_eq!(
        set(updated(UpdateAction::Put, Some(n("1")), Some(&before))),
        Ok(Some(n("1")))
    );
    assert_eq!(
        set(updated(UpdateAction::Add, Some(ss(&["y", "z"])), Some(&before))),
        Ok(Some(ss(&["x", "y", "z"])))
    );
    assert_eq!(
        set(updated(UpdateAction::Delete, Some(ss(&["x"])), Some(&before))),
        Ok(Some(ss(&["y"])))
    );
    assert_eq!(set(updated(UpdateAction::Delete, None, Some(&before))), Ok(None));
    assert_eq!(set(updated(UpdateAction::Add, Some(n("2")), None)), Ok(Some(n("2"))));
    let list = |members: &[AttributeValue]| AttributeValue::L(members.to_vec());
    let with_list = item(&[("set", list(&[n("1")]))]);
    assert_eq!(
        set(updated(UpdateAction::Add, Some(list(&[s("a")])), Some(&with_list))),
        Ok(Some(list(&[n("1"), s("a")])))
    );
    for (action, value, message) in [
        (UpdateAction::Add, Some(n("1")), "Type mismatch for attribute to update"),
        (
            UpdateAction::Put,
            None,
            "One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is \
             specified",
        ),
        (
            UpdateAction::Add,
            Some(s("x")),
            "One or more parameter values were invalid: ADD action is not supported for the type S",
        ),
        (
            UpdateAction::Delete,
            Some(s("x")),
            "One or more parameter values were invalid: DELETE action with value is not supported for the type S",
        ),
    ] {
        assert_eq!(updated(action, value, Some(&before)), Err(message.to_owned()));
    }
}

#[test]
fn only_removals_make_no_item() {
    let creates = |action, value| {
        let updates = BTreeMap::from([("a".to_owned(), AttributeUpdate { action, value })]);
        parse_attribute_updates(&updates).expect("good").creates_item()
    };
    assert!(creates(UpdateAction::Put, Some(n("1"))));
    assert!(creates(UpdateAction::Add, Some(n("1"))));
    assert!(!creates(UpdateAction::Delete, None));
    assert!(parse_attribute_updates(&BTreeMap::new()).expect("good").creates_item());
}

#[test]
fn attributes_to_get_are_whole_names() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let projection = parse_attributes_to_get(&names(&["a", "set.x"])).expect("good");
    assert_eq!(projection.apply(&sample()), item(&[("a", n("5"))]));
    assert_eq!(
        parse_attributes_to_get(&names(&["a", "a"])).map_err(|error| error.0),
        Err("One or more parameter values were invalid: Duplicate value in attribute name: a".to_owned())
    );
}

#[test]
fn what_may_not_come_together() {
    assert_eq!(
        check_mixing(
            &[("AttributeUpdates", true), ("Expected", false)],
            &[("UpdateExpression", true), ("ConditionExpression", true)],
        )
        .map_err(|error| error.0),
        Err(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
             {AttributeUpdates} Expression parameters: {UpdateExpression, ConditionExpression}"
                .to_owned()
        )
    );
    assert!(check_mixing(&[("Expected", true)], &[("ConditionExpression", false)]).is_ok());
    assert!(check_conditional_operator(true, 0).is_err_and(|error| error.0.contains("without Filter or Expected")));
    assert!(check_conditional_operator(true, 1).is_err_and(|error| error.0.contains("two or more elements")));
    assert!(check_conditional_operator(true, 2).is_ok() && check_conditional_operator(false, 0).is_ok());
    assert!(check_filter_keys(["a", "c"], ["p", "c"]).is_err_and(|error| error.0.ends_with("attribute: c")));
}
