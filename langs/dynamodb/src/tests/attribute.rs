use super::{item, map, n, names, s, ss};
use crate::attribute::{check_item, check_key_value, check_value, item_size_bytes};
use crate::{AttributeValue, KeyRole, Kind, Placeholders};

#[test]
fn sizes_follow_the_documented_formula() {
    let list = AttributeValue::L(vec![n("1"), s("ab")]);
    let whole = item(&[
        ("p", s("key")),
        ("é", AttributeValue::Bool(true)),
        ("nothing", AttributeValue::Null),
        ("list", list.clone()),
        ("map", map(&[("a", n("12")), ("bb", AttributeValue::B(vec![0; 5]))])),
        ("set", ss(&["a", "bcd"])),
    ]);
    assert_eq!(list.size_bytes(), 3 + (2 + 1) + (2 + 1));
    assert_eq!(AttributeValue::L(vec![]).size_bytes(), 3);
    let expected = (1 + 3) + (2 + 1) + (7 + 1) + (4 + 9) + (3 + 3 + (1 + 2 + 1) + (2 + 5 + 1)) + (3 + 4);
    assert_eq!(item_size_bytes(&whole), expected);
}

#[test]
fn sets_are_checked_at_any_depth() {
    let message = |value: AttributeValue| check_value(&value).expect_err("bad").0;
    assert_eq!(
        message(AttributeValue::L(vec![ss(&[])])),
        "One or more parameter values were invalid: An string set  may not be empty"
    );
    assert_eq!(
        message(AttributeValue::Ns(vec![])),
        "One or more parameter values were invalid: An number set  may not be empty"
    );
    assert_eq!(
        message(AttributeValue::Bs(vec![])),
        "One or more parameter values were invalid: Binary sets should not be empty"
    );
    assert_eq!(
        message(ss(&["a", "b", "a"])),
        "One or more parameter values were invalid: Input collection [a, b, a] contains duplicates."
    );
    let one = super::number("1.0");
    assert_eq!(
        message(AttributeValue::Ns(vec![one, super::number("1")])),
        "Input collection contains duplicates"
    );
    assert_eq!(
        message(AttributeValue::Bs(vec![b"b".to_vec(), b"b".to_vec(), b"abc".to_vec()])),
        "One or more parameter values were invalid: Input collection [Yg==, Yg==, YWJj]of type BS contains duplicates."
    );
    let (none, bad) = (names(&[]), item(&[(":v", ss(&[]))]));
    assert_eq!(
        Placeholders::new(None, Some(&bad)).err().expect("bad").0,
        "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  \
         may not be empty for key :v"
    );
    assert_eq!(
        Placeholders::new(Some(&none), None).err().expect("bad").0,
        "ExpressionAttributeNames must not be empty"
    );
    let twice = item(&[(":p", AttributeValue::Ns(vec![one, one]))]);
    assert_eq!(
        Placeholders::new(None, Some(&twice)).err().expect("bad").0,
        "ExpressionAttributeValues contains invalid value: Input collection contains duplicates for key :p"
    );
}

#[test]
fn nesting_ends_at_thirty_two_with_the_innermost_value() {
    let nested = |levels: usize| (0..levels).fold(n("1"), |inner, _| map(&[("m", inner)]));
    assert_eq!(check_item(&item(&[("a", nested(31))])), Ok(()));
    assert_eq!(
        check_item(&item(&[("a", nested(32))])).expect_err("deep").0,
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported \
         limit"
    );
    assert_eq!(nested(33).depth(), 33);
}

#[test]
fn keys_are_checked_for_type_and_length() {
    let check = |role, value: AttributeValue| check_key_value(role, "k", Kind::S, &value);
    assert_eq!(check(KeyRole::Partition, s("a")), Ok(()));
    let mismatch = check(KeyRole::Partition, n("1")).expect_err("type");
    assert_eq!(
        mismatch.in_item().0,
        "One or more parameter values were invalid: Type mismatch for key k expected: S actual: N"
    );
    assert_eq!(
        mismatch.in_key().0,
        "The provided key element does not match the schema"
    );
    assert_eq!(
        check(KeyRole::Sort, s("")).expect_err("empty").in_item().0,
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
         string value. Key: k"
    );
    assert_eq!(check(KeyRole::Partition, s(&"x".repeat(2048))), Ok(()));
    assert_eq!(
        check(KeyRole::Partition, s(&"x".repeat(2049)))
            .expect_err("long")
            .in_key()
            .0,
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
    );
    assert_eq!(
        check(KeyRole::Sort, s(&"x".repeat(1025))).expect_err("long").in_key().0,
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of \
         1024 bytes"
    );
}

#[test]
fn the_order_of_a_set_does_not_count() {
    let nested = |set| map(&[("a", AttributeValue::L(vec![set]))]);
    assert!(nested(ss(&["a", "b"])).same(&nested(ss(&["b", "a"]))));
    assert!(!nested(ss(&["a", "b"])).same(&nested(ss(&["a", "c"]))));
    assert!(!n("1").same(&s("1")));
}
