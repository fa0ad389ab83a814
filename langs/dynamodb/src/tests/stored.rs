use super::number;
use crate::attribute::item_size_bytes;
use crate::stored::{
    Scalar, Visit, decode_item, decode_size, encode_item, encode_key_beginning, encode_key_part, visit_item,
};
use crate::{AttributeValue, Item, Kind, Number};
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

/// Makes a value again of what it is shown.
#[derive(Default)]
struct Seen {
    open: Vec<(AttributeValue, String)>,
    name: String,
    item: Item,
}

impl Seen {
    fn put(&mut self, value: AttributeValue) {
        let name = std::mem::take(&mut self.name);
        match self.open.last_mut() {
            Some((AttributeValue::L(list), _)) => list.push(value),
            Some((AttributeValue::M(map), _)) => drop(map.insert(name, value)),
            _ => drop(self.item.insert(name, value)),
        }
    }
}

impl Visit for Seen {
    fn scalar(&mut self, value: Scalar<'_>) {
        self.put(match value {
            Scalar::S(text) => AttributeValue::S(text.to_owned()),
            Scalar::N(text) => AttributeValue::N(number(text)),
            Scalar::B(bytes) => AttributeValue::B(bytes.to_vec()),
            Scalar::Bool(flag) => AttributeValue::Bool(flag),
            Scalar::Null => AttributeValue::Null,
        });
    }
    fn open(&mut self, kind: Kind) {
        let empty = match kind {
            Kind::Ss => AttributeValue::Ss(Vec::new()),
            Kind::Ns => AttributeValue::Ns(Vec::new()),
            Kind::Bs => AttributeValue::Bs(Vec::new()),
            Kind::M => AttributeValue::M(Item::new()),
            _ => AttributeValue::L(Vec::new()),
        };
        self.open.push((empty, std::mem::take(&mut self.name)));
    }
    fn member(&mut self, value: Scalar<'_>) {
        match (self.open.last_mut(), value) {
            (Some((AttributeValue::Ss(set), _)), Scalar::S(text)) => set.push(text.to_owned()),
            (Some((AttributeValue::Ns(set), _)), Scalar::N(text)) => set.push(number(text)),
            (Some((AttributeValue::Bs(set), _)), Scalar::B(bytes)) => set.push(bytes.to_vec()),
            (open, value) => panic!("{value:?} in {open:?}"),
        }
    }
    fn name(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }
    fn plain(&mut self, name: &str, string: &[u8]) {
        assert!(
            string
                .iter()
                .all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(byte))
        );
        self.named(name, Scalar::S(&String::from_utf8_lossy(string)));
    }
    fn close(&mut self, kind: Kind) {
        let (value, name) = self.open.pop().expect("something is open");
        assert_eq!(value.kind(), kind);
        self.name = name;
        self.put(value);
    }
}

proptest! {
    #[test]
    fn all_of_an_item_is_shown(item in proptest::collection::btree_map(".{0,6}", values(), 0..6)) {
        let item: Item = item;
        let mut bytes = Vec::new();
        encode_item(&item, item_size_bytes(&item), &mut bytes);
        let mut seen = Seen::default();
        prop_assert_eq!(visit_item(&bytes, &mut seen), Some(()));
        prop_assert_eq!(seen.item, item);
        for end in 0..bytes.len() {
            prop_assert_eq!(visit_item(&bytes[..end], &mut Seen::default()), None);
        }
    }

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
    let item: Item = [
        ("pk", AttributeValue::S("user#1".to_owned())),
        ("n", AttributeValue::N(number("42"))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let mut bytes = Vec::new();
    encode_item(&item, item_size_bytes(&item), &mut bytes);
    assert_eq!(bytes.len(), 2 + 3 + 8 + 2 + 3);
}
