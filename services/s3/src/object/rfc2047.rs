//! User metadata beyond ASCII, which headers carry as RFC 2047's encoded words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A value as it is kept: encoded words are read.
pub fn decode(text: &str) -> Option<String> {
    let word = text.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut parts = word.splitn(3, '?');
    let (charset, encoding, body) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") || body.contains(' ') {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => STANDARD.decode(body).ok()?,
        "Q" | "q" => quoted(body)?,
        _ => return None,
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn quoted(body: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut bytes = body.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'_' => b' ',
            b'=' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    Some(out)
}

/// A value as a header tells it: as it is where it is plain, else in the shorter encoding for most of its letters.
pub fn encode(text: &str) -> String {
    let is_plain = |c: char| (' '..='~').contains(&c) || matches!(c, '\t' | '\r' | '\n');
    let plain = text.chars().filter(|c| is_plain(*c)).count();
    let other = text.chars().count() - plain;
    if other == 0 {
        return text.to_owned();
    }
    if plain <= other {
        return format!("=?UTF-8?B?{}?=", STANDARD.encode(text));
    }
    let mut out = String::from("=?UTF-8?Q?");
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('_'),
            b'=' | b'?' | b'_' => out.push_str(&format!("={byte:02X}")),
            b'!'..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("={byte:02X}")),
        }
    }
    out.push_str("?=");
    out
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn encoded_words_are_read_and_written() {
        for (text, word) in [
            ("ÄMÄZÕÑ S3", "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?="),
            (
                "test_—_file%E2%80%94_é_2?.pdf",
                "=?UTF-8?Q?test=5F=E2=80=94=5Ffile%E2%80%94=5F=C3=A9=5F2=3F.pdf?=",
            ),
            ("\0\u{1}\u{2}\u{3}", "=?UTF-8?B?AAECAw==?="),
        ] {
            assert_eq!(encode(text), word);
            assert_eq!(decode(word).as_deref(), Some(text));
        }
        assert_eq!(encode("plain =?"), "plain =?");
        assert_eq!(decode("=?UTF-8?B?YWJj?=").as_deref(), Some("abc"));
        for strange in ["abc", "=?UTF-8?X?abc?=", "=?UTF-8?Q?=ZZ?=", "=??=", "=?"] {
            assert_eq!(decode(strange), None, "{strange}");
        }
    }
}
