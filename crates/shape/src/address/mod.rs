//! Which operation a request is meant for.
//!
//! AWS runs each service behind its own host name, which settles the service before a byte of the request is read. Here
//! all share one address, so what the request itself tells has to do, the surest first: the protocol's own marks (the
//! RPC path of CBOR, `X-Amz-Target`, a form's `Action`), the service that the signature names, the host name, and
//! for requests that say nothing at all, S3.

mod directory;
mod host;
mod rest;
mod table;

pub use host::Bucket;

use crate::{Operation, Protocol, ServiceModel};
use directory::Directory;
use std::fmt;

/// What a request tells about its operation. Path and query string are raw, still percent-encoded.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// Behind the `?`; empty if there is none.
    pub query: &'a str,
    /// The `Host` header or HTTP/2 authority, with or without port.
    pub host: &'a str,
    /// `X-Amz-Target`.
    pub target: Option<&'a str>,
    /// `Smithy-Protocol`.
    pub smithy_protocol: Option<&'a str>,
    /// Seldom asked for, as `user_agent`.
    pub content_type: &'a dyn Fn() -> Option<&'a str>,
    /// The service in the credential scope of `Authorization` or `X-Amz-Credential`.
    pub scope: Option<&'a str>,
    /// `Action`, and `Version` if given, of a form in the body.
    pub form: Option<(&'a str, Option<&'a str>)>,
    pub user_agent: &'a dyn Fn() -> Option<&'a str>,
    /// Whether the request has the header of that name, given in any case.
    pub has_header: &'a dyn Fn(&str) -> bool,
}

/// A request's operation, and the protocol it came over.
#[derive(Clone, Copy, Debug)]
pub struct Addressed<'a> {
    pub model: &'static ServiceModel,
    pub operation: &'static Operation,
    pub protocol: Protocol,
    /// The bucket that the host name carries; the path lacks it then, see [`Bucket::path`].
    pub bucket: Option<Bucket<'a>>,
}

/// Why a request has no operation.
#[derive(Clone, Debug, PartialEq)]
pub enum AddressError {
    /// Nothing in the request names a service that AWS has. `protocol` is the one that the caller seems to speak.
    UnknownService { named: String, protocol: Protocol },
    /// The service is known; it has no such operation. For REST `name` is method and path.
    UnknownOperation {
        model: &'static ServiceModel,
        protocol: Protocol,
        name: String,
    },
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::UnknownService { named, .. } if named.is_empty() => {
                f.write_str("nothing in the request names a service")
            }
            AddressError::UnknownService { named, .. } => write!(f, "there is no service {named}"),
            AddressError::UnknownOperation { model, name, .. } => {
                write!(f, "{} has no operation {name}", model.service_id)
            }
        }
    }
}

impl std::error::Error for AddressError {}

/// Finds the operation that a request is meant for.
///
/// # Errors
/// [`AddressError`], with what is needed to answer in the caller's protocol.
pub fn address<'a>(facts: &Facts<'a>) -> Result<Addressed<'a>, AddressError> {
    let directory = directory::open();
    if facts
        .smithy_protocol
        .is_some_and(|protocol| protocol.eq_ignore_ascii_case("rpc-v2-cbor"))
    {
        return by_rpc_path(directory, facts);
    }
    if let Some(target) = facts.target {
        return by_target(directory, facts, target);
    }
    let by_action = form_action(facts).and_then(|action| by_action(directory, facts, &action));
    by_action.unwrap_or_else(|| rest::find(directory, facts))
}

fn found<'a>(model: &'static ServiceModel, protocol: Protocol, name: &str) -> Result<Addressed<'a>, AddressError> {
    match model.operation(name) {
        Some(operation) => Ok(Addressed {
            model,
            operation,
            protocol,
            bucket: None,
        }),
        None => Err(AddressError::UnknownOperation {
            model,
            protocol,
            name: name.to_owned(),
        }),
    }
}

/// The one of several models that has the operation; the first if none has.
fn having(models: impl Iterator<Item = &'static ServiceModel>, name: &str) -> Option<&'static ServiceModel> {
    let mut first = None;
    for model in models {
        if model.operation(name).is_some() {
            return Some(model);
        }
        first = first.or(Some(model));
    }
    first
}

/// `…/service/SERVICE/operation/OPERATION`, where the service is called as in `X-Amz-Target`.
fn by_rpc_path<'a>(directory: &'static Directory, facts: &Facts<'a>) -> Result<Addressed<'a>, AddressError> {
    let mut parts = facts.path.rsplitn(5, '/');
    let (operation, word, service, other) = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(operation), Some("operation"), Some(service), Some("service")) = (operation, word, service, other) else {
        return Err(AddressError::UnknownService {
            named: String::new(),
            protocol: Protocol::RpcV2Cbor,
        });
    };
    let models = directory.by_target(service).filter_map(directory::model);
    let speaking = models.filter(|model| model.protocols.contains(&Protocol::RpcV2Cbor));
    match having(speaking, operation) {
        Some(model) => found(model, Protocol::RpcV2Cbor, operation),
        None => Err(AddressError::UnknownService {
            named: service.to_owned(),
            protocol: Protocol::RpcV2Cbor,
        }),
    }
}

