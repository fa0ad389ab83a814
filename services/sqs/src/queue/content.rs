//! What a message may hold: characters, attributes, sizes, and the MD5s that clients check.

use crate::state::{Attribute, AttributeValue};
use crate::wire::{MessageAttributeValue, MessageSystemAttributeValue};
use crate::{errors, limits};
use std::collections::BTreeMap;
use virga_base::AwsError;

const NAME_MAX_LENGTH: usize = 256;
pub const TRACE_HEADER: &str = "AWSTraceHeader";

/// Refuses characters that XML cannot hold.
pub fn check_body(body: &str) -> Result<(), AwsError> {
    match first_invalid(body) {
        None => Ok(()),
        Some(found) => Err(AwsError::new(
            "InvalidMessageContents",
            format!("{} in the message body, {ALLOWED}", describe(found)),
        )),
    }
}

const ALLOWED: &str =
    "the set of allowed characters is #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF].";

fn describe(found: char) -> String {
    format!("Invalid binary character '#x{:X}' was found", u32::from(found))
}

fn first_invalid(text: &str) -> Option<char> {
    // Control characters are single bytes, and of the rest only U+FFFE and U+FFFF (EF BF BE, EF BF BF) are out.
    let bytes = text.as_bytes();
    // Piece by piece without a way out, so that the compiler looks at many bytes at once.
    let suspicious = bytes.chunks(64).any(|piece| {
        piece.iter().fold(false, |found, b| {
            found | ((*b < 0x20) & (*b != b'\t') & (*b != b'\n') & (*b != b'\r')) | (*b == 0xef)
        })
    });
    if !suspicious {
        return None;
    }
    text.chars()
        .find(|c| (*c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// Checks a group's or a deduplication's id: printable ASCII, 1 to 128.
pub fn check_id(value: &str, parameter: &str) -> Result<(), AwsError> {
    if (1..=128).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(errors::invalid_parameter(
        value,
        parameter,
        format!("{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."),
    ))
}

/// Reads message attributes, in order of name.
pub fn attributes(
    given: Option<BTreeMap<String, MessageAttributeValue>>,
) -> Result<Vec<(String, Attribute)>, AwsError> {
    let given = given.unwrap_or_default();
    if given.len() > limits::MESSAGE_ATTRIBUTES_MAX {
        return Err(errors::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{}].",
            given.len(),
            limits::MESSAGE_ATTRIBUTES_MAX
        )));
    }
    given
        .into_iter()
        .map(|(name, value)| {
            check_name(&name)?;
            let attribute = attribute(&name, value, "user")?;
            Ok((name, attribute))
        })
        .collect()
}

/// Reads the one system attribute that may be sent.
pub fn trace_header(given: Option<BTreeMap<String, MessageSystemAttributeValue>>) -> Result<Option<String>, AwsError> {
    let mut header = None;
    for (name, value) in given.unwrap_or_default() {
        if name != TRACE_HEADER {
            return Err(errors::invalid(format!(
                "Message system attribute name '{name}' is invalid."
            )));
        }
        let value = MessageAttributeValue {
            string_value: value.string_value,
            binary_value: value.binary_value,
            string_list_values: value.string_list_values,
            binary_list_values: value.binary_list_values,
            data_type: value.data_type,
        };
        match attribute(&name, value, "system")?.value {
            AttributeValue::Text(text) => header = Some(text),
            AttributeValue::Binary(_) => {
                return Err(errors::invalid(format!(
                    "The message system attribute '{name}' has an invalid message system attribute type, the only \
                     supported type is String."
                )));
            }
        }
    }
    Ok(header)
}

