//! Queue policies: whom they let in, and what AddPermission writes into them.

use serde_json::{Map, Value as Json, json};
use virga_lang_policy::{Asker, Context, Pattern, Policy, Request, Rules, Verdict};

/// Asks a policy. One that cannot be understood says nothing.
pub fn evaluate(policy: &str, action: &str, queue_arn: &str, asker: &Asker<'_>) -> Verdict {
    let Ok(policy) = Policy::parse(policy, &Rules::LENIENT) else {
        return Verdict::Silent;
    };
    let action = format!("sqs:{action}");
    let context = context(&policy, asker);
    let request = Request {
        asker: *asker,
        action: &action,
        resource: queue_arn,
        context: &context,
    };
    policy.evaluate(&request).verdict
}

/// What the conditions may ask for.
fn context(policy: &Policy, asker: &Asker<'_>) -> Context {
    let mut context = Context::new();
    match asker {
        Asker::Principal { account, arn, .. } => {
            context.add("aws:PrincipalAccount", *account);
            context.add("aws:PrincipalArn", *arn);
        }
        Asker::Service { account, .. } => {
            context.add("aws:SourceAccount", *account);
            // A service does not say on behalf of which resource it calls, only for which account: it is any that the
            // policy asks for there.
            let conditions = policy.statements.iter().flat_map(|statement| &statement.conditions);
            let wanted = conditions.filter(|condition| condition.key.eq_ignore_ascii_case("aws:SourceArn"));
            for value in wanted.flat_map(|condition| &condition.values) {
                let owner = value.text().split(':').nth(4).unwrap_or_default();
                let own = Pattern::parse(owner, false).is_ok_and(|owner| owner.matches(account, &context));
                if owner.is_empty() || own {
                    context.add("aws:SourceArn", value.text());
                }
            }
        }
        Asker::Anonymous | Asker::Federated { .. } => {}
    }
    context
}

/// One value or an array of them.
fn list(value: Option<&Json>) -> &[Json] {
    match value {
        Some(Json::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// Adds a statement to a queue's policy, as AddPermission does. `None` where the label is taken.
pub fn add_statement(
    policy: Option<&str>,
    queue_arn: &str,
    label: &str,
    accounts: &[String],
    actions: &[String],
) -> Option<String> {
    let mut policy = read(policy).unwrap_or_else(|| {
        let mut policy = Map::new();
        policy.insert("Version".into(), json!("2012-10-17"));
        policy.insert("Id".into(), json!(format!("{queue_arn}/SQSDefaultPolicy")));
        policy
    });
    let mut statements = list(policy.get("Statement")).to_vec();
    if statements.iter().any(|statement| is_labelled(statement, label)) {
        return None;
    }
    let one_or_all = |values: Vec<String>| match <[String; 1]>::try_from(values) {
        Ok([one]) => json!(one),
        Err(all) => json!(all),
    };
    let principals = accounts
        .iter()
        .map(|account| format!("arn:aws:iam::{account}:root"))
        .collect();
    let actions = actions.iter().map(|action| format!("SQS:{action}")).collect();
    statements.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_all(principals) },
        "Action": one_or_all(actions),
        "Resource": queue_arn,
    }));
    policy.insert("Statement".into(), Json::Array(statements));
    Some(Json::Object(policy).to_string())
}

/// Takes a labelled statement out of a policy, as RemovePermission does. `None` where there is no such label;
/// `Some(None)` where nothing is left.
pub fn remove_statement(policy: Option<&str>, label: &str) -> Option<Option<String>> {
    let mut policy = read(policy)?;
    let mut statements = list(policy.get("Statement")).to_vec();
    let before = statements.len();
    statements.retain(|statement| !is_labelled(statement, label));
    if statements.len() == before {
        return None;
    }
    if statements.is_empty() {
        return Some(None);
    }
    policy.insert("Statement".into(), Json::Array(statements));
    Some(Some(Json::Object(policy).to_string()))
}

