use super::said;
use crate::{Context, Operator, Verdict};

fn met(condition: &str, keys: &[(&str, &[&str])]) -> bool {
    let mut context = Context::new();
    for (key, values) in keys {
        context.extend(key, values.iter().map(|value| (*value).to_owned()));
    }
    let rest = format!(r#""Principal":"*","Resource":"*","Condition":{condition}"#);
    said(&rest, &context) == Verdict::Allow
}

#[test]
fn one_value() {
    for (operator, wanted, value, expected) in [
        ("StringEquals", r#""a""#, "a", true),
        ("StringEquals", r#"["b","a"]"#, "a", true),
        ("StringEquals", r#""*""#, "a", false),
        ("StringNotEquals", r#"["b","a"]"#, "a", false),
        ("StringNotEquals", r#"["b","c"]"#, "a", true),
        ("StringEqualsIgnoreCase", r#""ÄB""#, "äb", true),
        ("StringNotEqualsIgnoreCase", r#""AB""#, "ab", false),
        ("StringLike", r#""a*z""#, "abcz", true),
        ("StringNotLike", r#""a*z""#, "abcz", false),
        ("NumericEquals", "10", "10.0", true),
        ("NumericNotEquals", "10", "11", true),
        ("NumericLessThan", "10", "9.5", true),
        ("NumericLessThan", "10", "10", false),
        ("NumericLessThanEquals", "10", "10", true),
        ("NumericGreaterThan", r#""10""#, "9", false),
        ("NumericGreaterThanEquals", "10", "1e1", true),
        ("NumericEquals", "10", "ten", false),
        ("DateEquals", r#""2026-01-01T00:00:00Z""#, "1767225600", true),
        ("DateNotEquals", r#""2026-01-01""#, "2026-01-01T00:00:00Z", false),
        (
            "DateLessThan",
            r#""2026-01-01T00:00:00Z""#,
            "2025-12-31T23:59:59Z",
            true,
        ),
        ("DateLessThanEquals", "1767225600", "2026-01-01T00:00:00Z", true),
        (
            "DateGreaterThan",
            r#""2026-01-01T00:00Z""#,
            "2026-01-01T00:00:01Z",
            true,
        ),
        ("DateGreaterThanEquals", r#""2027""#, "2026-12-31T00:00:00Z", false),
        ("Bool", "true", "true", true),
        ("Bool", r#""False""#, "true", false),
        ("BinaryEquals", r#""QmluYXJ5""#, "QmluYXJ5", true),
        ("IpAddress", r#""10.0.0.0/8""#, "10.9.8.7", true),
        ("IpAddress", r#""10.0.0.0/8""#, "11.9.8.7", false),
        ("IpAddress", r#""10.0.0.1""#, "10.0.0.1", true),
        ("IpAddress", r#""0.0.0.0/0""#, "1.2.3.4", true),
        ("IpAddress", r#""2001:db8::/32""#, "2001:db8:1::1", true),
        ("IpAddress", r#""2001:db8::/32""#, "10.0.0.1", false),
        ("IpAddress", r#""127.0.0.0/8""#, "::ffff:127.0.0.1", true),
        ("NotIpAddress", r#""10.0.0.0/8""#, "10.9.8.7", false),
        (
            "ArnLike",
            r#""arn:aws:sns:*:111111111111:*""#,
            "arn:aws:sns:us-east-1:111111111111:t",
            true,
        ),
        (
            "ArnEquals",
            r#""arn:aws:sns:*:t""#,
            "arn:aws:sns:us-east-1:111111111111:t",
            false,
        ),
        (
            "ArnNotLike",
            r#""arn:aws:sns:*:*:t""#,
            "arn:aws:sns:us-east-1:111111111111:t",
            false,
        ),
        (
            "ArnNotEquals",
            r#""arn:aws:sns:*:*:u""#,
            "arn:aws:sns:us-east-1:111111111111:t",
            true,
        ),
    ] {
        let condition = format!(r#"{{"{operator}":{{"K":{wanted}}}}}"#);
        assert_eq!(met(&condition, &[("k", &[value])]), expected, "{condition} {value}");
    }
}

#[test]
fn an_absent_key() {
    for (condition, expected) in [
        (r#"{"StringEquals":{"k":"a"}}"#, false),
        (r#"{"StringEqualsIfExists":{"k":"a"}}"#, true),
        (r#"{"StringNotEquals":{"k":"a"}}"#, true),
        (r#"{"NotIpAddress":{"k":"10.0.0.1"}}"#, true),
        (r#"{"Bool":{"k":"false"}}"#, false),
        (r#"{"Null":{"k":"true"}}"#, true),
        (r#"{"Null":{"k":false}}"#, false),
        (r#"{"ForAllValues:StringEquals":{"k":"a"}}"#, true),
        (r#"{"ForAnyValue:StringEquals":{"k":"a"}}"#, false),
        (r#"{"ForAnyValue:StringNotEquals":{"k":"a"}}"#, false),
    ] {
        assert_eq!(met(condition, &[]), expected, "{condition}");
    }
    assert!(met(r#"{"Null":{"k":"false"}}"#, &[("k", &["x"])]));
}

#[test]
fn many_values() {
    for (condition, values, expected) in [
        (
            r#"{"ForAllValues:StringEquals":{"k":["a","b"]}}"#,
            &["a", "b"][..],
            true,
        ),
        (r#"{"ForAllValues:StringEquals":{"k":["a","b"]}}"#, &["a", "c"], false),
        (r#"{"ForAnyValue:StringEquals":{"k":["a","b"]}}"#, &["c", "b"], true),
        (r#"{"ForAnyValue:StringEquals":{"k":["a","b"]}}"#, &["c", "d"], false),
        (r#"{"ForAllValues:StringNotEquals":{"k":["a","b"]}}"#, &["c", "d"], true),
        (r#"{"ForAllValues:StringNotLike":{"k":["a*"]}}"#, &["c", "ad"], false),
        (r#"{"ForAnyValue:StringNotEquals":{"k":["a"]}}"#, &["a", "b"], true),
        (r#"{"StringNotEquals":{"k":"a"}}"#, &["a", "b"], false),
    ] {
        assert_eq!(met(condition, &[("k", values)]), expected, "{condition} {values:?}");
    }
}

#[test]
fn all_conditions_must_be_met() {
    let both = r#"{"StringEquals":{"a":"1","b":"2"},"Bool":{"c":"true"}}"#;
    assert!(met(both, &[("a", &["1"]), ("b", &["2"]), ("c", &["true"])]));
    assert!(!met(both, &[("a", &["1"]), ("b", &["3"]), ("c", &["true"])]));
    assert!(!met(both, &[("a", &["1"]), ("b", &["2"])]));
}

#[test]
fn values_may_have_variables() {
    let own = r#"{"StringLike":{"s3:prefix":"${aws:username}/*"}}"#;
    assert!(met(own, &[("s3:prefix", &["bob/x"]), ("aws:username", &["bob"])]));
    assert!(!met(own, &[("s3:prefix", &["eve/x"]), ("aws:username", &["bob"])]));
    assert!(!met(own, &[("s3:prefix", &["eve/x"])]));
}

#[test]
fn names_of_operators() {
    for name in ["StringEqual", "ForAll:StringEquals", "NullIfExists", "stringequals", ""] {
        assert_eq!(Operator::parse(name), None, "{name}");
    }
    for name in [
        "ForAllValues:DateLessThanIfExists",
        "NotIpAddressIfExists",
        "BinaryEquals",
    ] {
        assert!(Operator::parse(name).is_some(), "{name}");
    }
}