fn check_name(name: &str) -> Result<(), AwsError> {
    if name.is_empty() {
        return Err(errors::invalid(
            "The request must contain non-empty message attribute names.",
        ));
    }
    if name.len() > NAME_MAX_LENGTH {
        return Err(errors::invalid(format!(
            "Length of message attribute name must be less than {NAME_MAX_LENGTH} bytes."
        )));
    }
    if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    {
        return Err(errors::invalid(format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), \
             hyphen (-), and period (.) characters."
        )));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(errors::invalid(
            "Invalid attribute name: it must not start or end with a period (.) or contain periods in succession (..).",
        ));
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(errors::invalid(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for \
             internal use.",
        ));
    }
    Ok(())
}

fn attribute(name: &str, value: MessageAttributeValue, owner: &str) -> Result<Attribute, AwsError> {
    let data_type = value.data_type.filter(|text| !text.is_empty()).ok_or_else(|| {
        errors::invalid(format!(
            "The message attribute '{name}' must contain non-empty message attribute type."
        ))
    })?;
    // Older SDKs send the unused lists along, empty.
    if value.string_list_values.is_some_and(|list| !list.is_empty())
        || value.binary_list_values.is_some_and(|list| !list.is_empty())
    {
        return Err(errors::invalid(
            "Message attribute list values in SendMessage operation are not supported.",
        ));
    }
    let kind = data_type.split('.').next().unwrap_or_default();
    let empty = || {
        errors::invalid(format!(
            "Message ({owner}) attribute '{name}' must contain a non-empty value of type '{kind}'."
        ))
    };
    let value = match kind {
        "String" | "Number" => {
            let text = value.string_value.filter(|text| !text.is_empty()).ok_or_else(empty)?;
            if let Some(found) = first_invalid(&text) {
                return Err(errors::invalid(format!(
                    "{} in the value of message ({owner}) attribute '{name}', {ALLOWED}",
                    describe(found)
                )));
            }
            if kind == "Number" && !is_number(&text) {
                return Err(errors::invalid(format!(
                    "Can't cast the value of message ({owner}) attribute '{name}' to a number."
                )));
            }
            AttributeValue::Text(text)
        }
        "Binary" => {
            let bytes = value.binary_value.filter(|bytes| !bytes.is_empty()).ok_or_else(empty)?;
            AttributeValue::Binary(bytes.to_vec())
        }
        _ => {
            return Err(errors::invalid(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type \
                 prefixes is Binary, Number, and String."
            )));
        }
    };
    if data_type.len() > NAME_MAX_LENGTH {
        return Err(errors::invalid(format!(
            "Length of message attribute type must be less than {NAME_MAX_LENGTH} bytes."
        )));
    }
    Ok(Attribute { data_type, value })
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// What counts against the limits: the body, and each attribute's name, type and value. System attributes do not.
pub fn size_bytes(body: &str, attributes: &[(String, Attribute)]) -> usize {
    let attributes = attributes.iter().map(|(name, attribute)| {
        let value = match &attribute.value {
            AttributeValue::Text(text) => text.len(),
            AttributeValue::Binary(bytes) => bytes.len(),
        };
        name.len() + attribute.data_type.len() + value
    });
    body.len() + attributes.sum::<usize>()
}

/// Which message attributes a receiver wants: by name, by prefix (`abc.*`), or all.
pub struct AttributeFilter {
    all: bool,
    names: Vec<String>,
    prefixes: Vec<String>,
}

impl AttributeFilter {
    pub fn new(names: Option<Vec<String>>) -> AttributeFilter {
        let mut filter = AttributeFilter {
            all: false,
            names: Vec::new(),
            prefixes: Vec::new(),
        };
        for name in names.unwrap_or_default() {
            match name.strip_suffix(".*") {
                _ if matches!(name.as_str(), "All" | ".*" | "*") => filter.all = true,
                Some(prefix) => filter.prefixes.push(prefix.to_owned()),
                None => filter.names.push(name),
            }
        }
        filter
    }

