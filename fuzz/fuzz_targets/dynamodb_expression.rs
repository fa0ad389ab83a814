//! DynamoDB's expressions, parsed and evaluated: whatever is claimed must end, and what is good must not break an item.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use virga_lang_dynamodb::{
    AttributeValue, ExpressionKind, Item, KeyElement, Kind, Number, Placeholders, parse_condition, parse_projection,
    parse_update,
};

fn item() -> Item {
    let list = vec![AttributeValue::N(Number::from(1i64)), AttributeValue::S("x".to_owned())];
    Item::from([
        ("a".to_owned(), AttributeValue::N(Number::from(5i64))),
        ("b".to_owned(), AttributeValue::L(list.clone())),
        (
            "c".to_owned(),
            AttributeValue::M(Item::from([("b".to_owned(), AttributeValue::L(list))])),
        ),
        ("d".to_owned(), AttributeValue::Ss(vec!["x".to_owned()])),
    ])
}

fuzz_target!(|input: (u8, &str)| {
    let (kind, text) = input;
    let names = BTreeMap::from([("#n".to_owned(), "a".to_owned())]);
    let values = Item::from([
        (":n".to_owned(), AttributeValue::N(Number::from(1i64))),
        (":s".to_owned(), AttributeValue::S("x".to_owned())),
        (":l".to_owned(), AttributeValue::L(vec![AttributeValue::Null])),
        (":d".to_owned(), AttributeValue::Ss(vec!["x".to_owned()])),
    ]);
    let mut placeholders = Placeholders::new(Some(&names), Some(&values)).expect("good placeholders");
    let _ = text.parse::<Number>();
    match kind % 5 {
        0 => {
            let _ = parse_projection(text, &mut placeholders).map(|projection| projection.apply(&item()));
        }
        1 => {
            if let Ok(update) = parse_update(text, &mut placeholders) {
                let _ = update.apply(None, &Item::new());
                let _ = update.apply(Some(&item()), &Item::new());
            }
        }
        2 => {
            let partition = [KeyElement {
                name: "a".to_owned(),
                kind: Kind::N,
            }];
            let _ = parse_condition(ExpressionKind::KeyCondition, text, &mut placeholders)
                .map(|condition| condition.key_condition(&partition, &[]));
        }
        _ => {
            let _ = parse_condition(ExpressionKind::Filter, text, &mut placeholders)
                .map(|condition| condition.matches(&item()));
        }
    }
    let _ = placeholders.finish();
});
