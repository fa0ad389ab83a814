//! The region that a request is meant for.

use std::sync::LazyLock;
use virga_auth::Claim;
use virga_base::Region;

static DEFAULT: LazyLock<Region> = LazyLock::new(Region::default);

/// From the credential scope, else the host's name, else the default.
pub(crate) fn region<'a>(
    claim: Option<&Claim<'_>>,
    region_set: impl FnOnce() -> Option<&'a str>,
    host: impl FnOnce() -> Option<&'a str>,
) -> Region {
    let scoped = claim.map(Claim::region).unwrap_or_default();
    if scoped == DEFAULT.as_str() {
        return DEFAULT.clone();
    }
    let named = |name: &str| {
        // `aws-global` and the like are what clients sign for services without regions.
        let names_one = !name.is_empty() && name != "*" && !name.starts_with("aws-");
        Region::parse(name).ok().filter(|_| names_one)
    };
    named(scoped)
        .or_else(|| region_set().and_then(named))
        .or_else(|| host().and_then(of_host).and_then(named))
        .unwrap_or_else(|| DEFAULT.clone())
}

/// The label of a host name that is a region: `sqs.eu-west-1.amazonaws.com`, `b.s3-us-west-2.localhost`.
fn of_host(host: &str) -> Option<&str> {
    let name = host.split(':').next().unwrap_or_default();
    name.split('.')
        .map(|label| label.strip_prefix("s3-").unwrap_or(label))
        .find(|label| is_region(label))
}

fn is_region(label: &str) -> bool {
    const AREAS: [&str; 10] = ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "cn", "mx"];
    let Some((area, rest)) = label.split_once('-') else {
        return false;
    };
    let Some((_, number)) = rest.rsplit_once('-') else {
        return false;
    };
    AREAS.contains(&area) && (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{of_host, region};

    #[test]
    fn a_host_may_tell_the_region() {
        for (host, expected) in [
            ("sqs.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("eu-central-1.queue.localhost:4566", Some("eu-central-1")),
            ("b.s3-us-west-2.localhost", Some("us-west-2")),
            ("us-gov-west-1.localhost", Some("us-gov-west-1")),
            ("localhost:4566", None),
            ("127.0.0.1", None),
            ("my-bucket-1.s3.localhost", None),
        ] {
            assert_eq!(of_host(host), expected, "{host}");
        }
        assert_eq!(
            region(None, || Some("*"), || Some("x.ap-southeast-2.y")).as_str(),
            "ap-southeast-2"
        );
        assert_eq!(region(None, || None, || Some("localhost")).as_str(), "us-east-1");
    }
}