    pub fn wants(&self, name: &str) -> bool {
        self.all
            || self.names.iter().any(|wanted| wanted == name)
            || self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::{AttributeFilter, attributes, check_body, check_id, size_bytes};
    use crate::wire::MessageAttributeValue;
    use std::collections::BTreeMap;

    fn given(list: &[(&str, &str, &str)]) -> Option<BTreeMap<String, MessageAttributeValue>> {
        Some(
            list.iter()
                .map(|(name, data_type, value)| {
                    let mut attribute = MessageAttributeValue {
                        data_type: Some((*data_type).to_owned()),
                        ..MessageAttributeValue::default()
                    };
                    if data_type.starts_with("Binary") {
                        attribute.binary_value = Some(value.as_bytes().to_vec().into());
                    } else {
                        attribute.string_value = Some((*value).to_owned());
                    }
                    ((*name).to_owned(), attribute)
                })
                .collect(),
        )
    }

    #[test]
    fn attributes_are_refused_in_aws_words() {
        for (attribute, message) in [
            (
                ("E", "String", ""),
                "Message (user) attribute 'E' must contain a non-empty value of type 'String'.",
            ),
            (
                ("ö", "String", "x"),
                "The message attribute name 'ö' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), \
                 hyphen (-), and period (.) characters.",
            ),
            (
                ("t", "InvalidNumber", "1"),
                "The message attribute 't' has an invalid message attribute type, the set of supported type prefixes is \
                 Binary, Number, and String.",
            ),
            (
                ("n", "Number", "x"),
                "Can't cast the value of message (user) attribute 'n' to a number.",
            ),
        ] {
            let error = attributes(given(&[attribute])).err();
            assert_eq!(error.map(|error| error.message).as_deref(), Some(message));
        }
        let many: Vec<String> = (0..11).map(|i| format!("a{i}")).collect();
        let many: Vec<_> = many.iter().map(|name| (name.as_str(), "String", "x")).collect();
        assert_eq!(
            attributes(given(&many)).err().map(|error| error.message).as_deref(),
            Some("Number of message attributes [11] exceeds the allowed maximum [10].")
        );
    }

    #[test]
    fn bodies_hold_what_xml_can() {
        assert!(check_body("\t\n\r ok \u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}").is_ok());
        for (body, shown) in [
            ("a\0", "#x0"),
            ("\u{1f}", "#x1F"),
            ("é\u{ffff}", "#xFFFF"),
            ("\u{fffe}", "#xFFFE"),
        ] {
            let message = check_body(body).err().map(|error| error.message).unwrap_or_default();
            assert!(
                message.starts_with(&format!(
                    "Invalid binary character '{shown}' was found in the message body"
                )),
                "{message}"
            );
        }
    }

    #[test]
    fn ids_are_printable() {
        assert!(check_id("a!~", "MessageGroupId").is_ok());
        for wrong in ["", "group 123", "é", &"a".repeat(129)] {
            assert_eq!(
                check_id(wrong, "MessageGroupId").err().map(|error| error.message),
                Some(format!(
                    "Value {wrong} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include \
                     alphanumeric and punctuation characters. 1 to 128 in length."
                ))
            );
        }
    }

    #[test]
    fn filters_choose_names() {
        let wants = |names: &[&str], name| {
            AttributeFilter::new(Some(names.iter().map(|n| (*n).to_owned()).collect())).wants(name)
        };
        assert!(wants(&["All"], "x") && wants(&[".*"], "x") && wants(&["*"], "x"));
        assert!(wants(&["Hel.*"], "Hello") && wants(&["Hel.*"], "Help.Me") && !wants(&["Hel.*"], "General"));
        assert!(wants(&["Foo", "Hello"], "Hello") && !wants(&["Help"], "Help.Me") && !wants(&["AWS."], "x"));
        assert!(!AttributeFilter::new(None).wants("x"));
    }

    #[test]
    fn names_types_and_values_count() {
        let read = attributes(given(&[("k", "String", "x")])).unwrap_or_default();
        assert_eq!(size_bytes("body", &read), 4 + 1 + 6 + 1);
    }
}
