use super::n;
use crate::attribute::item_size_bytes;
use crate::stored::{decode_item, decode_size, encode_item, encode_key_beginning, encode_key_part};
use crate::{AttributeValue, Item, Number};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

fn numbers() -> impl Strategy<Value = Number> {
    let any_number =
        (any::<bool>(), 0u128..10u128.pow(38), -130i32..=88).prop_map(|(negative, coefficient, exponent)| {
            let sign = if negative { "-" } else { "" };
            format!("{sign}{coefficient}e{exponent}")
                .parse()
                .unwrap_or(Number::ZERO)
        });
    prop_oneof![any_number, (-1000i64..1000).prop_map(Number::from)]
}

fn values() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        ".{0,12}".prop_map(AttributeValue::S),
        numbers().prop_map(AttributeValue::N),
        proptest::collection::vec(any::<u8>(), 0..12).prop_map(AttributeValue::B),
        proptest::collection::vec(".{0,4}", 1..4).prop_map(AttributeValue::Ss),
        proptest::collection::vec(numbers(), 1..4).prop_map(AttributeValue::Ns),
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4), 1..4).prop_map(AttributeValue::Bs),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
            proptest::collection::btree_map(".{0,4}", inner, 0..4).prop_map(AttributeValue::M),
        ]
    })
}

fn keys() -> impl Strategy<Value = (AttributeValue, AttributeValue)> {
    let bytes = || proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255), any::<u8>()], 0..6);
    prop_oneof![
        (numbers(), numbers()).prop_map(|(a, b)| (AttributeValue::N(a), AttributeValue::N(b))),
        (bytes(), bytes()).prop_map(|(a, b)| (AttributeValue::B(a), AttributeValue::B(b))),
        ("[\0\u{1}a-c]{0,5}", "[\0\u{1}a-c]{0,5}").prop_map(|(a, b)| (AttributeValue::S(a), AttributeValue::S(b))),
    ]
}

fn part(value: &AttributeValue) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key_part(value, &mut bytes);
    bytes
}

proptest! {
    #[test]
    fn items_come_back(item in proptest::collection::btree_map(".{0,6}", values(), 0..6)) {
        let item: Item = item;
        let size = item_size_bytes(&item);
        let mut bytes = Vec::new();
        encode_item(&item, size, &mut bytes);
        prop_assert_eq!(decode_size(&bytes), Some(size));
        prop_assert_eq!(decode_item(&bytes), Some((size, item)));
    }

    #[test]
    fn damage_is_found_or_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        // Whatever the bytes say, nothing panics; what is read can be written.
        if let Some((size, item)) = decode_item(&bytes) {
            let mut again = Vec::new();
            encode_item(&item, size, &mut again);
            prop_assert!(decode_item(&again).is_some());
        }
    }

    #[test]
    fn keys_sort_as_their_values((a, b) in keys()) {
        prop_assert_eq!(part(&a).cmp(&part(&b)), a.order(&b).expect("of one kind"));
        prop_assert!(a == b || !part(&b).starts_with(&part(&a)));
    }

    #[test]
    fn beginnings_are_beginnings((a, b) in keys()) {
        let starts = match (&a, &b) {
            (AttributeValue::S(a), AttributeValue::S(b)) => b.starts_with(a.as_str()),
            (AttributeValue::B(a), AttributeValue::B(b)) => b.starts_with(a),
            _ => return Ok(()),
        };
        let mut beginning = Vec::new();
        encode_key_beginning(&a, &mut beginning);
        // Binary that ends in a zero byte: `00 ff` begins nothing but itself.
        prop_assert_eq!(part(&b).starts_with(&beginning), starts);
    }
}

#[test]
fn a_small_item_is_small() {
    let item: Item = [("pk", AttributeValue::S("user#1".to_owned())), ("n", n("42"))]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    let mut bytes = Vec::new();
    encode_item(&item, item_size_bytes(&item), &mut bytes);
    assert_eq!(bytes.len(), 2 + 3 + 8 + 2 + 3);
}
