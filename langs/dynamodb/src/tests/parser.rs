use super::{item, n, names, s, said, ss};
use crate::ExpressionKind::{Condition, Filter, KeyCondition, Projection, Update};
use crate::expression::reserved::{is_reserved, reserved_words};
use crate::{AttributeValue, ExpressionKind, Placeholders};
use proptest::prelude::{Strategy, prop_oneof, proptest};

#[test]
fn syntax_errors_show_the_token_and_its_neighbours() {
    let cases: &[(ExpressionKind, &str, &str, &str)] = &[
        (Update, "ADD hits : incr", ":", "hits : incr"),
        (Update, "INVALID SYNTAX HERE", "INVALID", "INVALID SYNTAX"),
        (Update, "SET _123 = :v", "_", "SET _123"),
        (Update, "SET #as, #n = :v", ",", "#as, #n"),
        (Update, "SET a = :v + :v + :v", "+", ":v + :v"),
        (Update, "SET a[:v] = :v", ":v", "[:v]"),
        (Update, "SET :a = :v", ":a", "SET :a ="),
        (Update, "SET a = _f(b)", "_", "= _f"),
        (Condition, "a-b", "-", "a-b"),
        (
            Filter,
            "#articleId attribute_not_exists :ckpst",
            "attribute_not_exists",
            "#articleId attribute_not_exists :ckpst",
        ),
        (Filter, "tenantAgent:abc123-", ":abc123", "tenantAgent:abc123-"),
        (KeyCondition, "a != :v", "!", "a !="),
        (Condition, "a IN ()", ")", "()"),
        (Projection, "a[-1]", "-", "[-1"),
        (Projection, "a[]", "]", "[]"),
        (Projection, "a,", "<EOF>", ","),
    ];
    for (kind, text, token, near) in cases {
        let expected = format!(
            "Invalid {}: Syntax error; token: \"{token}\", near: \"{near}\"",
            kind.name()
        );
        assert_eq!(said(*kind, text, &[(":v", n("1"))]), expected, "{text}");
    }
    for text in ["a", ":v", "#n AND a = :v", "(a = :v", "NOT", "a BETWEEN :v", "((("] {
        assert!(
            said(Condition, text, &[(":v", n("1"))]).contains("Syntax error; token: "),
            "{text}"
        );
    }
}

