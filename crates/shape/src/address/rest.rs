//! REST: the operation by method, path, query string and headers.

use super::directory::{self, Directory};
use super::table::{self, Fit, Request};
use super::{AddressError, Addressed, Facts, host};
use crate::{Protocol, ServiceModel};

/// Services with REST operations that callers need not sign. They are looked at only for those.
const UNSIGNED: &[&str] = &["signin", "sso", "sso-oidc"];

/// Services that live on, in the same form, in another with the same signing name.
const SUPERSEDED: &[&str] = &["chime", "greengrass", "lex-models", "wisdom"];

/// Operations of the same form that signatures tell apart: scope, what the form says, what is meant.
const BY_SCOPE: &[(&str, &str, &str)] = &[("s3express", "ListBuckets", "ListDirectoryBuckets")];

/// Finds the operation among the services that the request can mean.
pub fn find<'a>(directory: &'static Directory, facts: &Facts<'a>) -> Result<Addressed<'a>, AddressError> {
    let of_host: Vec<u16> = directory.of_host(facts.host).collect();
    let scoped: Vec<u16> = match facts.scope {
        Some(scope) => directory.by_scope(scope).collect(),
        None => Vec::new(),
    };
    let bucket = host::bucket(facts.host);
    let hint = (facts.user_agent)().and_then(named_by);
    let mut candidates: Vec<u16> = if !scoped.is_empty() {
        scoped
    } else if bucket.is_some() {
        directory.by_endpoint("s3").collect()
    } else {
        of_host.clone()
    };
    candidates.retain(|at| directory::speaks_rest(*at));
    let last_resort = candidates.is_empty();
    if last_resort {
        if let Some(named) = facts.scope {
            return Err(AddressError::UnknownService {
                named: named.to_owned(),
                protocol: guess(facts),
            });
        }
        candidates = unsigned();
    }
    let plain = Request::new(facts, None);
    // A host that names a service names no bucket.
    let local = || host::local_bucket(facts.host).filter(|_| of_host.is_empty());
    let bucket = bucket.or_else(local);
    let virtual_hosted = bucket.map(|bucket| Request::new(facts, Some(bucket)));
    let mut best: Option<(Rank, Addressed<'a>)> = None;
    for &at in &candidates {
        let (Some(entry), Some(table)) = (directory::entry(at), table::of(at)) else {
            continue;
        };
        let (request, bucket) = match &virtual_hosted {
            Some(request) if entry.name == "s3" => (request, bucket),
            _ => (&plain, None),
        };
        let only_unsigned = last_resort && entry.name != "s3";
        let Some((fit, operation)) = table.best(request, facts, only_unsigned) else {
            continue;
        };
        let meant = BY_SCOPE
            .iter()
            .find(|(scope, said, _)| facts.scope == Some(scope) && operation.name == *said)
            .and_then(|(_, _, meant)| table.model.operation(meant));
        let operation = meant.unwrap_or(operation);
        let rank = Rank {
            complete: fit.complete(),
            fit,
            of_host: of_host.contains(&at),
            hinted: hint.is_some_and(|hint| same_name(hint, entry.service_id) || same_name(hint, entry.name)),
            current: !SUPERSEDED.contains(&entry.name),
            eponymous: entry.name == entry.signing_name,
        };
        if best.as_ref().is_none_or(|(old, _)| rank > *old) {
            let addressed = Addressed {
                model: table.model,
                operation,
                protocol: rest_protocol(table.model),
                bucket,
            };
            best = Some((rank, addressed));
        }
    }
    if let Some((_, addressed)) = best {
        return Ok(addressed);
    }
    // Whose error it is: the host's service, else the one called as the signature, else S3.
    let named = |at: &&u16| directory::entry(**at).is_some_and(|e| e.name == e.signing_name);
    let blamed = candidates.iter().find(|at| of_host.contains(at) || named(at));
    let blamed = blamed.or(candidates.first()).copied().and_then(directory::model);
    match blamed {
        Some(model) => Err(AddressError::UnknownOperation {
            model,
            protocol: rest_protocol(model),
            name: format!("{} {}", facts.method, facts.path),
        }),
        None => Err(AddressError::UnknownService {
            named: String::new(),
            protocol: guess(facts),
        }),
    }
}

/// How well an operation answers a request, compared to those of other services: greater is better.
#[derive(PartialEq, PartialOrd)]
struct Rank {
    /// Nothing that the operation requires in query string or headers is missing.
    complete: bool,
    fit: Fit,
    of_host: bool,
    hinted: bool,
    current: bool,
    /// The service is called as the signature is.
    eponymous: bool,
}

fn unsigned() -> Vec<u16> {
    UNSIGNED
        .iter()
        .chain(&["s3"])
        .filter_map(|name| directory::named(name))
        .collect()
}

fn rest_protocol(model: &ServiceModel) -> Protocol {
    let mut protocols = model.protocols.iter().copied();
    protocols
        .find(|protocol| protocol.is_rest())
        .unwrap_or(Protocol::RestJson)
}

/// The protocol of a caller whose service is not known.
fn guess(facts: &Facts<'_>) -> Protocol {
    match (facts.content_type)() {
        _ if facts.form.is_some() => Protocol::Query,
        Some(kind) if kind.starts_with("application/x-amz-json-1.0") => Protocol::Json10,
        Some(kind) if kind.starts_with("application/x-amz-json") => Protocol::Json11,
        Some(kind) if kind.contains("json") => Protocol::RestJson,
        _ => Protocol::RestXml,
    }
}

/// The service that a client says it is made for: `api/s3#3.1` or `api/sqs/1.2` of the SDKs, `md/command#s3.cp` or
/// `command/s3.cp` of the command line.
fn named_by(user_agent: &str) -> Option<&str> {
    user_agent.split(' ').find_map(|word| {
        let rest = ["api/", "md/command#", "command/"]
            .iter()
            .find_map(|start| word.strip_prefix(start))?;
        let name = rest.split(['#', '/', '.']).next()?;
        Some(name).filter(|name| !name.is_empty())
    })
}

/// Whether two names are the same but for case and punctuation.
fn same_name(a: &str, b: &str) -> bool {
    let plain = |c: &u8| c.is_ascii_alphanumeric();
    let (a, b) = (a.bytes().filter(plain), b.bytes().filter(plain));
    a.map(|c| c.to_ascii_lowercase()).eq(b.map(|c| c.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::{UNSIGNED, named_by, same_name};
    use crate::pack;

    #[test]
    fn the_list_of_unsigned_services_is_that_of_the_models() {
        let unsigned: Vec<&str> = pack::services()
            .iter()
            .filter(|entry| entry.protocols.iter().any(|protocol| protocol.is_rest()))
            .filter_map(|entry| pack::service(entry.name))
            .filter(|model| model.operations.iter().any(|o| o.auth_type.as_deref() == Some("none")))
            .map(|model| model.name.as_str())
            .collect();
        assert_eq!(unsigned, UNSIGNED);
    }

    #[test]
    fn a_user_agent_names_its_service() {
        for (agent, expected) in [
            (
                "aws-sdk-js/3.600.0 ua/2.0 api/chime-sdk-identity#3.600.0",
                Some("chime-sdk-identity"),
            ),
            ("aws-sdk-rust/1.3 api/sqs/1.2 os/linux", Some("sqs")),
            ("aws-cli/2.17 md/command#s3api.get-object", Some("s3api")),
            ("curl/8.0", None),
        ] {
            assert_eq!(named_by(agent), expected, "{agent}");
        }
        assert!(same_name("chime_sdk_identity", "Chime SDK Identity"));
        assert!(!same_name("sqs", "SNS"));
    }
}