/// `PREFIX.OPERATION`. Two services of Timestream share a prefix and, of their operations, the tags.
fn by_target<'a>(
    directory: &'static Directory,
    facts: &Facts<'a>,
    target: &str,
) -> Result<Addressed<'a>, AddressError> {
    let (prefix, name) = target.rsplit_once('.').unwrap_or((target, ""));
    let mut services = directory.by_target(prefix);
    let named = match (services.next(), services.next()) {
        (Some(only), None) => directory::model(only),
        _ => {
            let of_host: Vec<u16> = directory.of_host(facts.host).collect();
            let (here, elsewhere): (Vec<u16>, Vec<u16>) =
                directory.by_target(prefix).partition(|at| of_host.contains(at));
            having(here.into_iter().chain(elsewhere).filter_map(directory::model), name)
        }
    };
    // An unknown prefix: the signature still tells whose error to answer.
    let model = named.or_else(|| {
        let scoped = facts.scope.into_iter().flat_map(|scope| directory.by_scope(scope));
        scoped.filter_map(directory::model).find(|model| json(model).is_some())
    });
    match model {
        Some(model) if named.is_some() => found(model, json(model).unwrap_or(Protocol::Json11), name),
        Some(model) => Err(AddressError::UnknownOperation {
            model,
            protocol: json(model).unwrap_or(Protocol::Json11),
            name: target.to_owned(),
        }),
        None => Err(AddressError::UnknownService {
            named: prefix.to_owned(),
            protocol: match (facts.content_type)() {
                Some(kind) if kind.starts_with("application/x-amz-json-1.0") => Protocol::Json10,
                _ => Protocol::Json11,
            },
        }),
    }
}

fn json(model: &ServiceModel) -> Option<Protocol> {
    let mut protocols = model.protocols.iter().copied();
    protocols.find(|protocol| matches!(protocol, Protocol::Json10 | Protocol::Json11))
}

struct Action<'a> {
    name: &'a str,
    version: Option<&'a str>,
}

/// From the body's form, or else from the query string.
fn form_action<'a>(facts: &Facts<'a>) -> Option<Action<'a>> {
    if let Some((name, version)) = facts.form {
        return Some(Action { name, version });
    }
    if !facts.query.contains("Action=") {
        return None;
    }
    let field = |wanted: &str| {
        let pairs = facts.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| value).next()
    };
    Some(Action {
        name: field("Action")?,
        version: field("Version"),
    })
}

/// The query protocols. Nothing if no service that speaks them can be meant.
fn by_action<'a>(
    directory: &'static Directory,
    facts: &Facts<'a>,
    action: &Action<'_>,
) -> Option<Result<Addressed<'a>, AddressError>> {
    // Nearly all requests: the signature names one service, which speaks such a protocol.
    if let Some(scope) = facts.scope {
        let mut signed = directory.by_scope(scope).filter(|at| directory::speaks_query(*at));
        if let (Some(only), None) = (signed.next(), signed.next()) {
            let model = directory::model(only)?;
            return Some(found(model, query_protocol(model), action.name));
        }
    }
    let mut candidates: Vec<u16> = match facts.scope {
        Some(scope) => directory
            .by_scope(scope)
            .filter(|at| directory::speaks_query(*at))
            .collect(),
        None => Vec::new(),
    };
    if candidates.is_empty()
        && facts
            .scope
            .is_none_or(|scope| directory.by_scope(scope).next().is_none())
    {
        candidates = directory
            .of_host(facts.host)
            .filter(|at| directory::speaks_query(*at))
            .collect();
    }
    let of_version = |at: &u16| directory::entry(*at).is_some_and(|entry| Some(entry.api_version) == action.version);
    if candidates.is_empty() && facts.scope.is_none() {
        candidates = directory.query().collect();
        // Without signature and telling host, each API version belongs to one service (and RDS to its relatives).
        match action.version {
            Some(_) => candidates.retain(of_version),
            None => {
                let has = |at: &u16| directory::model(*at).is_some_and(|m| m.operation(action.name).is_some());
                candidates.retain(has);
            }
        }
    }
    if candidates.iter().any(of_version) {
        candidates.retain(of_version);
    }
    // RDS's API is that of DocumentDB and Neptune too: one endpoint, told apart by the engine that a request names.
    candidates.sort_by_key(|at| directory::entry(*at).is_none_or(|entry| entry.name != entry.signing_name));
    let model = having(candidates.into_iter().filter_map(directory::model), action.name)?;
    Some(found(model, query_protocol(model), action.name))
}

fn query_protocol(model: &ServiceModel) -> Protocol {
    match model.protocols.first() {
        Some(Protocol::Ec2) => Protocol::Ec2,
        _ => Protocol::Query,
    }
}
