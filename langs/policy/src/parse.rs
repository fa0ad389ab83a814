//! From text to a document, with the first fault found.

use crate::json::Json;
use crate::{Condition, Effect, Fault, Match, Operator, Pattern, Policy, Principals, Statement, Version};

/// Whether a member must, may or must not be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
    Forbidden,
}

/// What a kind of policy demands beyond the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub max_bytes: usize,
    pub principal: Need,
    pub resource: Need,
    pub unique_sids: bool,
    /// Whether a Sid may have letters and digits only, as in identities' policies.
    pub plain_sids: bool,
}

impl Rules {
    /// A policy of a resource.
    pub const RESOURCE: Rules = Rules {
        max_bytes: 20 * 1024,
        principal: Need::Required,
        resource: Need::Required,
        unique_sids: true,
        plain_sids: false,
    };
    /// A policy of a user, group or role.
    pub const IDENTITY: Rules = Rules {
        max_bytes: 6 * 1024,
        principal: Need::Forbidden,
        resource: Need::Required,
        unique_sids: true,
        plain_sids: true,
    };
    /// Who may assume a role.
    pub const TRUST: Rules = Rules {
        max_bytes: 2 * 1024,
        principal: Need::Required,
        resource: Need::Forbidden,
        unique_sids: true,
        plain_sids: true,
    };
    /// Whatever was accepted at some time.
    pub const LENIENT: Rules = Rules {
        max_bytes: usize::MAX,
        principal: Need::Optional,
        resource: Need::Optional,
        unique_sids: false,
        plain_sids: false,
    };
}

impl Policy {
    /// Reads a document under the rules of its kind.
    pub fn parse(text: &str, rules: &Rules) -> Result<Policy, Fault> {
        if text.len() > rules.max_bytes {
            return Err(Fault::TooLong {
                bytes: text.len(),
                max_bytes: rules.max_bytes,
            });
        }
        let members = match Json::parse(text) {
            Ok(Json::Object(members)) => members,
            Ok(_) => return Err(Fault::NotJson("a policy is an object".to_owned())),
            Err(why) => return Err(Fault::NotJson(why)),
        };
        let (mut version, mut id, mut statement) = (None, None, None);
        for (name, value) in &members {
            match name.as_str() {
                "Version" => version = Some(read_version(value)?),
                "Id" => id = Some(text_of(value, "Id")?),
                "Statement" => statement = Some(value),
                _ => return Err(Fault::UnknownField(name.clone())),
            }
        }
        let statements = match statement {
            None => return Err(Fault::Missing("Statement")),
            Some(one @ Json::Object(_)) => std::slice::from_ref(one),
            Some(Json::List(statements)) => statements.as_slice(),
            Some(_) => return Err(Fault::Kind("Statement")),
        };
        if statements.is_empty() {
            return Err(Fault::Empty("Statement"));
        }
        let variables = version == Some(Version::V2012);
        let mut parsed: Vec<Statement> = Vec::with_capacity(statements.len());
        for statement in statements {
            let Json::Object(members) = statement else {
                return Err(Fault::Kind("Statement"));
            };
            let statement = Reader { rules, variables }.statement(members)?;
            if let Some(sid) = statement.sid.as_deref().filter(|sid| !sid.is_empty())
                && rules.unique_sids
                && parsed.iter().any(|known| known.sid.as_deref() == Some(sid))
            {
                return Err(Fault::DuplicateSid(sid.to_owned()));
            }
            parsed.push(statement);
        }
        Ok(Policy {
            version: version.unwrap_or(Version::V2008),
            has_version: version.is_some(),
            id,
            statements: parsed,
        })
    }
}

fn read_version(value: &Json) -> Result<Version, Fault> {
    match value {
        Json::Text(text) if text == "2012-10-17" => Ok(Version::V2012),
        Json::Text(text) if text == "2008-10-17" => Ok(Version::V2008),
        Json::Text(text) => Err(Fault::Version(text.clone())),
        _ => Err(Fault::Kind("Version")),
    }
}

fn text_of(value: &Json, name: &'static str) -> Result<String, Fault> {
    match value {
        Json::Text(text) => Ok(text.clone()),
        _ => Err(Fault::Kind(name)),
    }
}

/// One value or a list of them.
fn list(value: &Json) -> &[Json] {
    match value {
        Json::List(items) => items,
        one => std::slice::from_ref(one),
    }
}

struct Reader<'a> {
    rules: &'a Rules,
    variables: bool,
}

