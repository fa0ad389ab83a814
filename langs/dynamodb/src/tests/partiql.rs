//! PartiQL statements: messages that AWS sent, and what statements mean.

use super::{item, map, n, s, ss};
use crate::partiql::{ReadPlan, Returning, Select, Statement, absent, key_of, parse_statement};
use crate::{AttributeValue, Item, KeyElement, Kind, SortCondition};
use proptest::prelude::*;

const MALFORMED: &str = "Statement wasn't well formed, can't be processed: ";

fn said(text: &str) -> String {
    said_with(text, &[])
}

fn said_with(text: &str, parameters: &[AttributeValue]) -> String {
    parse_statement(text, parameters)
        .err()
        .map(|error| error.0)
        .unwrap_or_default()
}

fn select(text: &str) -> Select {
    match parse_statement(text, &[]) {
        Ok(Statement::Select(select)) => select,
        other => panic!("{text}: {other:?}"),
    }
}

fn sample() -> Item {
    item(&[
        ("pk", s("x")),
        ("s", s("str")),
        ("n", n("5")),
        ("ss", ss(&["a", "b"])),
        ("l", AttributeValue::L(vec![s("a"), s("b")])),
        ("m", map(&[("sub", s("y"))])),
        ("nul", AttributeValue::Null),
        ("flag", AttributeValue::Bool(true)),
    ])
}

fn holds(condition: &str) -> bool {
    let select = select(&format!("SELECT * FROM \"T-1\" WHERE pk = 'x' AND {condition}"));
    select.condition.expect("a condition").matches(&sample())
}

#[test]
fn conditions_hold_as_on_aws() {
    for (condition, expected) in [
        ("n > 4", true),
        ("n != 5", false),
        ("5 = n", true),
        ("s <> 'a'", true),
        ("n BETWEEN 1 AND 5", true),
        ("n NOT BETWEEN 1 AND 5", false),
        ("n IN [1, 5]", true),
        ("n IN (1, 2)", false),
        ("n NOT IN [1, 5]", false),
        ("NOT n IN [1, 5]", false),
        ("attribute_exists(ss)", true),
        ("ATTRIBUTE_EXISTS(nope)", false),
        ("NOT attribute_exists(nope)", true),
        ("(attribute_exists(nope) OR attribute_exists(ss))", true),
        ("attribute_exists(ss) = true", true),
        ("attribute_exists(ss) = false", false),
        ("attribute_exists(m.sub)", true),
        ("attribute_not_exists(m.nope)", true),
        ("size(s) = 3", true),
        ("attribute_type(ss, 'SS')", true),
        ("begins_with(\"s\", 'st')", true),
        ("contains(ss, 'a')", true),
        ("nope IS MISSING", true),
        ("s IS NOT MISSING", true),
        ("nul IS NULL", true),
        ("s IS NULL", false),
        ("s IS NOT NULL", true),
        ("flag IS BOOL", true),
        ("s IS STRING", true),
        ("ss IS BAG", true),
        ("ss = <<'b', 'a'>>", true),
        ("l = ['b', 'a']", false),
        ("l[1] = 'b'", true),
        ("m = {'sub': 'y'}", true),
        ("n = .5e1", true),
        ("n = 50e-1", true),
        ("n > -3", true),
        ("s = 'str' -- a note", true),
        ("s /* a note */ = 'str'", true),
        ("n < 'a'", false),
        ("n IS DOUBLE PRECISION;", true),
    ] {
        assert_eq!(holds(condition), expected, "{condition}");
    }
}