#[test]
fn meaning_is_checked_with_aws_words() {
    let values = [
        (":n", n("5")),
        (":m", n("4")),
        (":s", s("DOG")),
        (":l", AttributeValue::L(vec![])),
        (":ss", ss(&["x"])),
    ];
    let cases: &[(ExpressionKind, &str, &str)] = &[
        (Update, " ", "The expression can not be empty;"),
        (
            Update,
            "SET status = :n",
            "Attribute name is a reserved keyword; reserved keyword: status",
        ),
        (
            Update,
            "SET #x = :n",
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        (
            Update,
            "SET a = :x",
            "An expression attribute value used in expression is not defined; attribute value: :x",
        ),
        (Update, "SET a = f(b,c,d)", "Invalid function name; function: f"),
        (
            Update,
            "SET a = size(b)",
            "The function is not allowed in an update expression; function: size",
        ),
        (
            Update,
            "SET a = :n SET b = :n",
            "The \"SET\" section can only be used once in an update expression;",
        ),
        (
            Update,
            "SET a = if_not_exists(:m, :n)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            Update,
            "SET a = :s + :n",
            "Incorrect operand type for operator or function; operator or function: +, operand type: S",
        ),
        (
            Update,
            "SET a = list_append(a, :ss)",
            "Incorrect operand type for operator or function; operator or function: list_append, operand type: SS",
        ),
        (
            Update,
            "ADD a :s",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            Update,
            "ADD a :l",
            "Incorrect operand type for operator or function; operator: ADD, operand type: LIST, typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            Update,
            "DELETE a :n",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND",
        ),
        (
            Update,
            "SET a = :n REMOVE #n",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
        ),
        (
            Update,
            "SET a.b.c = :n, a.b = :n",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b, c], path two: [a, b]",
        ),
        (
            Projection,
            "a.b[0],a.b[0]",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b, [0]], path two: [a, b, [0]]",
        ),
        (
            Projection,
            "a.b, a[1]",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]",
        ),
        (
            Projection,
            "a[99999999999999]",
            "List index is not within the allowable range; index: [99999999999999]",
        ),
        (Condition, "dog(a)=:n", "Invalid function name; function: dog"),
        (Condition, "dog(a)", "Invalid function name; function: dog"),
        (
            Condition,
            "list_append(a, b)=:n",
            "The function is not allowed in a condition expression; function: list_append",
        ),
        (
            Condition,
            "size(a)",
            "The function is not allowed to be used this way in an expression; function: size",
        ),
        (
            Condition,
            "attribute_exists(a) = :n",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            Condition,
            "attribute_exists(a, b)",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
        ),
        (
            Condition,
            "attribute_exists(:n)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            Condition,
            "begins_with(a, :n)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            Condition,
            "size(:n) > :n",
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            Condition,
            "size(size(a)) > :n",
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            Condition,
            "a < :l",
            "Incorrect operand type for operator or function; operator or function: <, operand type: L",
        ),
        (
            Condition,
            "contains(a, #n)",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [a]",
        ),
        (
            Condition,
            "a BETWEEN :n AND :m",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:4}",
        ),
        (Condition, "((a = :n))", "The expression has redundant parentheses;"),
        (
            Filter,
            "((a = :n AND b = :n))",
            "The expression has redundant parentheses;",
        ),
    ];
    for (kind, text, expected) in cases {
        assert_eq!(
            said(*kind, text, &values),
            format!("Invalid {}: {expected}", kind.name()),
            "{text}"
        );
    }
    assert!(said(Condition, "attribute_type(a, :s)", &values).contains("type: DOG"));
}

#[test]
fn good_expressions_are_accepted() {
    let values = [(":v", n("1"))];
    let conditions = [
        "((:v = :v AND :v = :v) AND :v = :v)",
        "( ( ( size ( c )) < #n.b ) AND ( d > :v ) )",
        "a = :v OR (b = :v AND c = :v)",
        "((c=:v) AND (b=:v))",
        "NOT NOT NOT NOT a < b",
        "b BETWEEN a AND c AND a < b",
        "attribute_exists (#n.x[3].y)",
        "a in(:v)",
    ];
    for text in conditions {
        assert_eq!(said(Condition, text, &values), "", "{text}");
    }
    let updates = [
        "sEt b=:v  remove c ADD d :v",
        "SET a = if_not_exists(a, :v) + :v",
        "SET a = (b + :v)",
        "SET A123_ = #n, c.d[1] = e.f",
        "SET a[1] = :v, a[2] = :v",
    ];
    for text in updates {
        assert_eq!(said(Update, text, &values), "", "{text}");
    }
}

#[test]
fn limits_hold() {
    let values = [(":v", n("1"))];
    let long = format!("a = :v AND {} b = :v", " ".repeat(4096));
    assert_eq!(
        said(Condition, &long, &values),
        format!(
            "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: {}",
            long.len()
        )
    );
    let many = "Invalid ConditionExpression: The expression contains too many operators; operator count: 301";
    assert_eq!(said(Condition, &format!("{}a<b", "not ".repeat(1000)), &values), many);
    let nested = |levels: usize| format!("{}a<b{}", "a<b and (".repeat(levels), ")".repeat(levels));
    assert_eq!(said(Condition, &nested(149), &values), "");
    assert_eq!(said(Condition, &nested(150), &values), many);
    assert_eq!(said(Condition, &nested(299), &values), many);
    let deep = format!("{}a<b{}", "(".repeat(1000), ")".repeat(1000));
    assert!(said(Condition, &deep, &values).contains("redundant parentheses"));
    assert!(said(Condition, &format!("a IN ({}:v)", ":v,".repeat(100)), &values).contains("number of operands: 101"));
    assert_eq!(said(Condition, &format!("a IN ({}:v)", ":v,".repeat(99)), &values), "");
    assert!(said(Projection, &format!("a{}", "[0]".repeat(32)), &[]).contains("nesting"));
    assert_eq!(said(Projection, &format!("a{}", "[0]".repeat(31)), &[]), "");
}

