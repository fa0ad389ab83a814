use super::number;
use crate::Number;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

#[test]
fn is_written_as_aws_returns_it() {
    let long = format!("1{}", "0".repeat(125));
    let cases = [
        ("1", "1"),
        ("-5", "-5"),
        ("1000", "1000"),
        ("007", "7"),
        ("001.23", "1.23"),
        ("00", "0"),
        ("+1.5", "1.5"),
        ("1.10", "1.1"),
        ("100.000", "100"),
        ("0.10", "0.1"),
        ("1E+3", "1000"),
        ("-3e2", "-300"),
        ("1.23e4", "12300"),
        ("123e-2", "1.23"),
        ("1.23e-1", "0.123"),
        ("1.0e-1", "0.1"),
        ("-0.0", "0"),
        ("0e5", "0"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("1e125", long.as_str()),
        ("1e-20", "0.00000000000000000001"),
        ("-273.15", "-273.15"),
    ];
    for (given, expected) in cases {
        assert_eq!(number(given).to_string(), expected, "{given}");
    }
}

#[test]
fn refuses_as_aws_does() {
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    let underflow = "Number underflow. Attempting to store a number with magnitude smaller than supported range";
    let precise = "Attempting to store more than 38 significant digits in a Number";
    let cases = [
        ("1e126", overflow),
        ("-11e125", overflow),
        ("1.0e100000000", overflow),
        ("1e99999999999999999999999", overflow),
        ("1e-131", underflow),
        ("0.9e-130", underflow),
        ("3.14159265358979323846264338327950288419", precise),
        ("314159265358979323846264338327950288419e30", precise),
    ];
    for (given, expected) in cases {
        assert_eq!(given.parse::<Number>().expect_err(given).message(), expected, "{given}");
    }
    for given in [
        "NaN",
        "Infinity",
        "-Infinity",
        "dog",
        "-",
        "+",
        ".",
        "e5",
        "1e",
        "1e+",
        " 1",
        "1 ",
        "1.2.3",
        "--1",
        "٣",
    ] {
        assert_eq!(
            given.parse::<Number>().expect_err(given).message(),
            format!("The parameter cannot be converted to a numeric value: {given}")
        );
    }
}

#[test]
fn adds_exactly_or_not_at_all() {
    let sum = |a: &str, b: &str| number(a).add(&number(b)).map(|sum| sum.to_string());
    let difference = |a: &str, b: &str| number(a).subtract(&number(b)).map(|sum| sum.to_string());
    assert_eq!(
        sum("1", "10000000000000000000000").as_deref(),
        Ok("10000000000000000000001")
    );
    assert_eq!(
        difference("10000000000000000000000", "1").as_deref(),
        Ok("9999999999999999999999")
    );
    assert_eq!(sum("0.1", "0.2").as_deref(), Ok("0.3"));
    assert_eq!(difference("5", "5").as_deref(), Ok("0"));
    assert_eq!(difference("2", "5.5").as_deref(), Ok("-3.5"));
    assert_eq!(difference("1e38", "1").as_deref(), Ok("9".repeat(38).as_str()));
    assert_eq!(sum("9e125", "9e124"), Ok(format!("99{}", "0".repeat(124))));
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    for (a, b) in [
        ("9e125", "9e125"),
        ("1e50", "1"),
        ("1e50", "-1"),
        ("1e125", "1e-130"),
        ("1e38", "1.5"),
    ] {
        assert_eq!(sum(a, b).expect_err(a).message(), overflow, "{a} {b}");
    }
    assert!(
        difference("1.1e-130", "1e-130")
            .expect_err("small")
            .message()
            .starts_with("Number underflow.")
    );
}

#[test]
fn counts_one_byte_for_two_digits_and_one() {
    let sizes = [
        ("0", 1),
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("1e100", 2),
        ("-12", 2),
        ("0.0012", 2),
    ];
    for (given, expected) in sizes {
        assert_eq!(number(given).size_bytes(), expected, "{given}");
    }
    assert_eq!(number(&"9".repeat(38)).size_bytes(), 20);
}

fn numbers() -> impl Strategy<Value = Number> {
    let coefficient = prop_oneof![
        Just(0u128),
        1..1000u128,
        any::<u128>().prop_map(|whole| whole % 10u128.pow(38))
    ];
    (any::<bool>(), coefficient, -130..88i32)
        .prop_map(|(negative, coefficient, exponent)| {
            format!("{}{coefficient}e{exponent}", if negative { "-" } else { "" })
        })
        .prop_filter_map("in range", |text| text.parse().ok())
}

proptest! {
    #[test]
    fn text_and_key_bytes_read_back(number in numbers()) {
        prop_assert_eq!(number.to_string().parse::<Number>(), Ok(number));
        prop_assert_eq!(Number::from_key_bytes(&number.to_key_bytes()), Some(number));
    }

    #[test]
    fn key_bytes_keep_the_order(a in numbers(), b in numbers()) {
        prop_assert_eq!(a.to_key_bytes().cmp(&b.to_key_bytes()), a.cmp(&b));
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
    }

    #[test]
    fn order_agrees_with_subtraction(a in numbers(), b in numbers()) {
        if let Ok(difference) = a.subtract(&b) {
            prop_assert_eq!(difference.cmp(&Number::ZERO), a.cmp(&b));
            if let Ok(sum) = difference.add(&b) {
                prop_assert_eq!(sum, a);
            }
        }
    }

    #[test]
    fn small_sums_are_those_of_whole_numbers(a in -1_000_000_000i64..1_000_000_000, b in -1_000_000_000i64..1_000_000_000) {
        prop_assert_eq!(Number::from(a).add(&Number::from(b)), Ok(Number::from(a + b)));
        prop_assert_eq!(Number::from(a).cmp(&Number::from(b)), a.cmp(&b));
        prop_assert_eq!(Number::from(a).to_i64(), Some(a));
    }

    #[test]
    fn reading_never_panics(text in "[-+0-9.eE ]{0,50}") {
        if let Ok(number) = text.parse::<Number>() {
            prop_assert!(number.digits() <= 38);
        }
    }

    #[test]
    fn foreign_key_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = Number::from_key_bytes(&bytes);
    }
}