fn read(policy: Option<&str>) -> Option<Map<String, Json>> {
    match serde_json::from_str(policy?) {
        Ok(Json::Object(policy)) => Some(policy),
        _ => None,
    }
}

fn is_labelled(statement: &Json, label: &str) -> bool {
    statement.get("Sid").and_then(Json::as_str) == Some(label)
}

#[cfg(test)]
mod tests {
    use super::{add_statement, evaluate, remove_statement};
    use virga_lang_policy::{Asker, Verdict};

    const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:q";

    fn ask(statement: &str, action: &str, asker: &Asker<'_>) -> Verdict {
        evaluate(&format!(r#"{{"Statement":[{statement}]}}"#), action, ARN, asker)
    }

    #[test]
    fn principals_and_actions_are_matched() {
        let other = Asker::Principal {
            account: "111111111111",
            arn: "arn:aws:iam::111111111111:user/u",
            role_arn: None,
            unique_id: None,
            canonical_id: None,
        };
        let open = r#"{"Effect":"Allow","Principal":"*","Action":"sqs:Send*","Resource":"*"}"#;
        assert_eq!(ask(open, "SendMessage", &Asker::Anonymous), Verdict::Allow);
        assert_eq!(ask(open, "ReceiveMessage", &Asker::Anonymous), Verdict::Silent);
        for principal in [
            "111111111111",
            "arn:aws:iam::111111111111:root",
            "arn:aws:iam::111111111111:user/u",
        ] {
            let statement = format!(r#"{{"Effect":"Allow","Principal":{{"AWS":["{principal}"]}},"Action":"SQS:*"}}"#);
            assert_eq!(ask(&statement, "SendMessage", &other), Verdict::Allow, "{principal}");
            assert_eq!(ask(&statement, "SendMessage", &Asker::Anonymous), Verdict::Silent);
        }
        let shut = format!(r#"{open},{{"Effect":"Deny","Principal":"*","Action":"sqs:SendMessage"}}"#);
        assert_eq!(ask(&shut, "SendMessage", &other), Verdict::Deny);
    }

    #[test]
    fn conditions_that_are_not_understood_are_not_met() {
        let with = |condition: &str| {
            format!(
                r#"{{"Effect":"Allow","Principal":{{"Service":"sns.amazonaws.com"}},"Action":"sqs:SendMessage","Condition":{condition}}}"#
            )
        };
        let sns = Asker::Service {
            account: "111111111111",
            name: "sns.amazonaws.com",
        };
        for (condition, verdict) in [
            (
                r#"{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:111111111111:t"}}"#,
                Verdict::Allow,
            ),
            (
                r#"{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:222222222222:t"}}"#,
                Verdict::Silent,
            ),
            (
                r#"{"StringEquals":{"aws:SourceAccount":"111111111111"}}"#,
                Verdict::Allow,
            ),
            (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, Verdict::Silent),
        ] {
            assert_eq!(ask(&with(condition), "SendMessage", &sns), verdict, "{condition}");
        }
    }

    #[test]
    fn statements_come_and_go_by_label() {
        let texts = |list: &[&str]| -> Vec<String> { list.iter().map(|text| (*text).to_owned()).collect() };
        let first = add_statement(None, ARN, "a", &texts(&["111111111111"]), &texts(&["*"])).unwrap_or_default();
        assert_eq!(
            first,
            r#"{"Version":"2012-10-17","Id":"arn:aws:sqs:us-east-1:000000000000:q/SQSDefaultPolicy","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"SQS:*","Resource":"arn:aws:sqs:us-east-1:000000000000:q"}]}"#
        );
        assert_eq!(
            add_statement(Some(&first), ARN, "a", &texts(&["1"]), &texts(&["*"])),
            None
        );
        let both = add_statement(Some(&first), ARN, "b", &texts(&["1", "2"]), &texts(&["SendMessage"]));
        assert_eq!(remove_statement(both.as_deref(), "b"), Some(Some(first.clone())));
        assert_eq!(remove_statement(Some(&first), "b"), None);
        assert_eq!(remove_statement(Some(&first), "a"), Some(None));
    }
}