#[test]
fn names_and_values_have_two_mebibytes_together() {
    let values = |bytes: usize| item(&[(":v", s(&"x".repeat(bytes)))]);
    let names = names(&[("#a", "name")]);
    let most = 2 * 1024 * 1024 - "#aname:v".len();
    assert!(Placeholders::new(Some(&names), Some(&values(most))).is_ok());
    let error = Placeholders::new(Some(&names), Some(&values(most + 1)))
        .err()
        .expect("too large");
    assert_eq!(
        error.0,
        "ExpressionAttributeNames and ExpressionAttributeValues have exceeded the maximum allowed size; size: 2097153"
    );
}

#[test]
fn reserved_words_are_all_there() {
    assert_eq!(reserved_words().count(), 573);
    assert!(is_reserved("Abort") && is_reserved("zone") && is_reserved("FLATTERN"));
    assert!(!is_reserved("hits"));
}

#[test]
fn unused_placeholders_are_told_when_all_is_parsed() {
    let (names, values) = (
        names(&[("#a", "a"), ("#b", "b")]),
        item(&[(":v", n("1")), (":w", n("1"))]),
    );
    let mut placeholders = Placeholders::new(Some(&names), Some(&values)).expect("good");
    crate::parse_condition(Condition, "#a = :v", &mut placeholders).expect("good");
    assert_eq!(
        placeholders.finish().expect_err("unused").0,
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"
    );
    crate::parse_projection("#b", &mut placeholders).expect("good");
    assert_eq!(
        placeholders.finish().expect_err("unused").0,
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"
    );
    crate::parse_update("SET c = :w", &mut placeholders).expect("good");
    assert_eq!(placeholders.finish(), Ok(()));
    for key in ["a", "#", "#a-b", ":a"] {
        let names = super::names(&[(key, "a")]);
        assert_eq!(
            Placeholders::new(Some(&names), None).err().expect("bad").0,
            format!("ExpressionAttributeNames contains invalid key: Syntax error; key: \"{key}\"")
        );
    }
}

#[test]
fn placeholders_are_bound_before_they_are_read() {
    let key = |mark: &str, length: usize| format!("{mark}{}", "n".repeat(length - mark.len()));
    let longest = names(&[(&key("#", 255), "a")]);
    let longest_value = item(&[(&key(":", 255), n("1"))]);
    assert!(Placeholders::new(Some(&longest), Some(&longest_value)).is_ok());
    // What is no placeholder at all is first of all too long, and the length is one of bytes.
    for key in [key("#", 256), key("-", 256), format!("#{}", "é".repeat(128))] {
        let names = names(&[(&key, "a")]);
        assert_eq!(
            Placeholders::new(Some(&names), None).err().expect("too long").0,
            format!(
                "ExpressionAttributeNames contains invalid key: Key is too large, must be less than 256 bytes; key: \
                 \"{key}\", length: {}",
                key.len()
            )
        );
    }
    let value = key(":", 256);
    let values = item(&[(&value, n("1"))]);
    assert_eq!(
        Placeholders::new(None, Some(&values)).err().expect("too long").0,
        format!(
            "ExpressionAttributeValues contains invalid key: Key is too large, must be less than 256 bytes; key: \
             \"{value}\", length: 256"
        )
    );
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-c]",
        "(AND|OR|NOT|BETWEEN|IN|SET|REMOVE|ADD|DELETE|size|contains|attribute_exists|if_not_exists)",
        "(#n|:v|#|:|=|<>|<=|>|\\(|\\)|\\[|\\]|,|\\.|\\+|-|[0-9]{1,12}|\"|é)",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn parsing_never_panics(text in pieces(), other in ".{0,60}") {
        for kind in [Condition, Filter, KeyCondition, Projection, Update] {
            said(kind, &text, &[(":v", n("1"))]);
            said(kind, &other, &[(":v", n("1"))]);
        }
    }
}
