//! SAML 2.0 responses, read but not verified.

use crate::errors;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use sha1::{Digest, Sha1};
use virga_service::{Account, AwsError, Timestamp};

/// How AWS's attributes begin.
const ATTRIBUTE_START: &str = "https://aws.amazon.com/SAML/Attributes/";
const NAME_FORMAT_START: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:";
/// How deep elements may nest.
const NESTING_MAX_DEPTH: usize = 64;

/// What STS reads off an assertion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assertion {
    pub issuer: String,
    pub subject: String,
    /// `persistent`, `transient`, or the whole URI of another format.
    pub subject_type: String,
    /// Whom the assertion is addressed to.
    pub recipient: String,
    /// Attributes in the order of the document: the name as written, the values without space around them.
    pub attributes: Vec<(String, Vec<String>)>,
    /// The first moment at which the assertion is good no more.
    pub not_on_or_after: Option<Timestamp>,
    /// When the identity provider ends its own session.
    pub session_not_on_or_after: Option<Timestamp>,
}

/// Reads what the request carries: the response in base64.
pub fn read(encoded: &str) -> Result<Assertion, AwsError> {
    let compact: String = encoded.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = BASE64_STANDARD
        .decode(compact)
        .map_err(|_| errors::invalid_identity_token("Invalid base64 SAMLResponse"))?;
    let xml = String::from_utf8(bytes).map_err(|_| unreadable())?;
    let assertion = parse(xml.trim_start()).ok_or_else(unreadable)?;
    if assertion.issuer.is_empty() {
        return Err(errors::invalid_identity_token("Issuer not present in SAML assertion"));
    }
    Ok(assertion)
}

fn unreadable() -> AwsError {
    errors::invalid_identity_token("Could not parse SAMLResponse")
}

impl Assertion {
    /// The values of one of AWS's attributes, by the last part of its name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.attributes
            .iter()
            .filter(move |(full, _)| full.strip_prefix(ATTRIBUTE_START) == Some(name))
            .flat_map(|(_, values)| values.iter().map(String::as_str))
    }

    /// Whether one of the assertion's pairs of provider and role, in either order, is this one.
    pub fn allows(&self, role_arn: &str, provider: &str) -> bool {
        self.values("Role").any(|pair| {
            let mut arns = pair.split(',').map(str::trim);
            match (arns.next(), arns.next(), arns.next()) {
                (Some(a), Some(b), None) => {
                    let matches =
                        |role: &str, principal: &str| role == role_arn && provider_name(principal) == Some(provider);
                    matches(a, b) || matches(b, a)
                }
                _ => false,
            }
        })
    }

    /// Session tags: key and value.
    pub fn principal_tags(&self) -> Vec<(String, String)> {
        let prefix = format!("{ATTRIBUTE_START}PrincipalTag:");
        self.attributes
            .iter()
            .filter_map(|(name, values)| Some((name.strip_prefix(&prefix)?.to_owned(), values.first()?.clone())))
            .collect()
    }

    /// What makes the subject unique together with its type: the issuer, the account and the provider's name, hashed.
    pub fn name_qualifier(&self, account: Account, provider: &str) -> String {
        BASE64_STANDARD.encode(Sha1::digest(format!("{}{account}/{provider}", self.issuer)))
    }
}

/// The name of a SAML provider, off its ARN.
pub fn provider_name(arn: &str) -> Option<&str> {
    let (head, name) = arn.split_once(":saml-provider/")?;
    (head.starts_with("arn:") && !name.is_empty()).then_some(name)
}

fn parse(xml: &str) -> Option<Assertion> {
    let mut reader = Reader::from_str(xml);
    let mut assertion = Assertion::default();
    let (mut path, mut text): (Vec<String>, String) = (Vec::new(), String::new());
    let mut found = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if path.len() >= NESTING_MAX_DEPTH {
                    return None;
                }
                let name = local_name(start.local_name().as_ref())?;
                found |= name == "Assertion";
                open(&mut assertion, &name, &start)?;
                path.push(name);
                text.clear();
            }
            Event::Empty(start) => {
                let name = local_name(start.local_name().as_ref())?;
                open(&mut assertion, &name, &start)?;
            }
            Event::End(_) => {
                close(&mut assertion, &path, text.trim());
                path.pop()?;
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.decode().ok()?),
            Event::CData(part) => text.push_str(&part.decode().ok()?),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(character) => text.push(character),
                None => text.push_str(resolve_predefined_entity(&reference.decode().ok()?)?),
            },
            // Entities of its own would let a document name files, or grow without end.
            Event::DocType(_) => return None,
            Event::Eof => return (found && path.is_empty()).then_some(assertion),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
}

fn local_name(name: &[u8]) -> Option<String> {
    String::from_utf8(name.to_vec()).ok()
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = start.try_get_attribute(name).ok()??;
    attribute.unescape_value().ok().map(|value| value.into_owned())
}

fn open(assertion: &mut Assertion, name: &str, start: &BytesStart<'_>) -> Option<()> {
    let time = |name: &str| attribute(start, name).as_deref().and_then(Timestamp::parse_iso8601);
    match name {
        "NameID" => {
            let format = attribute(start, "Format").unwrap_or_default();
            let short = format.strip_prefix(NAME_FORMAT_START);
            assertion.subject_type = match short {
                Some(short @ ("persistent" | "transient")) => short.to_owned(),
                _ => format,
            };
        }
        "SubjectConfirmationData" => {
            assertion.recipient = attribute(start, "Recipient").unwrap_or_default();
            assertion.not_on_or_after = time("NotOnOrAfter");
        }
        "AuthnStatement" => assertion.session_not_on_or_after = time("SessionNotOnOrAfter"),
        "Attribute" => {
            let name = attribute(start, "Name")?;
            assertion.attributes.push((name, Vec::new()));
        }
        _ => {}
    }
    Some(())
}

