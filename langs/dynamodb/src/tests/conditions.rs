use super::{item, map, n, s, ss};
use crate::ExpressionKind::Condition;
use crate::{AttributeValue, Item, Placeholders, parse_condition, parse_projection};

fn sample() -> Item {
    item(&[
        ("a", n("2")),
        ("b", n("3")),
        ("c", s("hello")),
        ("d", ss(&["x", "y"])),
        (
            "e",
            AttributeValue::L(vec![n("1"), s("hi"), map(&[("x", s("1")), ("y", s("2"))])]),
        ),
        (
            "m",
            map(&[("x", n("5")), ("l", AttributeValue::L(vec![n("4"), n("6")]))]),
        ),
        ("g", AttributeValue::B(b"bytes".to_vec())),
    ])
}

fn holds(text: &str) -> bool {
    let values = item(&[
        (":two", n("2.0")),
        (":s", s("hell")),
        (":yx", ss(&["y", "x"])),
        (":x", s("x")),
        (":hi", s("hi")),
        (":type", s("SS")),
        (":b", AttributeValue::B(b"te".to_vec())),
    ]);
    let mut placeholders = Placeholders::new(None, Some(&values)).expect("good");
    parse_condition(Condition, text, &mut placeholders)
        .expect(text)
        .matches(&sample())
}

#[test]
fn conditions_hold_as_on_aws() {
    let yes = [
        "a = :two",
        "d = :yx",
        "a < b",
        "z <> :two",
        "y1 <> z",
        "a <> :s",
        "a BETWEEN :two AND b",
        "a IN (b, :two)",
        "attribute_exists(m.x) AND attribute_not_exists(m.y)",
        "attribute_type(d, :type)",
        "begins_with(c, :s)",
        "contains(c, :s) AND contains(d, :x) AND contains(e, :hi) AND contains(g, :b)",
        "size(c) > :two AND size(d) = :two AND size(g) > b",
        "m.x < m.l[1]",
        "a > b OR a < b AND b > a",
        "NOT a > b AND a < b",
        "(a < b OR b < a) AND (a < b AND (b < a OR a < b))",
    ];
    for text in yes {
        assert!(holds(text), "{text}");
    }
    let no = [
        "y1 = z",
        "y1 <= z",
        "c < :two",
        "c = a",
        "e[7] = :two",
        "m.x < m.l[0]",
        "y1 BETWEEN z AND b",
        "z IN (y1)",
        "size(a) = :two",
        "begins_with(a, c)",
        "contains(d, :s)",
        "NOT a < b",
        "NOT NOT a > b",
    ];
    for text in no {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn projections_keep_the_shape_and_close_up_lists() {
    let project = |text: &str| {
        let mut placeholders = Placeholders::new(None, None).expect("none");
        parse_projection(text, &mut placeholders).expect(text).apply(&sample())
    };
    assert_eq!(project("a, z"), item(&[("a", n("2"))]));
    assert_eq!(project("m.l[1], m.l[0], m.x"), item(&[("m", sample()["m"].clone())]));
    assert_eq!(
        project("e[2].y, e[0], e[9]"),
        item(&[("e", AttributeValue::L(vec![n("1"), map(&[("y", s("2"))])]))])
    );
    for text in ["m.y", "a.x", "a[0]", "e.x", "m[0]", "e[3].x", "m.l[0][0]"] {
        assert_eq!(project(text), Item::new(), "{text}");
    }
}
