//! Sums and numbers: the MD5s that clients check, hashes for look-ups, UUIDs, sequence numbers.

use crate::queue::content::TRACE_HEADER;
use crate::state::{Attribute, AttributeValue};
use md5::{Digest, Md5};
use virga_base::{Id, hex};

pub fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// The MD5 over attributes in order of name: length and bytes of name and type, one byte for the transport, length and
/// bytes of the value.
pub fn attributes_md5<'a>(attributes: impl Iterator<Item = (&'a str, &'a Attribute)>) -> Option<String> {
    let mut hash = Md5::new();
    let mut any = false;
    let part = |hash: &mut Md5, bytes: &[u8]| {
        hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(bytes);
    };
    for (name, attribute) in attributes {
        any = true;
        part(&mut hash, name.as_bytes());
        part(&mut hash, attribute.data_type.as_bytes());
        match &attribute.value {
            AttributeValue::Text(text) => {
                hash.update([1]);
                part(&mut hash, text.as_bytes());
            }
            AttributeValue::Binary(bytes) => {
                hash.update([2]);
                part(&mut hash, bytes);
            }
        }
    }
    any.then(|| hex(&hash.finalize()))
}

/// The MD5 over the trace header as the one system attribute.
pub fn trace_header_md5(header: &str) -> Option<String> {
    let attribute = Attribute {
        data_type: "String".to_owned(),
        value: AttributeValue::Text(header.to_owned()),
    };
    attributes_md5([(TRACE_HEADER, &attribute)].into_iter())
}

/// A number of a FIFO queue's message as clients see it: twenty digits, rising.
pub fn sequence_number(sequence: u64) -> String {
    (18_849_496_460_467_696_128u128 + u128::from(sequence) * 256).to_string()
}

/// A UUID's text from its bytes.
pub fn uuid_text(bytes: &[u8; 16]) -> String {
    Id::uuid(bytes).as_str().to_owned()
}

/// A hash of what keys deduplication and receive attempts.
pub fn hash(scope: &str, id: &str) -> u128 {
    let mut hash = sha2::Sha256::new();
    hash.update(u64::try_from(scope.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(scope.as_bytes());
    hash.update(id.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk::<16>().map_or(0, |half| u128::from_be_bytes(*half))
}

/// The deduplication id of a body in a queue that deduplicates by content.
pub fn content_id(body: &str) -> String {
    hex(&sha2::Sha256::digest(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{attributes_md5, hex, md5, sequence_number, trace_header_md5, uuid_text};
    use crate::state::{Attribute, AttributeValue};

    fn attributes_sum(list: &[(&str, &str, &str)]) -> Option<String> {
        let mut attributes: Vec<(&str, Attribute)> = list
            .iter()
            .map(|(name, data_type, value)| {
                let value = if data_type.starts_with("Binary") {
                    AttributeValue::Binary(value.as_bytes().to_vec())
                } else {
                    AttributeValue::Text((*value).to_owned())
                };
                let data_type = (*data_type).to_owned();
                (*name, Attribute { data_type, value })
            })
            .collect();
        attributes.sort_by_key(|(name, _)| *name);
        attributes_md5(attributes.iter().map(|(name, attribute)| (*name, attribute)))
    }

    /// The sums are AWS's own, from its recordings and from tests that were run against it.
    #[test]
    fn md5s_are_as_aws_computes_them() {
        for (list, sum) in [
            (&[("Foo", "String", "Bar")][..], "ae7155c6026991b6d54b11589678bf9c"),
            (
                &[("timestamp", "Number.java.lang.Long", "1493147359900")],
                "2e2e4876d8e0bd6b8c2c8f556831c349",
            ),
            (
                &[("somevalue", "String.custom", "somevalue")],
                "9e05cca738e70ff6c6041e82d5e77ef1",
            ),
            (
                &[
                    ("id", "String", "453ae55e-f03b-21a6-a4b1-70c2e2e8fe71"),
                    ("mybin", "Binary", "kekchebukek"),
                    ("timestamp", "Number.java.lang.Long", "1603134247654"),
                    ("contentType", "String", "application/json"),
                ],
                "049075255ebc53fb95f7f9f3cedf3c50",
            ),
        ] {
            assert_eq!(attributes_sum(list).as_deref(), Some(sum));
        }
        assert_eq!(
            trace_header_md5("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1").as_deref(),
            Some("5ae4d5d7636402d80f4eb6d213245a88")
        );
        assert_eq!(hex(&md5(b"message")), "78e731027d8fd50ed642340b7c9a63b3");
        assert_eq!(attributes_sum(&[]), None);
    }

    #[test]
    fn numbers_and_uuids_have_aws_forms() {
        assert_eq!(sequence_number(u64::from(u32::MAX)).len(), 20);
        assert!(sequence_number(2) > sequence_number(1));
        let uuid = "01234567-89ab-4def-8123-456789abcdef";
        assert_eq!(
            uuid_text(&0x0123_4567_89ab_4def_8123_4567_89ab_cdef_u128.to_be_bytes()),
            uuid
        );
    }
}
