//! Amazon Resource Names: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.

use std::fmt;

/// Text that is no ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArnError;

impl fmt::Display for ArnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ARN has the form arn:partition:service:region:account:resource")
    }
}

impl std::error::Error for ArnError {}

/// An ARN in its six parts, as written. Region and account may be empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    pub partition: String,
    pub service: String,
    pub region: String,
    pub account: String,
    /// All behind the fifth colon, with its own colons and slashes.
    pub resource: String,
}

impl Arn {
    /// Splits an ARN at its first five colons.
    pub fn parse(text: &str) -> Result<Arn, ArnError> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or(ArnError);
        if next()? != "arn" {
            return Err(ArnError);
        }
        let (partition, service, region, account, resource) = (next()?, next()?, next()?, next()?, next()?);
        if partition.is_empty() || service.is_empty() || resource.is_empty() {
            return Err(ArnError);
        }
        Ok(Arn {
            partition: partition.into(),
            service: service.into(),
            region: region.into(),
            account: account.into(),
            resource: resource.into(),
        })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arn {
            partition,
            service,
            region,
            account,
            resource,
        } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
mod tests {
    use super::Arn;

    #[test]
    fn an_arn_reads_and_writes_the_same() {
        for text in [
            "arn:aws:sqs:us-east-1:000000000000:q",
            "arn:aws:s3:::bucket/key:with:colons",
        ] {
            assert_eq!(Arn::parse(text).map(|a| a.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        for text in [
            "",
            "arn",
            "arn:aws:sqs",
            "arn:aws:sqs:us-east-1:000000000000:",
            "urn:aws:sqs:r:a:q",
            "arn::sqs:r:a:q",
        ] {
            assert!(Arn::parse(text).is_err(), "{text}");
        }
    }
}
