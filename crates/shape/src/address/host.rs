//! What a host name tells: the service, and for S3 the bucket.
//!
//! AWS's host names are `[LABELS.]SERVICE[.REGION].amazonaws.com`; clients of a local cloud use the same before
//! `localhost` or `localhost.localstack.cloud`, or the bare `localhost`.

/// Labels looked at, from the left. A bucket's name has its own dots, but is looked for from the right.
const LABELS_MAX: usize = 4;

/// A bucket in a host name, as virtual-hosted requests have it: `BUCKET.s3.us-east-1.localhost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket<'a>(pub &'a str);

impl Bucket<'_> {
    /// The path with the bucket in it, as the model's templates have it.
    pub fn path(self, path: &str) -> String {
        let mut whole = String::with_capacity(self.0.len() + path.len() + 2);
        whole.push('/');
        whole.push_str(self.0);
        if !path.starts_with('/') {
            whole.push('/');
        }
        whole.push_str(path);
        whole
    }
}

/// The host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The first labels, one or several together (`data-ats.iot`), that `known` knows; not the domain itself.
pub fn service_labels(host: &str, known: impl Fn(&str) -> bool) -> Option<&str> {
    let name = name(host);
    let mut start = 0;
    for _ in 0..LABELS_MAX {
        let rest = name.get(start..)?;
        let ends = rest.match_indices('.').map(|(at, _)| at).take(LABELS_MAX);
        // The longest first, so that `data-ats.iot` is not taken for what its first label alone may be.
        let mut ends: Vec<usize> = ends.collect();
        while let Some(end) = ends.pop() {
            let labels = &rest[..end];
            if known(labels) {
                return Some(labels);
            }
        }
        start += rest.find('.')? + 1;
    }
    None
}

/// The bucket before S3's own label, or the access point and its account.
pub fn bucket(host: &str) -> Option<Bucket<'_>> {
    let name = name(host);
    let mut end = name.len();
    loop {
        let dot = name[..end].rfind('.')?;
        let label = &name[dot + 1..end];
        let service = label == "s3"
            || label == "s3-accelerate"
            || label == "s3-fips"
            || label.starts_with("s3-accesspoint")
            || (label.starts_with("s3-") && region(&label[3..]))
            || label.starts_with("s3express-");
        if service {
            return Some(Bucket(&name[..dot])).filter(|bucket| !bucket.0.is_empty());
        }
        end = dot;
    }
}

/// The bucket before `localhost` alone: `BUCKET.localhost:4566`. Only what means S3 by other signs, or nothing else, means it.
pub fn local_bucket(host: &str) -> Option<Bucket<'_>> {
    let bucket = name(host).strip_suffix(".localhost")?;
    Some(Bucket(bucket)).filter(|bucket| !bucket.0.is_empty())
}

/// `us-west-2` and the like, as in the older `s3-us-west-2.amazonaws.com`.
fn region(text: &str) -> bool {
    text.find('-') == Some(2) && text.ends_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{Bucket, bucket, local_bucket, service_labels};

    #[test]
    fn a_bucket_may_stand_before_localhost_alone() {
        for (host, expected) in [
            ("b.localhost:4566", Some("b")),
            ("my.bucket.localhost", Some("my.bucket")),
            ("localhost:4566", None),
            (".localhost", None),
            ("b.localhost.localstack.cloud", None),
            ("127.0.0.1", None),
        ] {
            assert_eq!(local_bucket(host), expected.map(Bucket), "{host}");
        }
    }

    #[test]
    fn a_bucket_stands_before_s3() {
        for (host, expected) in [
            ("b.s3.us-east-1.localhost:4566", Some("b")),
            (
                "my.dotted.bucket.s3.localhost.localstack.cloud",
                Some("my.dotted.bucket"),
            ),
            ("b.s3.amazonaws.com", Some("b")),
            ("b.s3-us-west-2.amazonaws.com", Some("b")),
            ("s3.s3.amazonaws.com", Some("s3")),
            (
                "point-111122223333.s3-accesspoint.us-west-2.localhost:4566",
                Some("point-111122223333"),
            ),
            ("b.s3.dualstack.eu-west-1.amazonaws.com", Some("b")),
            (
                "b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com",
                Some("b--use1-az4--x-s3"),
            ),
            ("s3.us-east-1.localhost", None),
            ("111122223333.s3-control.us-east-1.amazonaws.com", None),
            ("b.s3-website-us-east-1.amazonaws.com", None),
            ("b.localhost", None),
            ("localhost:4566", None),
            ("127.0.0.1:4566", None),
            ("[::1]:4566", None),
            (".s3.localhost", None),
        ] {
            assert_eq!(bucket(host), expected.map(Bucket), "{host}");
        }
    }

    #[test]
    fn a_bucket_joins_the_path() {
        for (path, expected) in [("/", "/b/"), ("", "/b/"), ("/k", "/b/k"), ("//k", "/b//k")] {
            assert_eq!(Bucket("b").path(path), expected);
        }
    }

    #[test]
    fn the_service_stands_before_the_domain() {
        let known = |labels: &str| ["sqs", "data-ats.iot", "iot", "localhost"].contains(&labels);
        for (host, expected) in [
            ("sqs.us-east-1.amazonaws.com", Some("sqs")),
            ("us-east-1.sqs.localhost:4566", Some("sqs")),
            ("data-ats.iot.us-east-1.amazonaws.com", Some("data-ats.iot")),
            ("localhost", None),
            ("127.0.0.1", None),
            ("", None),
        ] {
            assert_eq!(service_labels(host, known), expected, "{host}");
        }
    }
}
