//! Location constraints: the region that a new bucket is asked for.

use crate::errors;
use virga_base::{AwsError, Region};

/// The global endpoint's region, which takes constraints of all others.
const GLOBAL: &str = "us-east-1";

/// The regions that a constraint can name.
const CONSTRAINTS: [&str; 35] = [
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
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
/// Those that only their own partition knows.
const APART: [&str; 2] = ["us-gov-east-1", "us-gov-west-1"];

/// Where a new bucket goes.
#[derive(Debug, PartialEq, Eq)]
pub struct Location {
    pub region: String,
    /// As GetBucketLocation answers it; none in us-east-1.
    pub constraint: Option<String>,
}

/// The place that a constraint asks for at the endpoint of a region.
///
/// # Errors
/// AWS's two for constraints that are nothing, or another region's.
pub fn choose(endpoint: &Region, constraint: Option<&str>) -> Result<Location, AwsError> {
    let endpoint = endpoint.as_str();
    let Some(constraint) = constraint.filter(|constraint| !constraint.is_empty()) else {
        if endpoint != GLOBAL {
            return Err(errors::illegal_location_constraint("unspecified"));
        }
        return Ok(Location {
            region: GLOBAL.to_owned(),
            constraint: None,
        });
    };
    // The old name of Ireland.
    let region = if constraint == "EU" { "eu-west-1" } else { constraint };
    if endpoint != GLOBAL && endpoint != region {
        return Err(errors::illegal_location_constraint(constraint));
    }
    if endpoint == GLOBAL && !CONSTRAINTS.contains(&region) && !APART.contains(&region) {
        return Err(errors::invalid_location_constraint(constraint));
    }
    Ok(Location {
        region: region.to_owned(),
        constraint: Some(constraint.to_owned()),
    })
}

/// Whether a name is a region's, as ListBuckets checks.
pub fn is_region(name: &str) -> bool {
    name == GLOBAL || CONSTRAINTS.contains(&name) || APART.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::choose;
    use virga_base::Region;

    #[test]
    fn constraints_follow_the_endpoint() {
        let choose = |endpoint: &str, constraint: Option<&str>| {
            let endpoint = Region::parse(endpoint).unwrap_or_default();
            choose(&endpoint, constraint)
                .map(|location| location.region)
                .map_err(|error| error.code.into_owned())
        };
        let invalid = Err("InvalidLocationConstraint".to_owned());
        let illegal = Err("IllegalLocationConstraintException".to_owned());
        assert_eq!(choose("us-east-1", None), Ok("us-east-1".to_owned()));
        assert_eq!(choose("us-east-1", Some("us-east-1")), invalid);
        assert_eq!(choose("us-east-1", Some("aws-global")), invalid);
        assert_eq!(choose("us-east-1", Some("EU")), Ok("eu-west-1".to_owned()));
        assert_eq!(choose("us-east-2", None), illegal);
        assert_eq!(choose("us-east-2", Some("us-west-1")), illegal);
        assert_eq!(choose("us-east-2", Some("EU")), illegal);
        assert_eq!(choose("us-east-2", Some("us-east-2")), Ok("us-east-2".to_owned()));
    }
}