fn close(assertion: &mut Assertion, path: &[String], text: &str) {
    let parent = path
        .len()
        .checked_sub(2)
        .and_then(|at| path.get(at))
        .map(String::as_str);
    match path.last().map(String::as_str) {
        // The response has an issuer of its own, which does not count.
        Some("Issuer") if parent == Some("Assertion") => assertion.issuer = text.to_owned(),
        Some("NameID") if parent == Some("Subject") => assertion.subject = text.to_owned(),
        Some("AttributeValue") => {
            if let Some((_, values)) = assertion.attributes.last_mut() {
                values.push(text.to_owned());
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{provider_name, read};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use virga_service::{Account, Timestamp};

    const RESPONSE: &str = r#"<?xml version="1.0"?>
<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">
  <saml:Issuer>http://outer/</saml:Issuer>
  <saml:Assertion>
    <saml:Issuer>https://idp.example/a&amp;b</saml:Issuer>
    <saml:Subject>
      <saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"> me </saml:NameID>
      <saml:SubjectConfirmation><saml:SubjectConfirmationData NotOnOrAfter="2026-01-01T00:05:00Z"
        Recipient="https://signin.aws.amazon.com/saml"/></saml:SubjectConfirmation>
    </saml:Subject>
    <saml:AttributeStatement>
      <saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/Role">
        <saml:AttributeValue>
          arn:aws:iam::123456789012:saml-provider/Idp,arn:aws:iam::123456789012:role/reader
        </saml:AttributeValue>
        <saml:AttributeValue>arn:aws:iam::123456789012:role/writer,arn:aws:iam::123456789012:saml-provider/Idp</saml:AttributeValue>
      </saml:Attribute>
      <saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/PrincipalTag:team">
        <saml:AttributeValue>red</saml:AttributeValue>
      </saml:Attribute>
    </saml:AttributeStatement>
    <saml:AuthnStatement SessionNotOnOrAfter="2026-01-01T01:00:00Z"/>
  </saml:Assertion>
</samlp:Response>"#;

    fn encoded(xml: &str) -> String {
        BASE64_STANDARD.encode(xml)
    }

    #[test]
    fn an_assertion_is_read() {
        let assertion = read(&encoded(RESPONSE)).unwrap();
        assert_eq!(assertion.issuer, "https://idp.example/a&b");
        assert_eq!(
            (assertion.subject.as_str(), assertion.subject_type.as_str()),
            ("me", "persistent")
        );
        assert_eq!(assertion.recipient, "https://signin.aws.amazon.com/saml");
        assert_eq!(
            assertion.not_on_or_after,
            Timestamp::parse_iso8601("2026-01-01T00:05:00Z")
        );
        assert_eq!(
            assertion.session_not_on_or_after,
            Timestamp::parse_iso8601("2026-01-01T01:00:00Z")
        );
        assert_eq!(assertion.principal_tags(), [("team".to_owned(), "red".to_owned())]);
    }

    #[test]
    fn roles_are_allowed_in_pairs_of_either_order() {
        let assertion = read(&encoded(RESPONSE)).unwrap();
        assert!(assertion.allows("arn:aws:iam::123456789012:role/reader", "Idp"));
        assert!(assertion.allows("arn:aws:iam::123456789012:role/writer", "Idp"));
        assert!(!assertion.allows("arn:aws:iam::123456789012:role/reader", "Other"));
        assert!(!assertion.allows("arn:aws:iam::123456789012:role/admin", "Idp"));
    }

    #[test]
    fn a_provider_is_named_by_its_arn() {
        assert_eq!(
            provider_name("arn:aws:iam::123456789012:saml-provider/Idp"),
            Some("Idp")
        );
        assert_eq!(provider_name("arn:aws:iam::123456789012:role/Idp"), None);
        assert_eq!(provider_name("arn:aws:iam::123456789012:saml-provider/"), None);
    }

    #[test]
    fn the_name_qualifier_is_aws_example() {
        let mut assertion = read(&encoded(RESPONSE)).unwrap();
        assertion.issuer = "https://example.com/saml".to_owned();
        let qualifier = assertion.name_qualifier(Account::from_number(123_456_789_012), "MySAMLIdP");
        // sha1("https://example.com/saml123456789012/MySAMLIdP")
        assert_eq!(qualifier, "1uAJanUnBc2XeUkHURMht+xam2c=");
    }

    #[test]
    fn what_is_no_assertion_is_refused() {
        let message = |encoded: &str| read(encoded).unwrap_err().message;
        assert_eq!(message("not base64!"), "Invalid base64 SAMLResponse");
        let bomb = format!(
            "<!DOCTYPE a [<!ENTITY b 'c'>]>{}",
            RESPONSE.trim_start_matches(r#"<?xml version="1.0"?>"#)
        );
        for xml in [
            "",
            "hello",
            "<a>",
            "<a></b>",
            "<Response></Response>",
            &bomb,
            &"<a>".repeat(1000),
        ] {
            assert_eq!(
                message(&encoded(xml)),
                "Could not parse SAMLResponse",
                "{}",
                &xml[..xml.len().min(40)]
            );
        }
        assert_eq!(
            message(&encoded("<Assertion><Subject/></Assertion>")),
            "Issuer not present in SAML assertion"
        );
    }
}
