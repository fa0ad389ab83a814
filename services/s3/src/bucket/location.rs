//! Location constraints: the region that a new bucket is asked for.

use crate::errors;
use virga_base::{AwsError, Region};

/// The global endpoint's region, which takes constraints of all others.
const GLOBAL: &str = "us-east-1";

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
    if endpoint == GLOBAL && (region == GLOBAL || !Region::is_name_known(region)) {
        return Err(errors::invalid_location_constraint(constraint));
    }
    Ok(Location {
        region: region.to_owned(),
        constraint: Some(constraint.to_owned()),
    })
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
