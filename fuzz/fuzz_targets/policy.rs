//! Policies: whatever is claimed must end, and a denial of everything must win.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virga_lang_policy::{Asker, Context, Pattern, Policy, Request, Rules, Sources, decide};

fuzz_target!(|input: (&str, &str, &str)| {
    let (document, pattern, value) = input;
    let mut context = Context::new();
    context.add("aws:SourceIp", "127.0.0.1");
    context.add("aws:username", value);
    context.extend("s3:prefix", [value.to_owned(), pattern.to_owned()]);
    if let Ok(pattern) = Pattern::parse(pattern, true) {
        let _ = pattern.matches(value, &context);
        let _ = pattern.matches_arn(value, &context);
        let _ = pattern.matches_ignoring_case(value, &context);
    }
    let Ok(policy) = Policy::parse(document, &Rules::LENIENT) else {
        return;
    };
    let _ = policy.is_public();
    let asker = Asker::Principal {
        account: "111111111111",
        arn: "arn:aws:iam::111111111111:user/u",
        role_arn: None,
        unique_id: None,
        canonical_id: None,
    };
    for asker in [Asker::Anonymous, asker] {
        let request = Request {
            asker,
            action: "s3:GetObject",
            resource: value,
            context: &context,
        };
        let _ = policy.evaluate(&request);
        let deny = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#;
        let deny = Policy::parse(deny, &Rules::LENIENT).expect("a good policy");
        let sources = Sources {
            identity: Some(std::slice::from_ref(&policy)),
            resource: Some(&deny),
            owner: "111111111111",
            ..Sources::default()
        };
        assert!(!decide(&request, &sources).is_allowed());
    }
});
