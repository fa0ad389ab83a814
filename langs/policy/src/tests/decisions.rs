use super::{ARN, USER, asked, policy};
use crate::{Asker, Context, Decision, Policy, Reason, Request, Sources, Verdict, decide};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

#[test]
fn principals_are_told_apart() {
    let root = Asker::Principal {
        account: "111111111111",
        arn: "arn:aws:iam::111111111111:root",
        role_arn: None,
        unique_id: None,
        canonical_id: Some("1111111111111111111111111111111111111111111111111111111111111111"),
    };
    let session = Asker::Principal {
        account: "111111111111",
        arn: "arn:aws:sts::111111111111:assumed-role/r/s",
        role_arn: Some("arn:aws:iam::111111111111:role/r"),
        unique_id: Some("AROAEXAMPLEEXAMPLEEXA"),
        canonical_id: None,
    };
    let sns = Asker::Service {
        account: "111111111111",
        name: "sns.amazonaws.com",
    };
    let everybody = [&Asker::Anonymous, &USER, &root, &session, &sns];
    for (principal, who) in [
        (r#""*""#, &[true, true, true, true, true]),
        (r#"{"AWS":"*"}"#, &[true, true, true, true, true]),
        (r#"{"AWS":"111111111111"}"#, &[false, true, true, true, false]),
        (
            r#"{"AWS":"arn:aws:iam::111111111111:root"}"#,
            &[false, true, true, true, false],
        ),
        (
            r#"{"AWS":"arn:aws:iam::111111111111:user/u"}"#,
            &[false, true, false, false, false],
        ),
        (
            r#"{"AWS":"arn:aws:iam::111111111111:role/r"}"#,
            &[false, false, false, true, false],
        ),
        (
            r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/r/s"}"#,
            &[false, false, false, true, false],
        ),
        (
            r#"{"AWS":"AROAEXAMPLEEXAMPLEEXA"}"#,
            &[false, false, false, true, false],
        ),
        (
            r#"{"CanonicalUser":"1111111111111111111111111111111111111111111111111111111111111111"}"#,
            &[false, false, true, false, false],
        ),
        (
            r#"{"Service":"sns.amazonaws.com"}"#,
            &[false, false, false, false, true],
        ),
        (r#"{"AWS":"222222222222"}"#, &[false, false, false, false, false]),
    ] {
        for (asker, expected) in everybody.iter().zip(who) {
            let rest = format!(r#""Principal":{principal},"Resource":"*""#);
            let verdict = asked(&rest, asker, &Context::new());
            assert_eq!(verdict == Verdict::Allow, *expected, "{principal} {asker:?}");
            let others = format!(r#""NotPrincipal":{principal},"Resource":"*""#);
            let verdict = asked(&others, asker, &Context::new());
            assert_eq!(verdict == Verdict::Allow, !*expected, "not {principal} {asker:?}");
        }
    }
}

const ALLOW_ALL: &str = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
const DENY_ALL: &str = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
const ALLOW_OTHER: &str = r#"{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}"#;

fn resource(effect: &str, principal: &str) -> Policy {
    policy(&format!(
        r#"{{"Statement":{{"Effect":"{effect}","Principal":{{"AWS":"{principal}"}},"Action":"s3:Get*","Resource":"*"}}}}"#
    ))
}

fn decided(asker: Asker<'_>, sources: &Sources<'_>) -> Decision {
    let context = Context::new();
    let request = Request {
        asker,
        action: "s3:GetObject",
        resource: ARN,
        context: &context,
    };
    decide(&request, sources)
}

#[test]
fn within_an_account_either_policy_suffices_and_across_both_must_allow() {
    let (allow, other, deny) = (policy(ALLOW_ALL), policy(ALLOW_OTHER), policy(DENY_ALL));
    let (by_name, by_account) = (
        resource("Allow", "arn:aws:iam::111111111111:user/u"),
        resource("Allow", "111111111111"),
    );
    let not = resource("Deny", "111111111111");
    let (allow, other, deny) = (&[allow][..], &[other][..], &[deny][..]);
    type Row<'a> = (&'a str, Option<&'a [Policy]>, Option<&'a Policy>, Decision);
    let table: [Row<'_>; 12] = [
        (
            "111111111111",
            Some(allow),
            None,
            Decision::Allowed(Reason::IdentityPolicy),
        ),
        (
            "111111111111",
            Some(other),
            None,
            Decision::Silent(Reason::IdentityPolicy),
        ),
        ("111111111111", None, None, Decision::Allowed(Reason::Owner)),
        (
            "111111111111",
            Some(other),
            Some(&by_name),
            Decision::Allowed(Reason::ResourcePolicy),
        ),
        (
            "111111111111",
            Some(other),
            Some(&by_account),
            Decision::Silent(Reason::IdentityPolicy),
        ),
        (
            "111111111111",
            Some(allow),
            Some(&not),
            Decision::Denied(Reason::ResourcePolicy),
        ),
        (
            "111111111111",
            Some(deny),
            Some(&by_name),
            Decision::Denied(Reason::IdentityPolicy),
        ),
        (
            "222222222222",
            Some(allow),
            None,
            Decision::Silent(Reason::ResourcePolicy),
        ),
        (
            "222222222222",
            Some(other),
            Some(&by_name),
            Decision::Silent(Reason::IdentityPolicy),
        ),
        (
            "222222222222",
            Some(allow),
            Some(&by_name),
            Decision::Allowed(Reason::ResourcePolicy),
        ),
        (
            "222222222222",
            Some(allow),
            Some(&by_account),
            Decision::Allowed(Reason::ResourcePolicy),
        ),
        (
            "222222222222",
            None,
            Some(&by_account),
            Decision::Allowed(Reason::ResourcePolicy),
        ),
    ];
    for (owner, identity, resource, expected) in table {
        let sources = Sources {
            identity,
            resource,
            owner,
            ..Sources::default()
        };
        assert_eq!(decided(USER, &sources), expected, "{owner} {identity:?} {resource:?}");
    }
}

#[test]
fn boundaries_and_sessions_only_narrow() {
    let (allow, other) = (policy(ALLOW_ALL), policy(ALLOW_OTHER));
    let identity = [allow.clone()];
    let narrow = [other.clone()];
    let sources = Sources {
        identity: Some(&identity),
        owner: "111111111111",
        ..Sources::default()
    };
    let bounded = Sources {
        boundary: Some(&other),
        ..sources
    };
    assert_eq!(decided(USER, &bounded), Decision::Silent(Reason::PermissionsBoundary));
    let session = Sources {
        session: Some(&narrow),
        ..sources
    };
    assert_eq!(decided(USER, &session), Decision::Silent(Reason::SessionPolicy));
    let wide = Sources {
        boundary: Some(&allow),
        ..sources
    };
    assert_eq!(decided(USER, &wide), Decision::Allowed(Reason::IdentityPolicy));
}

#[test]
fn strangers_need_the_resource() {
    let sources = Sources {
        owner: "111111111111",
        ..Sources::default()
    };
    assert_eq!(
        decided(Asker::Anonymous, &sources),
        Decision::Silent(Reason::ResourcePolicy)
    );
    let open = resource("Allow", "*");
    let sources = Sources {
        resource: Some(&open),
        ..sources
    };
    assert!(decided(Asker::Anonymous, &sources).is_allowed());
}

proptest! {
    /// Whatever else is said, a denial wins, and more allowances never take away.
    #[test]
    fn denials_win(effects in proptest::collection::vec((any::<bool>(), any::<bool>()), 1..8)) {
        let statements: Vec<String> = effects
            .iter()
            .map(|(allow, applies)| {
                let effect = if *allow { "Allow" } else { "Deny" };
                let action = if *applies { "s3:GetObject" } else { "s3:PutObject" };
                format!(r#"{{"Effect":"{effect}","Principal":"*","Action":"{action}","Resource":"*"}}"#)
            })
            .collect();
        let policy = policy(&format!(r#"{{"Statement":[{}]}}"#, statements.join(",")));
        let context = Context::new();
        let request = Request { asker: USER, action: "s3:GetObject", resource: ARN, context: &context };
        let verdict = policy.evaluate(&request).verdict;
        let denied = effects.contains(&(false, true));
        let allowed = effects.contains(&(true, true));
        prop_assert_eq!(verdict == Verdict::Deny, denied);
        prop_assert!(denied || (verdict == Verdict::Allow) == allowed);
    }
}
