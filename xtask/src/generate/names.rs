//! AWS's names in Rust's spelling.

use std::collections::HashSet;

/// Words that no identifier may be.
const RESERVED: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Types that generated code, or code beside it, calls by these names.
const TAKEN_TYPES: &[&str] = &[
    "Box",
    "BTreeMap",
    "Bytes",
    "Clone",
    "Debug",
    "Default",
    "Document",
    "Err",
    "Error",
    "Fn",
    "FromValue",
    "IntoValue",
    "Mismatch",
    "None",
    "Ok",
    "Operation",
    "Option",
    "PartialEq",
    "Result",
    "Self",
    "Send",
    "ShapeRef",
    "Some",
    "String",
    "StructValue",
    "Sync",
    "Timestamp",
    "Typed",
    "Unit",
    "Value",
    "Vec",
];

/// Splits a name where its case, or a character that no identifier has, divides it: `MD5OfBody` is md5, of, body, and
/// `KMSKeyIDs` is kms, key, ids.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (i, &letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        let before = i.checked_sub(1).map(|i| letters[i]);
        let (next, next_but_one) = (letters.get(i + 1), letters.get(i + 2));
        let starts = letter.is_ascii_uppercase()
            && match before {
                Some(before) if before.is_ascii_lowercase() => true,
                // The last capital of a run begins the next word, unless only the plural's `s` follows.
                Some(before) if before.is_ascii_uppercase() || before.is_ascii_digit() => {
                    let plural = next == Some(&'s') && next_but_one.is_none_or(|c| !c.is_ascii_lowercase());
                    next.is_some_and(char::is_ascii_lowercase) && !plural
                }
                _ => false,
            };
        if starts && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter.to_ascii_lowercase());
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A field or module: `queue_url`, `type_`.
pub fn snake(name: &str) -> String {
    let mut snake = words(name).join("_");
    if snake.is_empty() || snake.starts_with(|c: char| c.is_ascii_digit()) {
        snake.insert(0, '_');
    }
    if RESERVED.contains(&snake.as_str()) {
        snake.push('_');
    }
    snake
}

/// A constant: `SEND_MESSAGE`, `AWS_KMS`.
pub fn screaming(name: &str) -> String {
    let screaming = words(name).join("_").to_ascii_uppercase();
    match screaming.chars().next() {
        None => "EMPTY".into(),
        Some(first) if first.is_ascii_digit() => format!("_{screaming}"),
        Some(_) => screaming,
    }
}

/// A variant or type in the model's own spelling but for its first letter.
pub fn camel(name: &str) -> String {
    let mut camel = String::new();
    let mut up = true;
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() {
            up = true;
        } else if up {
            camel.push(letter.to_ascii_uppercase());
            up = false;
        } else {
            camel.push(letter);
        }
    }
    if camel.starts_with(|c: char| c.is_ascii_digit()) {
        camel.insert(0, 'N');
    }
    camel
}

/// A structure's type; those that would hide a well-known type get `Shape` behind them.
pub fn type_name(name: &str) -> String {
    let mut camel = camel(name);
    if TAKEN_TYPES.contains(&camel.as_str()) {
        camel.push_str("Shape");
    }
    camel
}

/// Gives out each name once, numbering those that come again.
#[derive(Default)]
pub struct Unique {
    given: HashSet<String>,
}

impl Unique {
    pub fn name(&mut self, wanted: String) -> String {
        let mut name = wanted.clone();
        let mut number = 2;
        while !self.given.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::{Unique, camel, screaming, snake, type_name};

    #[test]
    fn names_divide_where_a_reader_would() {
        for (name, expected) in [
            ("QueueUrl", "queue_url"),
            ("MD5OfBody", "md5_of_body"),
            ("AWSAccountIds", "aws_account_ids"),
            ("KMSKeyIDs", "kms_key_ids"),
            ("IDsOfAll", "ids_of_all"),
            ("S3Bucket", "s3_bucket"),
            ("ETag", "e_tag"),
            ("type", "type_"),
            ("x-amz-meta", "x_amz_meta"),
            ("3des", "_3des"),
        ] {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(
            screaming("ApproximateNumberOfMessages"),
            "APPROXIMATE_NUMBER_OF_MESSAGES"
        );
        assert_eq!(screaming("aws:kms"), "AWS_KMS");
        assert_eq!(screaming("t2.micro"), "T2_MICRO");
        assert_eq!(screaming(""), "EMPTY");
        assert_eq!(camel("__listOf_x"), "ListOfX");
        assert_eq!(type_name("Error"), "ErrorShape");
    }

    #[test]
    fn a_name_is_given_once() {
        let mut names = Unique::default();
        assert_eq!([names.name("A".into()), names.name("A".into())], ["A", "A_2"]);
    }
}
