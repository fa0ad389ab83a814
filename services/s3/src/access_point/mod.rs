//! Access points: named ways into a bucket, each with a policy and a block of public access of its own.
//!
//! Requests name them where they would name a bucket: by alias, by `NAME-ACCOUNT` as the first label of a host name, or
//! by ARN in the source of a copy.

pub mod policy;

use crate::state::{ACCESS_POINT_ALIASES, ACCESS_POINTS, AccessPoint, Bucket, world};
use crate::{access, errors};
use virga_base::{Account, Arn, AwsError, Region};
use virga_service::{Ctx, Place};

const NAME_MIN: usize = 3;
const NAME_MAX: usize = 50;
/// The end of an alias.
const ALIAS_END: &str = "-s3alias";
/// Letters and digits of an alias that are random.
const ALIAS_RANDOM: usize = 34;
/// Characters of the name that an alias begins with; an alias is as long as a bucket's name may be.
const ALIAS_NAME_MAX: usize = 20;

/// What of a bucket can be asked through an access point; all that concerns objects can.
const OF_BUCKETS: [&str; 8] = [
    "ListBucket",
    "ListBucketVersions",
    "ListBucketMultipartUploads",
    "GetBucketAcl",
    "GetBucketCORS",
    "GetBucketLocation",
    "GetBucketNotification",
    "GetBucketPolicy",
];

/// Whether a bucket's action can be asked through an access point.
pub fn can(action: &str) -> bool {
    OF_BUCKETS.contains(&action)
}

/// Checks a name as AWS does, which takes a bad one for a bad address.
pub fn check_name(name: &str) -> Result<(), AwsError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let good = (NAME_MIN..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|byte| plain(byte) || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.starts_with("xn--")
        && !name.ends_with(ALIAS_END);
    if good {
        return Ok(());
    }
    Err(errors::invalid_uri(&format!("accesspoint/{name}")))
}

/// A new alias.
pub fn alias(ctx: &Ctx, name: &str) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut random = [0; ALIAS_RANDOM];
    ctx.ids().fill(&mut random);
    let random: String = random
        .iter()
        .filter_map(|byte| LETTERS.get(usize::from(byte % 32)).copied().map(char::from))
        .collect();
    let head = name.get(..ALIAS_NAME_MAX).unwrap_or(name).trim_end_matches('-');
    format!("{head}-{random}{ALIAS_END}")
}

/// How a request names an access point.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Alias,
    /// As host names have it; the region is the request's.
    Host {
        name: String,
        account: Account,
    },
    Arn {
        name: String,
        account: Account,
        region: Region,
    },
}

impl Named {
    fn read(text: &str) -> Option<Named> {
        if text.ends_with(ALIAS_END) {
            return Some(Named::Alias);
        }
        if text.starts_with("arn:") {
            let arn = Arn::parse(text).ok().filter(|arn| arn.service == "s3")?;
            let name = arn.resource.strip_prefix("accesspoint/")?.to_owned();
            return Some(Named::Arn {
                name,
                account: Account::parse(&arn.account).ok()?,
                region: Region::parse(&arn.region).ok()?,
            });
        }
        let (name, account) = text.rsplit_once('-')?;
        let account = Account::parse(account).ok()?;
        check_name(name).ok()?;
        Some(Named::Host {
            name: name.to_owned(),
            account,
        })
    }
}

/// Whether a request was sent to the host of an access point, `NAME-ACCOUNT.s3-accesspoint.REGION.…`, where no bucket is.
pub fn is_host(host: &str) -> bool {
    host.split('.').skip(1).any(|label| label.starts_with("s3-accesspoint"))
}

