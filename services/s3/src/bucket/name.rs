//! What a bucket can be called.

/// Beginnings and ends that AWS keeps for itself.
const RESERVED_STARTS: [&str; 2] = ["xn--", "sthree-"];
const RESERVED_ENDS: [&str; 4] = ["-s3alias", "--ol-s3", ".mrap", "--table-s3"];
/// The end of a directory bucket's name.
const DIRECTORY_END: &str = "--x-s3";

/// Whether a new general purpose bucket can have the name.
pub fn is_valid(name: &str) -> bool {
    let letters = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    let ends = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (3..=63).contains(&name.len())
        && letters
        && ends(name.as_bytes().first())
        && ends(name.as_bytes().last())
        && !name.contains("..")
        && !is_address(name)
        && !RESERVED_STARTS.iter().any(|start| name.starts_with(start))
        && !RESERVED_ENDS.iter().any(|end| name.ends_with(end))
        && !is_directory(name)
}

/// Whether the name is a directory bucket's: `BASE--ZONE--x-s3`.
pub fn is_directory(name: &str) -> bool {
    name.strip_suffix(DIRECTORY_END)
        .and_then(|rest| rest.rsplit_once("--"))
        .is_some_and(|(base, zone)| !base.is_empty() && !zone.is_empty())
}

/// `192.168.5.4`
fn is_address(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    parts.len() == 4
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{is_directory, is_valid};

    #[test]
    fn names_follow_the_rules() {
        for name in [
            "abc",
            "my-bucket",
            "my.bucket.1",
            "0ab",
            &"a".repeat(63),
            "a.b-c",
            "foo.-bar",
        ] {
            assert!(is_valid(name), "{name}");
        }
        for name in [
            "ab",
            "",
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "sthree-x",
            "abc-s3alias",
            "abc--ol-s3",
            "a--use1-az4--x-s3",
            "bücket",
            &"a".repeat(64),
        ] {
            assert!(!is_valid(name), "{name}");
        }
    }

    #[test]
    fn directory_buckets_are_told_by_their_name() {
        assert!(is_directory("base--use1-az4--x-s3"));
        assert!(!is_directory("base--x-s3"));
        assert!(!is_directory("base"));
    }
}
