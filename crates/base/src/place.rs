//! Where something lives: account, region, partition.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Text that is no account or region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceError(pub &'static str);

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for PlaceError {}

/// A twelve-digit AWS account number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Account(u64);

impl Account {
    /// The account of callers whose access key names no other.
    pub const DEFAULT: Account = Account(0);

    /// Reads exactly twelve ASCII digits.
    pub fn parse(text: &str) -> Result<Account, PlaceError> {
        if text.len() != 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PlaceError("an account is twelve digits"));
        }
        text.parse()
            .map(Account)
            .map_err(|_| PlaceError("an account is twelve digits"))
    }

    /// The account number, below 10^12.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The reverse of [`Account::number`]; numbers of more than twelve digits are cut to their last twelve.
    pub fn from_number(number: u64) -> Account {
        Account(number % 1_000_000_000_000)
    }

    /// What `write` makes of its twelve digits. Not by the formatter, because every call writes accounts.
    pub fn with_digits<T>(self, write: impl FnOnce(&str) -> T) -> T {
        const ABOVE: u64 = 1_000_000_000_000;
        // A one in front keeps the zeros.
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(ABOVE + self.0 % ABOVE);
        write(digits.get(1..).unwrap_or_default())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_digits(|digits| f.write_str(digits))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A region's name, such as `us-east-1`. Cheap to clone.
#[derive(Clone)]
pub struct Region(Name);

#[derive(Clone)]
enum Name {
    /// One of [`REGIONS`], by position: every call carries its region through all stages, so these count no references and
    /// are small.
    Known(u8),
    Other(Arc<str>),
}

/// AWS's regions as of November 2026, sorted.
const REGIONS: [&str; 38] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Where `us-east-1` stands among them.
const DEFAULT_INDEX: u8 = 32;

impl Region {
    /// The region of requests that name none.
    pub const DEFAULT_NAME: &'static str = REGIONS[DEFAULT_INDEX as usize];

    /// Accepts any well-formed region name (lower-case letters, digits and hyphens, at most 32 bytes), known or not, so
    /// that regions AWS opens later work today.
    pub fn parse(text: &str) -> Result<Region, PlaceError> {
        let well_formed = !text.is_empty()
            && text.len() <= 32
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if let Ok(index) = REGIONS.binary_search(&text) {
            return Ok(Region(Name::Known(index as u8)));
        }
        if well_formed {
            Ok(Region(Name::Other(text.into())))
        } else {
            Err(PlaceError("a region is lower-case letters, digits and hyphens"))
        }
    }

    /// Whether AWS has a region of that name.
    pub fn is_name_known(name: &str) -> bool {
        REGIONS.binary_search(&name).is_ok()
    }

    /// The region's name.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Always one of them.
            Name::Known(index) => REGIONS.get(usize::from(*index)).copied().unwrap_or_default(),
            Name::Other(name) => name,
        }
    }

    /// The partition that the region belongs to, by AWS's naming.
    pub fn partition(&self) -> Partition {
        let starts = [
            ("cn-", Partition::China),
            ("us-gov-", Partition::GovCloud),
            ("us-iso-", Partition::Iso),
            ("us-isob-", Partition::IsoB),
            ("eu-isoe-", Partition::IsoE),
            ("us-isof-", Partition::IsoF),
            ("eusc-", Partition::Eusc),
        ];
        let found = starts.into_iter().find(|(start, _)| self.as_str().starts_with(start));
        found.map_or(Partition::Aws, |(_, partition)| partition)
    }
}

impl Default for Region {
    fn default() -> Region {
        Region(Name::Known(DEFAULT_INDEX))
    }
}

impl PartialEq for Region {
    fn eq(&self, other: &Region) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Region {}

impl PartialOrd for Region {
    fn partial_cmp(&self, other: &Region) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Region {
    fn cmp(&self, other: &Region) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Region {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A group of regions with a common set of ARNs and host names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    Aws,
    China,
    GovCloud,
    Iso,
    IsoB,
    IsoE,
    IsoF,
    /// The European Sovereign Cloud.
    Eusc,
}

impl Partition {
    /// The partition's name, the second part of an ARN.
    pub fn as_str(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
            Partition::China => "aws-cn",
            Partition::GovCloud => "aws-us-gov",
            Partition::Iso => "aws-iso",
            Partition::IsoB => "aws-iso-b",
            Partition::IsoE => "aws-iso-e",
            Partition::IsoF => "aws-iso-f",
            Partition::Eusc => "aws-eusc",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, Partition, Region};

    #[test]
    fn an_account_is_exactly_twelve_digits() {
        assert_eq!(Account::parse("000000000042").map(Account::number), Ok(42));
        assert_eq!(
            Account::parse("000000000042").map(|a| a.to_string()).as_deref(),
            Ok("000000000042")
        );
        for wrong in ["", "42", "0000000000042", "00000000004x", "+00000000042"] {
            assert!(Account::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_region_tells_its_partition() {
        let partition = |name: &str| Region::parse(name).map(|r| r.partition());
        assert_eq!(partition("eu-central-1"), Ok(Partition::Aws));
        assert_eq!(partition("cn-north-1"), Ok(Partition::China));
        assert_eq!(partition("us-gov-west-1"), Ok(Partition::GovCloud));
        assert_eq!(partition("us-iso-east-1"), Ok(Partition::Iso));
        assert_eq!(partition("us-isob-east-1"), Ok(Partition::IsoB));
        assert_eq!(partition("eusc-de-east-1"), Ok(Partition::Eusc));
        assert!(super::REGIONS.is_sorted() && super::REGIONS.contains(&Region::DEFAULT_NAME));
        assert_eq!(Region::parse("xx-new-1").as_ref().map(Region::as_str), Ok("xx-new-1"));
        assert!(Region::parse("US-EAST-1").is_err());
        assert!(Region::parse("").is_err());
    }
}