/// The bucket behind an access point that stands where a bucket's name would; none where there is no such access point.
///
/// # Errors
/// Where the text can be nothing but an access point that is not there.
pub fn find(ctx: &Ctx, text: &str) -> Result<Option<Bucket>, AwsError> {
    let Some(named) = Named::read(text) else {
        return Ok(None);
    };
    // Any bucket may be called `NAME-ACCOUNT`, but not at the host of access points.
    let may_be_bucket = matches!(named, Named::Host { .. }) && !ctx.request().host().is_some_and(is_host);
    let place = match named {
        // Aliases are unique among all accounts.
        Named::Alias => ctx
            .read(|tx| tx.elsewhere(world()).get(&ACCESS_POINT_ALIASES, (text,)))?
            .map(|of| (of.name, of.account, Region::parse(&of.region).unwrap_or_default())),
        Named::Host { name, account } => Some((name, account, ctx.region().clone())),
        Named::Arn { name, account, region } => Some((name, account, region)),
    };
    let Some((name, account, region)) = place else {
        return Err(errors::invalid_access_point_alias(text));
    };
    // An access point is its account's, whoever comes through it.
    let place = Place::new(account, &region);
    let point = ctx.read(|tx| tx.elsewhere(&place).get(&ACCESS_POINTS, (name.as_str(),)))?;
    let Some(point) = point else {
        return if may_be_bucket {
            Ok(None)
        } else {
            Err(errors::no_such_access_point(&name))
        };
    };
    let bucket = access::find(ctx, &point.bucket)?.filter(|bucket| bucket.id == point.bucket_id);
    Ok(bucket.map(|bucket| Bucket {
        through: Some(Box::new(point)),
        ..bucket
    }))
}

impl AccessPoint {
    pub fn arn(&self) -> String {
        let region = Region::parse(&self.region).unwrap_or_default();
        format!(
            "arn:{}:s3:{}:{}:accesspoint/{}",
            region.partition(),
            self.region,
            self.account,
            self.name
        )
    }

    /// What policies call it, or an object behind it.
    pub fn resource(&self, key: Option<&str>) -> String {
        match key {
            Some(key) => format!("{}/object/{key}", self.arn()),
            None => self.arn(),
        }
    }

    pub fn network_origin(&self) -> &'static str {
        match self.vpc_id {
            Some(_) => "VPC",
            None => "Internet",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, check_name, is_host};
    use virga_base::{Account, Region};

    #[test]
    fn names_are_short_labels() {
        for good in ["abc", "my-point-1", "0ab", &"a".repeat(50)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in [
            "ab",
            "My-point",
            "a_b",
            "-abc",
            "abc-",
            "xn--abc",
            "abc-s3alias",
            "a.b",
            &"a".repeat(51),
        ] {
            assert_eq!(
                check_name(bad).err().map(|error| error.code.into_owned()).as_deref(),
                Some("InvalidURI"),
                "{bad}"
            );
        }
    }

    #[test]
    fn their_hosts_are_no_buckets() {
        for (host, expected) in [
            ("point-111122223333.s3-accesspoint.us-west-2.amazonaws.com", true),
            ("point-111122223333.s3-accesspoint-fips.us-west-2.localhost:4566", true),
            ("point-111122223333.localhost:4566", false),
            ("point-111122223333.s3.us-west-2.localhost", false),
            ("s3-accesspoint.localhost", false),
        ] {
            assert_eq!(is_host(host), expected, "{host}");
        }
    }

    #[test]
    fn requests_name_them_in_three_ways() {
        let account = Account::from_number(111_122_223_333);
        assert_eq!(Named::read("abc-x1-s3alias"), Some(Named::Alias));
        assert_eq!(
            Named::read("my-point-111122223333"),
            Some(Named::Host {
                name: "my-point".to_owned(),
                account
            })
        );
        assert_eq!(
            Named::read("arn:aws:s3:eu-west-1:111122223333:accesspoint/my-point"),
            Some(Named::Arn {
                name: "my-point".to_owned(),
                account,
                region: Region::parse("eu-west-1").unwrap_or_default()
            })
        );
        for other in ["my-bucket", "my-bucket-12345", "arn:aws:s3:::my-bucket", "111122223333"] {
            assert_eq!(Named::read(other), None, "{other}");
        }
    }
}
