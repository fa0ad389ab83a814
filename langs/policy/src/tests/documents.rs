use crate::{Fault, Grantee, Need, Policy, Rules, Version};
use proptest::prelude::{any, prop_assert_eq, proptest};

fn fault(text: &str) -> Option<Fault> {
    Policy::parse(text, &Rules::RESOURCE).err()
}

fn of(statement: &str) -> Option<Fault> {
    fault(&format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#))
}

#[test]
fn a_document_is_understood() {
    let text = r#"{"Id":"x","Statement":{"Sid":"s","Effect":"Deny","NotPrincipal":{"AWS":["111111111111",
        "arn:aws:iam::222222222222:root","arn:aws:iam::222222222222:role/a/b"],"Service":"sns.amazonaws.com"},
        "NotAction":["s3:Get*"],"NotResource":"arn:aws:s3:::b/*"}}"#;
    let policy = super::policy(text);
    assert_eq!((policy.version, policy.has_version), (Version::V2008, false));
    let [statement] = policy.statements.as_slice() else {
        panic!("{policy:?}");
    };
    let principals = statement.principals.as_ref();
    assert_eq!(
        principals.map(|principals| (principals.negated, principals.grantees.clone())),
        Some((
            true,
            vec![
                Grantee::Account("111111111111".to_owned()),
                Grantee::Account("222222222222".to_owned()),
                Grantee::Arn("arn:aws:iam::222222222222:role/a/b".to_owned()),
                Grantee::Service("sns.amazonaws.com".to_owned()),
            ]
        ))
    );
    assert!(statement.actions.negated && statement.resources.as_ref().is_some_and(|resources| resources.negated));
    assert!(statement.actions.names("s3:PutObject") && !statement.actions.names("S3:getobject"));
}

#[test]
fn faults_of_documents() {
    for (text, expected) in [
        ("", "not JSON"),
        ("[]", "not JSON: a policy is an object"),
        (r#"{"Statement":[]}"#, "Statement is empty"),
        ("{}", "Statement is missing"),
        (r#"{"Statement":"x"}"#, "Statement is of the wrong kind"),
        (r#"{"Statement":["x"]}"#, "Statement is of the wrong kind"),
        (
            r#"{"Version":"2013-01-01","Statement":[]}"#,
            "unknown version 2013-01-01",
        ),
        (r#"{"Version":2012,"Statement":[]}"#, "Version is of the wrong kind"),
        (r#"{"version":"2012-10-17","Statement":[]}"#, "unknown field version"),
        (r#"{"Statement":[],"Statement":[]}"#, "stands twice"),
    ] {
        let said = fault(text).map(|fault| fault.to_string()).unwrap_or_default();
        assert!(said.contains(expected), "{text}: {said}");
    }
    let deep = format!("{}{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    assert!(matches!(fault(&deep), Some(Fault::NotJson(_))));
    let long = format!(r#"{{"Id":"{}"}}"#, "x".repeat(21_000));
    assert!(matches!(fault(&long), Some(Fault::TooLong { max_bytes: 20_480, .. })));
}

#[test]
fn faults_of_statements() {
    let good = r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#;
    assert_eq!(of(&format!("{{{good}}}")), None);
    for (statement, expected) in [
        (
            r#"{"Principal":"*","Action":"s3:*","Resource":"*"}"#,
            Fault::Missing("Effect"),
        ),
        (
            r#"{"Effect":"allow","Principal":"*","Action":"s3:*","Resource":"*"}"#,
            Fault::Effect("allow".to_owned()),
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
            Fault::Missing("Principal"),
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Resource":"*"}"#,
            Fault::Missing("Action"),
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:*"}"#,
            Fault::Missing("Resource"),
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"GetObject","Resource":"*"}"#,
            Fault::Action("GetObject".to_owned()),
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":[],"Resource":"*"}"#,
            Fault::Empty("Action"),
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"bucket"}"#,
            Fault::Resource("bucket".to_owned()),
        ),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"bob"},"Action":"s3:*","Resource":"*"}"#,
            Fault::Principal {
                kind: "AWS",
                value: "bob".to_owned(),
            },
        ),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/*"},"Action":"s3:*","Resource":"*"}"#,
            Fault::Principal {
                kind: "AWS",
                value: "arn:aws:iam::111111111111:user/*".to_owned(),
            },
        ),
        (
            r#"{"Effect":"Allow","Principal":{"aws":"*"},"Action":"s3:*","Resource":"*"}"#,
            Fault::PrincipalKind("aws".to_owned()),
        ),
    ] {
        assert_eq!(of(statement), Some(expected), "{statement}");
    }
    for (more, expected) in [
        (r#""NotAction":"s3:*""#, Fault::Both("Action")),
        (r#""Actions":"s3:*""#, Fault::UnknownField("Actions".to_owned())),
        (r#""Condition":[]"#, Fault::Kind("Condition")),
        (
            r#""Condition":{"StringEqual":{"a":"b"}}"#,
            Fault::Operator("StringEqual".to_owned()),
        ),
        (
            r#""Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/40"}}"#,
            Fault::ConditionValue {
                operator: "IpAddress".to_owned(),
                key: "aws:SourceIp".to_owned(),
                value: "10.0.0.0/40".to_owned(),
            },
        ),
        (r#""Sid":7"#, Fault::Kind("Sid")),
    ] {
        assert_eq!(of(&format!("{{{good},{more}}}")), Some(expected), "{more}");
    }
    let twice = format!(r#"{{"Sid":"a",{good}}},{{"Sid":"a",{good}}}"#);
    assert_eq!(of(&twice), Some(Fault::DuplicateSid("a".to_owned())));
}

#[test]
fn kinds_of_policies_have_their_rules() {
    let with_principal = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    let forbidden = Policy::parse(with_principal, &Rules::IDENTITY).err();
    assert_eq!(forbidden, Some(Fault::Forbidden("Principal")));
    assert_eq!(
        Policy::parse(with_principal, &Rules::TRUST).err(),
        Some(Fault::Forbidden("Resource"))
    );
    let bare = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*"}}"#;
    let rules = Rules {
        resource: Need::Optional,
        ..Rules::RESOURCE
    };
    assert!(Policy::parse(bare, &rules).is_ok());
    let sid = r#"{"Statement":{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}}"#;
    assert_eq!(
        Policy::parse(sid, &Rules::IDENTITY).err(),
        Some(Fault::Sid("a b".to_owned()))
    );
}

proptest! {
    #[test]
    fn whatever_is_sent_ends(text in any::<String>()) {
        prop_assert_eq!(Policy::parse(&text, &Rules::RESOURCE).is_ok(), false);
    }
}
