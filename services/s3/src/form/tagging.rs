//! The field `tagging`: tags in XML, which the form's codec does not know.

use crate::errors;
use quick_xml::Reader;
use quick_xml::events::Event;
use virga_base::AwsError;

/// The tags of the field, in the form that `x-amz-tagging` has.
///
/// # Errors
/// `MalformedXML`.
pub fn read(text: &str) -> Result<String, AwsError> {
    let mut reader = Reader::from_str(text);
    let mut names: Vec<String> = Vec::new();
    let mut tags: Vec<(String, String)> = Vec::new();
    let mut seen = false;
    loop {
        let event = reader.read_event().map_err(|_| errors::malformed_xml())?;
        match event {
            Event::Start(start) => {
                let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                if name == "Tag" {
                    tags.push((String::new(), String::new()));
                }
                seen = true;
                names.push(name);
                if names.len() > 8 {
                    return Err(errors::malformed_xml());
                }
            }
            Event::Empty(_) => seen = true,
            Event::End(_) => {
                names.pop();
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|_| errors::malformed_xml())?;
                add(&names, &mut tags, &text);
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|_| errors::malformed_xml())?;
                let text = match reference.resolve_char_ref() {
                    Ok(Some(one)) => one.to_string(),
                    _ => quick_xml::escape::resolve_xml_entity(&name)
                        .ok_or_else(errors::malformed_xml)?
                        .to_owned(),
                };
                add(&names, &mut tags, &text);
            }
            Event::DocType(_) => return Err(errors::malformed_xml()),
            Event::Eof => break,
            _ => {}
        }
    }
    if !seen || !names.is_empty() {
        return Err(errors::malformed_xml());
    }
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect();
    Ok(pairs.join("&"))
}

fn add(names: &[String], tags: &mut [(String, String)], text: &str) {
    let (Some(tag), Some(name)) = (tags.last_mut(), names.last()) else {
        return;
    };
    match name.as_str() {
        "Key" => tag.0.push_str(text),
        "Value" => tag.1.push_str(text),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn tags_are_read() {
        for (text, expected) in [
            (
                "<Tagging><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag></TagSet></Tagging>",
                Some("a%20b=1%262"),
            ),
            ("<InvalidXmlTagging></InvalidXmlTagging>", Some("")),
            ("not-xml", None),
            ("<a><b></a>", None),
            ("<a>", None),
        ] {
            assert_eq!(read(text).ok().as_deref(), expected, "{text}");
        }
    }
}