#[test]
fn what_cannot_be_read_is_told_as_aws_tells_it() {
    let leftover = format!("{MALFORMED}Unexpected token after expression");
    for text in [
        "SELECT * FROM t WHERE pk = 1 foo",
        "SELECT * FROM t WHERE pk = 1 e5",
        "INSERT INTO t VALUE {'pk': 1} foo",
        "UPDATE t SET a = 9 WHERE pk = 1 foo",
        "DELETE FROM t WHERE pk = 1 foo",
        "SELECT * FROM t WHERE pk = 1)",
        "DELETE FROM t WHERE pk = 1 ORDER BY pk",
        "SELECT * FROM t ORDER BY pk WHERE pk = 1",
        "INSERT INTO t x VALUE {'pk': 'x'}",
    ] {
        assert_eq!(said(text), leftover, "{text}");
    }
    for text in [
        "SELECT * FROM t WHERE pk = 1e2147483648",
        "SELECT * FROM t WHERE pk = 1e99999999999",
        "SELECT * FROM t WHERE pk = 1.5e-2147483647",
        "SELECT * FROM t WHERE pk = 1 # note",
        "SELECT * FROM t WHERE pk = 1 /* note",
        "SELECT * FROM t WHERE pk = 'open",
    ] {
        assert_eq!(said(text), MALFORMED, "{text}");
    }
    for text in [
        "SELECT * FROM \"t\" x WHERE pk = 'x'",
        "SELECT * FROM \"t\" AS x WHERE pk = 'x'",
        "UPDATE \"t\" x SET a = 3 WHERE pk = 'x'",
        "DELETE FROM \"t\" x WHERE pk = 'x'",
    ] {
        assert_eq!(said(text), "Aliasing is not supported", "{text}");
    }
    for (text, detail) in [
        ("SLECT * FROM t", "Expected data manipulation"),
        ("UPDATE Payment-x SET a = 1 WHERE b = 2", "Expected data manipulation"),
        ("INSERT INTO urls (key, b) VALUES (1, 2)", "Unexpected keyword"),
        (
            "SELECT * FROM t WHERE attribute_exists(m.inner)",
            "Invalid path dot component",
        ),
        ("SELECT * FROM (SELECT * FROM t LIMIT 1)", "Expected identifier"),
        ("SELECT * FROM t WHERE", "Unexpected term"),
        ("SELECT * FROM t WHERE;", "Unexpected term"),
        ("UPDATE t SET a = 1 WHERE", "Unexpected term"),
        ("SELECT * FROM t WHERE NOT", "Unexpected term"),
        ("SELECT * FROM t WHERE (", "Unexpected term"),
        ("SELECT * FROM", "Unexpected term"),
        (
            "SELECT * FROM t WHERE pk = 'a' AND",
            "Missing right-hand side expression of infix operator",
        ),
        ("SELECT * FROM t WHERE ORDER BY pk", "Unexpected keyword"),
        ("SELECT * FROM t WHERE x IS FOO", "Expected type name"),
        ("SELECT * FROM t WHERE IS NULL", "Unexpected operator"),
        ("SELECT * FROM t WHERE pk = LIKE", "Unexpected operator"),
        ("DELETE FROM", "Expected identifier for simple path"),
        ("DELETE FROM WHERE pk = 'a'", "Expected identifier for simple path"),
        ("FROM t SET c = 1 WHERE pk = 'x'", "Unexpected token after expression"),
    ] {
        assert_eq!(said(text), format!("{MALFORMED}{detail}"), "{text}");
    }
}

#[test]
fn numbers_are_told_with_their_place() {
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    for (text, place) in [
        ("SELECT * FROM t WHERE pk = 1e126", "root"),
        ("INSERT INTO t VALUE {'pk': 1e126}", "root"),
        ("INSERT INTO t VALUE {'pk': 1, 'm': {'x': 1e126}}", "root.x"),
        ("INSERT INTO t VALUE {'pk': 1, 'l': [1, 1e126]}", "root[1]"),
    ] {
        assert_eq!(said(text), format!("{overflow} under {place}"), "{text}");
    }
    assert_eq!(
        said("SELECT * FROM t WHERE pk = 123456789012345678901234567890123456789"),
        "Attempting to store more than 38 significant digits in a Number under root"
    );
}

