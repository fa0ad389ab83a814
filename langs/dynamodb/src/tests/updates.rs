use super::{item, map, n, s, ss};
use crate::{AttributeValue, Invalid, Item, Placeholders, Updated, parse_update};

const MISSING: &str = "The provided expression refers to an attribute that does not exist in the item";
const BAD_OPERAND: &str = "An operand in the update expression has an incorrect data type";
const BAD_PATH: &str = "The document path provided in the update expression is invalid for update";

fn list(values: &[AttributeValue]) -> AttributeValue {
    AttributeValue::L(values.to_vec())
}

fn sample() -> Item {
    item(&[
        ("p", s("key")),
        ("a", n("5")),
        ("l", list(&[s("one"), s("two"), s("three")])),
        ("m", map(&[("x", n("1")), ("y", list(&[n("3"), n("5"), n("7")]))])),
        ("pets", ss(&["cat", "dog"])),
    ])
}

fn update(text: &str, before: Option<&Item>) -> Result<Updated, Invalid> {
    let values = item(&[
        (":v", n("7")),
        (":s", s("hello")),
        (":list", list(&[n("8")])),
        (":more", ss(&["dog", "pig"])),
        (":all", ss(&["cat", "dog"])),
        (":huge", n("9e125")),
    ]);
    let mut placeholders = Placeholders::new(None, Some(&values)).expect("good");
    parse_update(text, &mut placeholders)
        .expect(text)
        .apply(before, &item(&[("p", s("key"))]))
}

fn changed(text: &str, attribute: &str) -> Option<AttributeValue> {
    update(text, Some(&sample())).expect(text).item.get(attribute).cloned()
}

#[test]
fn actions_change_the_item() {
    let cases = [
        ("SET b = a", "b", Some(n("5"))),
        ("SET a = a + :v", "a", Some(n("12"))),
        ("SET a = :v - a", "a", Some(n("2"))),
        ("SET z = if_not_exists(z, :v) + a", "z", Some(n("12"))),
        ("SET z = if_not_exists(a, :v)", "z", Some(n("5"))),
        (
            "SET l = list_append(:list, l)",
            "l",
            Some(list(&[n("8"), s("one"), s("two"), s("three")])),
        ),
        (
            "SET m.y[1] = :s",
            "m",
            Some(map(&[("x", n("1")), ("y", list(&[n("3"), s("hello"), n("7")]))])),
        ),
        (
            "SET l[84] = :s, l[37] = :v",
            "l",
            Some(list(&[s("one"), s("two"), s("three"), n("7"), s("hello")])),
        ),
        ("REMOVE l[0], l[2], l[17]", "l", Some(list(&[s("two")]))),
        (
            "REMOVE m.x, m.q, m.y[1]",
            "m",
            Some(map(&[("y", list(&[n("3"), n("7")]))])),
        ),
        ("REMOVE a, z", "a", None),
        ("ADD a :v", "a", Some(n("12"))),
        ("ADD z :v", "z", Some(n("7"))),
        ("ADD pets :more", "pets", Some(ss(&["cat", "dog", "pig"]))),
        ("DELETE pets :more", "pets", Some(ss(&["cat"]))),
        ("DELETE pets :all", "pets", None),
        ("DELETE z :all", "z", None),
    ];
    for (text, attribute, expected) in cases {
        assert_eq!(changed(text, attribute), expected, "{text}");
    }
}

#[test]
fn operands_are_read_before_anything_is_written() {
    let updated = update("SET a = l, l = a", Some(&sample())).expect("good");
    assert_eq!(updated.item.get("l"), Some(&n("5")));
    assert_eq!(
        update("SET x = :v, y = x", Some(&sample())).expect_err("missing").0,
        MISSING
    );
}

#[test]
fn errors_are_those_of_aws() {
    let cases = [
        ("SET c = z", MISSING),
        ("SET z = z + :v", MISSING),
        ("SET c = list_append(z, :list)", MISSING),
        ("SET c = list_append(a, :list)", BAD_OPERAND),
        ("SET c = l + :v", BAD_OPERAND),
        ("ADD l :more", BAD_OPERAND),
        ("ADD p :v", BAD_OPERAND),
        ("DELETE a :all", BAD_OPERAND),
        ("SET z.q = :v", BAD_PATH),
        ("SET a[0] = :v", BAD_PATH),
        ("SET m[0] = :v", BAD_PATH),
        ("SET l.x = :v", BAD_PATH),
        ("REMOVE z.q", BAD_PATH),
        ("REMOVE a[0]", BAD_PATH),
        (
            "SET z = :huge + :huge",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(update(text, Some(&sample())).expect_err(text).0, expected, "{text}");
    }
    assert_eq!(update("SET b[0] = :v", None).expect_err("path").0, BAD_PATH);
}

#[test]
fn a_missing_item_begins_with_its_key() {
    let updated = update("ADD hits :v", None).expect("good");
    assert_eq!(updated.item, item(&[("p", s("key")), ("hits", n("7"))]));
    assert_eq!(updated.old, Item::new());
    assert_eq!(
        update("REMOVE x.y, z[0]", None).expect("ignored").item,
        item(&[("p", s("key"))])
    );
}

#[test]
fn the_updated_parts_are_shown() {
    let updated = update("SET m.x = :v, l[1] = :s REMOVE a", Some(&sample())).expect("good");
    assert_eq!(
        updated.old,
        item(&[("m", map(&[("x", n("1"))])), ("l", list(&[s("two")])), ("a", n("5"))])
    );
    assert_eq!(
        updated.new,
        item(&[("m", map(&[("x", n("7"))])), ("l", list(&[s("hello")]))])
    );
}

#[test]
fn the_updated_parts_are_those_that_the_paths_lead_to() {
    let shown = |text: &str| {
        let updated = update(text, Some(&sample())).expect(text);
        (updated.old, updated.new)
    };
    let only = |value: AttributeValue| item(&[("l", list(&[value]))]);
    assert_eq!(shown("REMOVE l[1]"), (only(s("two")), only(s("three"))));
    assert_eq!(shown("REMOVE l[2], l[7]"), (only(s("three")), Item::new()));
    assert_eq!(shown("SET l[100] = :v"), (Item::new(), Item::new()));
    assert_eq!(
        shown("SET m.z = :v"),
        (Item::new(), item(&[("m", map(&[("z", n("7"))]))]))
    );
}

#[test]
fn keys_cannot_be_changed() {
    let mut placeholders = Placeholders::new(None, None).expect("none");
    let update = parse_update("REMOVE p", &mut placeholders).expect("good");
    assert_eq!(
        update.check_keys(["c", "p"]).expect_err("key").0,
        "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key"
    );
    assert_eq!(update.check_keys(["c"]), Ok(()));
}
