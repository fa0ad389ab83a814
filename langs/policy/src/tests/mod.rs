mod conditions;
mod decisions;
mod documents;
mod patterns;
mod public;

use crate::{Asker, Context, Policy, Request, Rules, Verdict};

const ARN: &str = "arn:aws:s3:::bucket/key";
const USER: Asker<'_> = Asker::Principal {
    account: "111111111111",
    arn: "arn:aws:iam::111111111111:user/u",
    role_arn: None,
    unique_id: None,
    canonical_id: None,
};

/// What a document with one statement says to an anonymous reader of [`ARN`]; `rest` are the statement's other members.
fn said(rest: &str, context: &Context) -> Verdict {
    asked(rest, &Asker::Anonymous, context)
}

fn asked(rest: &str, asker: &Asker<'_>, context: &Context) -> Verdict {
    let policy = policy(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:GetObject",{rest}}}}}"#
    ));
    let request = Request {
        asker: *asker,
        action: "s3:GetObject",
        resource: ARN,
        context,
    };
    policy.evaluate(&request).verdict
}

fn policy(text: &str) -> Policy {
    Policy::parse(text, &Rules::LENIENT).unwrap_or_else(|fault| panic!("{fault} in {text}"))
}