#[test]
fn functions_are_refused_with_their_place() {
    let with = "SELECT * FROM \"T\" WHERE pk = 'x' AND ";
    let at = |text: &str, token: &str| format!("1:{}:{}", text.find(token).expect("there") + 1, token.len());
    for (condition, message) in [
        (
            "attribute_exists('ss')",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "attribute_exists()",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of \
             operands: 0",
        ),
        (
            "n < TRUE",
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
    ] {
        assert_eq!(said(&format!("{with}{condition}")), message);
    }
    let text = format!("{with}EXISTS(ss)");
    assert_eq!(
        said(&text),
        format!("Unrecognized function: exists at {}", at(&text, "EXISTS"))
    );
    let text = "SELECT attribute_exists(ss) FROM \"T\" WHERE pk = 'x'";
    assert_eq!(
        said(text),
        format!("Unexpected path component at {}", at(text, "attribute_exists"))
    );
    let text = "UPDATE \"T\" SET t = set_add(ss, <<'x'>>) WHERE pk = 'x'";
    assert_eq!(
        said(text),
        format!(
            "The first argument to SET_ADD must equal the assignment value at {}",
            at(text, "set_add")
        )
    );
    let text = "UPDATE \"T\" SET q = set_delete(q, 'x') WHERE pk = 'x'";
    assert_eq!(
        said(text),
        format!(
            "The second argument to SET_DELETE must be a value with type SET at 1:{}:1",
            text.find("(q").expect("there") + 2
        )
    );
    let text = "UPDATE \"T\" SET ss = set_add(ss) WHERE pk = 'x'";
    assert_eq!(
        said(text),
        format!("SET_ADD must have exactly two arguments at {}", at(text, "set_add"))
    );
    let text = "INSERT INTO \"T\" VALUE {'pk': 'x', 'ss': set_add(<<'a'>>, <<'b'>>)}";
    assert_eq!(
        said(text),
        format!(
            "Unsupported data type: set_add under key root at {}",
            at(text, "set_add")
        )
    );
    assert_eq!(
        said("UPDATE t SET a = set_add(a, <<>>) WHERE pk = 1"),
        "Empty bags are not supported"
    );
    assert_eq!(
        said("UPDATE t SET a = set_add(a, <<'x', 'x'>>) WHERE pk = 1"),
        "One or more parameter values were invalid: Input collection [x, x] contains duplicates."
    );
}

#[test]
fn parameters_are_counted() {
    let mismatch = "Number of parameters in request and statement don't match.";
    assert_eq!(said("SELECT * FROM t WHERE pk = ?"), mismatch);
    assert_eq!(said_with("SELECT * FROM t", &[s("x")]), mismatch);
    let statement = parse_statement("INSERT INTO t VALUE {'pk': ?, 'l': [?]}", &[s("x"), n("1")]).expect("good");
    let Statement::Insert(insert) = statement else {
        panic!("an insert")
    };
    assert_eq!(
        insert.item,
        item(&[("pk", s("x")), ("l", AttributeValue::L(vec![n("1")]))])
    );
}

#[test]
fn updates_change_the_item() {
    for (clauses, name, expected) in [
        ("SET n = n + 1", "n", Some(n("6"))),
        ("SET n = 10 - n", "n", Some(n("5"))),
        (
            "SET l = list_append(l, ['c'])",
            "l",
            Some(AttributeValue::L(vec![s("a"), s("b"), s("c")])),
        ),
        ("SET ss = set_add(ss, <<'c'>>)", "ss", Some(ss(&["a", "b", "c"]))),
        ("SET ss = SET_DELETE(ss, <<'a', 'b'>>)", "ss", None),
        ("SET m.sub = 'z'", "m", Some(map(&[("sub", s("z"))]))),
        ("SET n = 1 SET q = 2 REMOVE s", "s", None),
        ("REMOVE l[0]", "l", Some(AttributeValue::L(vec![s("b")]))),
    ] {
        for text in [
            format!("UPDATE t {clauses} WHERE pk = 'x'"),
            format!("FROM t WHERE pk = 'x' {clauses} RETURNING MODIFIED NEW *"),
        ] {
            let Ok(Statement::Update(statement)) = parse_statement(&text, &[]) else {
                panic!("{text}");
            };
            let updated = statement.update.apply(Some(&sample()), &Item::new()).expect("good");
            assert_eq!(updated.item.get(name), expected.as_ref(), "{text}");
        }
    }
}

#[test]
fn returning_is_read() {
    let returning = |clause: &str| match parse_statement(&format!("UPDATE t SET a = 1 WHERE pk = 1 {clause}"), &[]) {
        Ok(Statement::Update(update)) => update.returning,
        other => panic!("{other:?}"),
    };
    assert_eq!(returning(""), None);
    assert_eq!(returning("RETURNING ALL NEW *"), Some(Returning::AllNew));
    assert_eq!(returning("returning modified old *"), Some(Returning::ModifiedOld));
    assert_eq!(
        said("DELETE FROM t WHERE pk = 1 RETURNING MODIFIED OLD *"),
        "Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed in DELETE statements."
    );
}

#[test]
fn keys_are_found_in_conditions() {
    let condition = select("SELECT * FROM t WHERE pk = 'x' AND sk = 1 AND (a = 2 AND b = 3)").condition;
    let found = key_of(condition.as_ref(), &["pk", "sk"]).expect("a key");
    assert_eq!(found.key, item(&[("pk", s("x")), ("sk", n("1"))]));
    assert!(
        found
            .condition
            .is_some_and(|rest| rest.matches(&item(&[("a", n("2")), ("b", n("3"))])))
    );
    for text in [
        "SELECT * FROM t WHERE pk = 'x'",
        "SELECT * FROM t",
        "SELECT * FROM t WHERE pk = 'x' OR sk = 1",
    ] {
        assert_eq!(
            key_of(select(text).condition.as_ref(), &["pk", "sk"]).map_err(|error| error.0),
            Err("Where clause does not contain a mandatory equality on all key attributes".to_owned())
        );
    }
}

#[test]
fn writes_ask_for_items_that_are_there_or_not() {
    let nothing = Item::new();
    let there = item(&[("pk", s("x")), ("a", n("1"))]);
    let condition = |clauses: &str| {
        let select = select(&format!("SELECT * FROM t WHERE pk = 'x' {clauses}"));
        key_of(select.condition.as_ref(), &["pk"]).expect("a key")
    };
    assert!(absent("pk").matches(&nothing) && !absent("pk").matches(&there));
    for (clauses, updates, deletes) in [("", true, true), ("AND a = 1", true, true), ("AND a = 2", false, false)] {
        let found = condition(clauses);
        assert!(!found.to_update().matches(&nothing), "{clauses}");
        assert_eq!(found.to_update().matches(&there), updates, "{clauses}");
        assert!(found.to_delete().is_none_or(|delete| delete.matches(&nothing)));
        assert_eq!(found.to_delete().is_none_or(|delete| delete.matches(&there)), deletes);
    }
}

fn plan(clauses: &str) -> Result<ReadPlan, String> {
    let element = |name: &str, kind| KeyElement {
        name: name.to_owned(),
        kind,
    };
    select(&format!("SELECT * FROM t {clauses}"))
        .plan(&[element("pk", Kind::S)], &[element("sk", Kind::N)])
        .map_err(|error| error.0)
}

/// The partitions and how many conditions on sort keys each has; nothing for a scan.
fn ranges(clauses: &str) -> Option<Vec<(AttributeValue, usize)>> {
    match plan(clauses).expect("a good plan") {
        ReadPlan::Scan => None,
        ReadPlan::Query { ranges, .. } => Some(
            ranges
                .into_iter()
                .map(|range| (range.partition.first().cloned().expect("a partition"), range.sort.len()))
                .collect(),
        ),
    }
}

#[test]
fn reads_are_planned() {
    assert_eq!(ranges(""), None);
    assert_eq!(ranges("WHERE a = 1"), None);
    assert_eq!(ranges("WHERE pk = 'x' OR a = 1"), None);
    assert_eq!(ranges("WHERE NOT pk = 'x'"), None);
    assert_eq!(ranges("WHERE pk = 'x' AND a = 1"), Some(vec![(s("x"), 0)]));
    assert_eq!(ranges("WHERE pk = 'x' AND sk > 1 AND sk < 5"), Some(vec![(s("x"), 1)]));
    assert_eq!(
        ranges("WHERE pk IN ['x', 'y', 'x']"),
        Some(vec![(s("x"), 0), (s("y"), 0)])
    );
    assert_eq!(
        ranges("WHERE (pk = 'x' OR pk = 'y') AND sk = 1"),
        Some(vec![(s("x"), 1), (s("y"), 1)])
    );
    for clauses in [
        "WHERE pk = 'x' AND a = '1' OR pk = 'x' AND sk = 2",
        "WHERE pk = 'x' AND sk > 1 OR pk = 'x' AND sk < 5",
        "WHERE pk = 'x' AND sk BETWEEN 1 AND 3 OR pk = 'x' AND sk = 2",
    ] {
        assert_eq!(
            plan(clauses),
            Err("Overlapping conditions with range keys are not supported in where clause".to_owned()),
            "{clauses}"
        );
    }
    for clauses in [
        "WHERE pk = 'x' AND NOT sk = 1 OR pk = 'x' AND sk = 2",
        "WHERE pk = 'x' AND sk <> 1 OR pk = 'x' AND sk = 2",
        "WHERE pk = 'x' AND NOT sk IN [1, 3] OR pk = 'x' AND sk = 2",
        "WHERE pk = 'x' AND sk < 2 OR pk = 'x' AND sk > 4",
        "WHERE pk = 'x' OR pk = 'x' AND NOT sk = 1",
    ] {
        assert_eq!(ranges(clauses), Some(vec![(s("x"), 0)]), "{clauses}");
    }
    // Two ways into one partition read it once, as a whole.
    assert_eq!(
        ranges("WHERE pk = 'x' AND sk = 1 OR pk = 'x' AND sk = 2"),
        Some(vec![(s("x"), 0)])
    );
    assert_eq!(
        ranges("WHERE pk IN ['x', 'y'] ORDER BY pk DESC"),
        Some(vec![(s("y"), 0), (s("x"), 0)])
    );
    let Ok(ReadPlan::Query { ranges, descending }) = plan("WHERE pk = 'x' AND 5 >= sk ORDER BY sk DESC") else {
        panic!("a query");
    };
    assert!(descending);
    assert_eq!(
        ranges.first().map(|range| range.sort.clone()),
        Some(vec![SortCondition::LessOrEqual(n("5"))])
    );
    assert_eq!(
        plan("ORDER BY sk"),
        Err("Must have WHERE clause in the statement when using ORDER BY clause.".to_owned())
    );
    assert_eq!(
        plan("WHERE a = 1 ORDER BY sk"),
        Err(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
                .to_owned()
        )
    );
    assert_eq!(
        plan("WHERE pk = 'x' ORDER BY a"),
        Err("Variable reference a in ORDER BY clause must be part of the primary key".to_owned())
    );
    assert!(plan("WHERE pk = 1").is_err_and(|error| error.contains("does not match schema type")));
}

#[test]
fn selected_paths_are_named_by_their_last_step() {
    let selected = select("SELECT pk, m.sub, l[1] FROM t.\"an index\"");
    assert_eq!(selected.index.as_deref(), Some("an index"));
    let selected = selected.selected.expect("paths");
    assert_eq!(selected.attributes().collect::<Vec<_>>(), ["pk", "m", "l"]);
    assert_eq!(
        selected.apply(&sample()),
        item(&[("pk", s("x")), ("sub", s("y")), ("l[1]", s("b"))])
    );
}

#[test]
fn exists_stands_alone() {
    let statement = parse_statement("EXISTS(SELECT * FROM t WHERE pk = 'x' AND a = 1)", &[]).expect("good");
    assert!(matches!(statement, Statement::Exists(_)) && !statement.is_read());
    assert_eq!(statement.table(), "t");
}

#[test]
fn deep_nesting_ends() {
    for (open, close) in [("(", ")"), ("size(", ")"), ("[", "]"), ("{'a':", "}"), ("<<", ">>")] {
        let text = format!("SELECT * FROM t WHERE a = {}1{}", open.repeat(3000), close.repeat(3000));
        assert!(!said(&text).is_empty());
    }
    let text = format!("SELECT * FROM t WHERE {}a = 1", "NOT ".repeat(3001));
    assert_eq!(said(&text), "");
}

proptest! {
    #[test]
    fn parsing_statements_never_panics(text in "(SELECT|UPDATE t SET|INSERT INTO t VALUE|FROM t WHERE)( |[a-z?'\"*<>=(){}\\[\\],.:0-9-]|IS|NOT|IN|AND|OR|FROM){0,60}") {
        let parsed = parse_statement(&text, &[s("x"), n("1")]);
        if let Ok(Statement::Select(select)) = parsed {
            let _ = select.condition.map(|condition| condition.matches(&sample()));
        }
    }

    #[test]
    fn texts_come_back(text in "\\PC{0,40}") {
        let quoted = text.replace('\'', "''");
        let parsed = parse_statement(&format!("INSERT INTO t VALUE {{'pk': '{quoted}'}}"), &[]);
        let expected = item(&[("pk", s(&text))]);
        prop_assert!(matches!(parsed, Ok(Statement::Insert(insert)) if insert.item == expected));
    }

    /// A plan reads every item that the condition would keep.
    #[test]
    fn plans_miss_nothing(
        pk in 0u8..3, sk in 0i64..4, a in 0i64..2,
        clauses in prop::collection::vec((0usize..9, 0u8..3, 0i64..4), 1..4), or in any::<bool>(),
    ) {
        let shown: Vec<String> = clauses.iter().map(|(form, p, k)| match form {
            0 => format!("pk = '{p}'"),
            1 => format!("pk IN ['{p}', '{}']", p + 1),
            2 => format!("sk > {k}"),
            3 => format!("{k} >= sk"),
            4 => format!("(pk = '{p}' AND sk = {k})"),
            5 => format!("(pk = '{p}' OR pk = '0')"),
            6 => format!("sk BETWEEN {k} AND {}", k + 1),
            7 => format!("a = {}", k % 2),
            _ => format!("NOT (pk = '{p}' AND sk < {k})"),
        }).collect();
        let text = format!("WHERE {}", shown.join(if or { " OR " } else { " AND " }));
        let found = item(&[("pk", s(&pk.to_string())), ("sk", AttributeValue::N(sk.into())), ("a", AttributeValue::N(a.into()))]);
        let condition = select(&format!("SELECT * FROM t {text}")).condition.expect("a condition");
        if let Ok(ReadPlan::Query { ranges, .. }) = plan(&text) && condition.matches(&found) {
            let within = ranges.iter().filter(|range| {
                range.partition.first() == found.get("pk")
                    && range.sort.iter().all(|sort| found.get("sk").is_some_and(|value| sort.matches(value)))
            }).count();
            prop_assert_eq!(within, 1, "{}", text);
        }
    }
}
