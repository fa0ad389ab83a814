use super::policy;

fn is_public(rest: &str) -> bool {
    policy(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Action":"s3:*","Resource":"*",{rest}}}}}"#
    ))
    .is_public()
}

#[test]
fn wildcards_are_public_unless_narrowed_to_fixed_values() {
    for (rest, expected) in [
        (r#""Effect":"Allow","Principal":"*""#, true),
        (r#""Effect":"Allow","Principal":{"AWS":["111111111111","*"]}"#, true),
        (r#""Effect":"Deny","Principal":"*""#, false),
        (r#""Effect":"Allow","Principal":{"AWS":"111111111111"}"#, false),
        (r#""Effect":"Allow","NotPrincipal":{"AWS":"111111111111"}"#, true),
    ] {
        assert_eq!(is_public(rest), expected, "{rest}");
    }
    for (condition, expected) in [
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, false),
        (r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}}"#, true),
        (r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, true),
        (r#"{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}"#, false),
        (r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#, true),
        (
            r#"{"StringEquals":{"aws:PrincipalOrgID":"${aws:PrincipalOrgID}"}}"#,
            true,
        ),
        (r#"{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-91237329"}}"#, true),
        (r#"{"StringEquals":{"s3:prefix":"public"}}"#, true),
        (
            r#"{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:123456789012:accesspoint/*"}}"#,
            false,
        ),
        (
            r#"{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:*:*:accesspoint/*"}}"#,
            true,
        ),
    ] {
        let rest = format!(r#""Effect":"Allow","Principal":"*","Condition":{condition}"#);
        assert_eq!(is_public(&rest), expected, "{rest}");
    }
}
