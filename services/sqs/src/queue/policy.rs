//! Queue policies: whom they let in, and what AddPermission writes into them.

use serde_json::{Map, Value as Json, json};

/// Who asks.
pub enum Asker<'a> {
    Anonymous,
    /// A user, role or root of an account, by the account's number and its own ARN.
    Principal {
        account: &'a str,
        arn: &'a str,
    },
    /// An AWS service, acting for an account.
    Service {
        account: &'a str,
        name: &'a str,
    },
}

/// What a policy says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    Deny,
    Silent,
}

/// Asks a policy. Conditions that are not understood are not met.
pub fn evaluate(policy: &str, action: &str, queue_arn: &str, asker: &Asker<'_>) -> Verdict {
    let Ok(policy) = serde_json::from_str::<Json>(policy) else {
        return Verdict::Silent;
    };
    let mut verdict = Verdict::Silent;
    for statement in list(policy.get("Statement")) {
        if !applies(statement, action, queue_arn, asker) {
            continue;
        }
        match statement.get("Effect").and_then(Json::as_str) {
            Some("Deny") => return Verdict::Deny,
            Some("Allow") => verdict = Verdict::Allow,
            _ => {}
        }
    }
    verdict
}

/// One value or an array of them.
fn list(value: Option<&Json>) -> &[Json] {
    match value {
        Some(Json::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

fn texts(value: Option<&Json>) -> impl Iterator<Item = &str> {
    list(value).iter().filter_map(Json::as_str)
}

fn applies(statement: &Json, action: &str, queue_arn: &str, asker: &Asker<'_>) -> bool {
    let action = format!("sqs:{action}").to_ascii_lowercase();
    let names_action = |key| texts(statement.get(key)).any(|pattern| glob(&pattern.to_ascii_lowercase(), &action));
    let of_action = if statement.get("Action").is_some() {
        names_action("Action")
    } else {
        statement.get("NotAction").is_some() && !names_action("NotAction")
    };
    let of_resource =
        statement.get("Resource").is_none() || texts(statement.get("Resource")).any(|pattern| glob(pattern, queue_arn));
    of_action && of_resource && of_principal(statement.get("Principal"), asker) && conditions_met(statement, asker)
}

fn of_principal(principal: Option<&Json>, asker: &Asker<'_>) -> bool {
    match principal {
        Some(Json::String(text)) => text == "*",
        Some(Json::Object(kinds)) => {
            let aws = texts(kinds.get("AWS")).any(|pattern| {
                pattern == "*"
                    || match asker {
                        Asker::Principal { account, arn } => {
                            pattern == *account
                                || pattern == *arn
                                || (pattern.ends_with(":root") && pattern.split(':').nth(4) == Some(account))
                        }
                        Asker::Anonymous | Asker::Service { .. } => false,
                    }
            });
            aws || matches!(asker, Asker::Service { name, .. } if texts(kinds.get("Service")).any(|text| text == *name))
        }
        _ => false,
    }
}

fn conditions_met(statement: &Json, asker: &Asker<'_>) -> bool {
    let Some(conditions) = statement.get("Condition") else {
        return true;
    };
    conditions.as_object().is_some_and(|operators| {
        operators.iter().all(|(operator, keys)| {
            keys.as_object().is_some_and(|keys| {
                keys.iter()
                    .all(|(key, wanted)| condition_met(operator, key, wanted, asker))
            })
        })
    })
}

fn condition_met(operator: &str, key: &str, wanted: &Json, asker: &Asker<'_>) -> bool {
    if !matches!(
        operator,
        "StringEquals" | "StringLike" | "StringEqualsIgnoreCase" | "ArnEquals" | "ArnLike"
    ) {
        return false;
    }
    let any = |is: &dyn Fn(&str) -> bool| texts(Some(wanted)).any(is);
    match (key.to_ascii_lowercase().as_str(), asker) {
        ("aws:sourceaccount", Asker::Service { account, .. }) => any(&|pattern| glob(pattern, account)),
        // A service does not say on behalf of which resource it calls, only for which account.
        ("aws:sourcearn", Asker::Service { account, .. }) => any(&|pattern| {
            let owner = pattern.split(':').nth(4).unwrap_or_default();
            owner.is_empty() || glob(owner, account)
        }),
        ("aws:principalaccount", Asker::Principal { account, .. }) => any(&|pattern| glob(pattern, account)),
        ("aws:principalarn", Asker::Principal { arn, .. }) => any(&|pattern| glob(pattern, arn)),
        _ => false,
    }
}

/// Matches `*` and `?`.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b) if *b == b'?' || *b == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
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
    use super::{Asker, Verdict, add_statement, evaluate, glob, remove_statement};

    const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:q";

    fn ask(statement: &str, action: &str, asker: &Asker<'_>) -> Verdict {
        evaluate(&format!(r#"{{"Statement":[{statement}]}}"#), action, ARN, asker)
    }

    #[test]
    fn principals_and_actions_are_matched() {
        let other = Asker::Principal {
            account: "111111111111",
            arn: "arn:aws:iam::111111111111:user/u",
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

    #[test]
    fn globs() {
        assert!(glob("a*c?e*", "abbbcde") && glob("*", "") && !glob("a?", "a") && !glob("ab", "abc"));
    }
}
