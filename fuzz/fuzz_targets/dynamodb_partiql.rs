//! DynamoDB's PartiQL: every statement is read or refused, and what is good can be planned and asked of an item.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virga_lang_dynamodb::partiql::{Statement, key_of, parse_statement};
use virga_lang_dynamodb::{AttributeValue, Item, KeyElement, Kind, Number};

fuzz_target!(|text: &str| {
    let parameters: Vec<AttributeValue> = text
        .bytes()
        .filter(|byte| *byte == b'?')
        .map(|_| AttributeValue::S("x".to_owned()))
        .collect();
    let item = Item::from([
        ("pk".to_owned(), AttributeValue::S("x".to_owned())),
        ("sk".to_owned(), AttributeValue::N(Number::from(1i64))),
        ("l".to_owned(), AttributeValue::L(vec![AttributeValue::Null])),
    ]);
    let element = |name: &str, kind| KeyElement {
        name: name.to_owned(),
        kind,
    };
    match parse_statement(text, &parameters) {
        Ok(Statement::Select(select) | Statement::Exists(select)) => {
            let _ = select.plan(&[element("pk", Kind::S)], &[element("sk", Kind::N)]);
            let _ = select.condition.as_ref().map(|condition| condition.matches(&item));
            let _ = select.selected.map(|selected| selected.apply(&item));
        }
        Ok(Statement::Update(update)) => {
            let _ = key_of(update.condition.as_ref(), &["pk", "sk"]);
            let _ = update.update.apply(Some(&item), &Item::new());
        }
        Ok(Statement::Delete(delete)) => {
            let _ = key_of(delete.condition.as_ref(), &["pk", "sk"]);
        }
        Ok(Statement::Insert(_)) | Err(_) => {}
    }
});