impl Reader<'_> {
    fn statement(&self, members: &[(String, Json)]) -> Result<Statement, Fault> {
        const KNOWN: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        if let Some((name, _)) = members.iter().find(|(name, _)| !KNOWN.contains(&name.as_str())) {
            return Err(Fault::UnknownField(name.clone()));
        }
        let get = |wanted: &str| members.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let effect = match get("Effect") {
            None => return Err(Fault::Missing("Effect")),
            Some(Json::Text(text)) if text == "Allow" => Effect::Allow,
            Some(Json::Text(text)) if text == "Deny" => Effect::Deny,
            Some(Json::Text(text)) => return Err(Fault::Effect(text.clone())),
            Some(_) => return Err(Fault::Kind("Effect")),
        };
        let sid = get("Sid").map(|value| text_of(value, "Sid")).transpose()?;
        if let Some(sid) = &sid
            && self.rules.plain_sids
            && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err(Fault::Sid(sid.clone()));
        }
        let principal = pair("Principal", get("Principal"), get("NotPrincipal"), self.rules.principal)?;
        let principals = match principal {
            Some((value, negated)) => Some(Principals::parse(value, negated, "Principal")?),
            None => None,
        };
        let actions = match pair("Action", get("Action"), get("NotAction"), Need::Required)? {
            Some((value, negated)) => self.matching(value, negated, "Action")?,
            None => return Err(Fault::Missing("Action")),
        };
        if let Some(wrong) = actions.patterns.iter().find(|pattern| !is_action(pattern.text())) {
            return Err(Fault::Action(wrong.text().to_owned()));
        }
        let resource = pair("Resource", get("Resource"), get("NotResource"), self.rules.resource)?;
        let resources = match resource {
            Some((value, negated)) => Some(self.matching(value, negated, "Resource")?),
            None => None,
        };
        let patterns = resources.iter().flat_map(|resources| &resources.patterns);
        for pattern in patterns {
            if !is_resource(pattern.text()) {
                return Err(Fault::Resource(pattern.text().to_owned()));
            }
        }
        let conditions = match get("Condition") {
            Some(value) => self.conditions(value)?,
            None => Vec::new(),
        };
        Ok(Statement {
            sid,
            effect,
            principals,
            actions,
            resources,
            conditions,
        })
    }

    fn matching(&self, value: &Json, negated: bool, name: &'static str) -> Result<Match, Fault> {
        let items = list(value);
        if items.is_empty() {
            return Err(Fault::Empty(name));
        }
        let mut patterns = Vec::with_capacity(items.len());
        for item in items {
            let Json::Text(text) = item else {
                return Err(Fault::Kind(name));
            };
            // Actions never have variables.
            patterns.push(Pattern::parse(text, self.variables && name == "Resource")?);
        }
        Ok(Match { negated, patterns })
    }

    fn conditions(&self, value: &Json) -> Result<Vec<Condition>, Fault> {
        let Json::Object(operators) = value else {
            return Err(Fault::Kind("Condition"));
        };
        let mut conditions = Vec::new();
        for (name, keys) in operators {
            let operator = Operator::parse(name).ok_or_else(|| Fault::Operator(name.clone()))?;
            let Json::Object(keys) = keys else {
                return Err(Fault::Kind("Condition"));
            };
            for (key, wanted) in keys {
                let mut values = Vec::new();
                for value in list(wanted) {
                    let text = match value {
                        Json::Text(text) | Json::Number(text) => text.clone(),
                        Json::Bool(truth) => truth.to_string(),
                        Json::Null | Json::List(_) | Json::Object(_) => return Err(Fault::Kind("Condition")),
                    };
                    values.push(Pattern::parse(&text, self.variables)?);
                }
                let condition = Condition {
                    operator,
                    operator_name: name.clone(),
                    key: key.clone(),
                    values,
                };
                condition.check()?;
                conditions.push(condition);
            }
        }
        Ok(conditions)
    }
}

/// The one of a pair that is there, and whether it is the one that begins with `Not`.
fn pair<'a>(
    name: &'static str,
    plain: Option<&'a Json>,
    negated: Option<&'a Json>,
    need: Need,
) -> Result<Option<(&'a Json, bool)>, Fault> {
    let found = match (plain, negated) {
        (Some(_), Some(_)) => return Err(Fault::Both(name)),
        (Some(value), None) => Some((value, false)),
        (None, Some(value)) => Some((value, true)),
        (None, None) => None,
    };
    match (need, &found) {
        (Need::Required, None) => Err(Fault::Missing(name)),
        (Need::Forbidden, Some(_)) => Err(Fault::Forbidden(name)),
        _ => Ok(found),
    }
}

fn is_action(text: &str) -> bool {
    let part = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*' | b'?'))
    };
    text == "*"
        || text
            .split_once(':')
            .is_some_and(|(service, name)| part(service) && part(name))
}

fn is_resource(text: &str) -> bool {
    text == "*" || text.starts_with("arn:") || text.starts_with("*:") || text.starts_with("${")
}
