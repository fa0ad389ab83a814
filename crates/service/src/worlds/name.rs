//! Which names a world may have: those that, as a label of a host name, mean nothing else.

use super::MAIN;
use std::collections::HashSet;
use std::sync::LazyLock;
use virga_shape::pack;

const LENGTH_MAX: usize = 63;
/// Labels of AWS's host names that no model has.
const OTHERS: [&str; 12] = [
    "localhost",
    "localstack",
    "amazonaws",
    "api",
    "aws",
    "dualstack",
    "fips",
    "lambda-url",
    "on",
    "queue",
    "s3-website",
    "www",
];

static SERVICES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let names = |entry: &pack::Entry<'static>| [entry.name, entry.endpoint_prefix, entry.signing_name];
    let services = pack::services().iter().flat_map(names).flat_map(|name| name.split('.'));
    services.chain(OTHERS).collect()
});

/// Whether a label of a host name, in lower case, means a service, a region, an account or another thing of AWS's.
pub fn is_reserved(label: &str) -> bool {
    label.starts_with("s3-") || is_region(label) || is_account(label) || SERVICES.contains(label)
}

/// S3 Control's clients put the account before the endpoint: `111122223333.localhost`.
fn is_account(label: &str) -> bool {
    label.len() == 12 && label.bytes().all(|byte| byte.is_ascii_digit())
}

/// `eu-west-1`, `us-gov-west-1`, …
fn is_region(label: &str) -> bool {
    let mut parts = label.split('-');
    let area = parts.next().is_some_and(|area| (2..=4).contains(&area.len()));
    let number = parts
        .next_back()
        .is_some_and(|number| (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()));
    let directions = ["north", "south", "east", "west", "central"];
    area && number && parts.any(|part| directions.iter().any(|direction| part.starts_with(direction)))
}

/// Refuses a name that a world cannot have, with the reason.
pub(crate) fn check(name: &str) -> Result<(), &'static str> {
    let is_label = (1..=LENGTH_MAX).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_label {
        return Err("a name has 1 to 63 lowercase letters, digits and hyphens, and no hyphen at either end");
    }
    if name == MAIN {
        return Err("it is the first world's");
    }
    if is_reserved(name) {
        return Err("it means a service, a region or an account in a host name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check, is_reserved};

    #[test]
    fn names_are_labels_that_mean_nothing_else() {
        let longest = "a".repeat(63);
        for good in ["a", "t1", "test-42", "7", "eu", "my-east-side", longest.as_str()] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in [
            "",
            "-a",
            "a-",
            "A",
            "a.b",
            "a_b",
            "main",
            "s3",
            "sqs",
            "iot",
            "data-ats",
            "s3-eu-west-1",
            "eu-west-1",
            "us-gov-east-1",
            "ap-southeast-2",
            "localhost",
            "events",
            "111122223333",
            too_long.as_str(),
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(is_reserved("execute-api") && !is_reserved("ticket-1234"));
    }
}
