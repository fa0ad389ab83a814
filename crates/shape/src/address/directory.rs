//! All services by the names that requests call them.

use super::host;
use crate::pack::{self, Entry};
use crate::{Protocol, ServiceModel};
use std::sync::LazyLock;
use virga_base::NameMap;

/// Names in credential scopes that no model has but the endpoint rules give: the name, then the service's own.
const OTHER_SCOPES: &[(&str, &str)] = &[
    ("s3express", "s3"),
    ("s3-object-lambda", "s3"),
    ("s3-outposts", "s3"),
    ("IngestionService", "importexport"),
];

/// Services, by position in the pack's index, under their several names.
pub struct Directory {
    targets: NameMap<Vec<u16>>,
    scopes: NameMap<Vec<u16>>,
    endpoints: NameMap<Vec<u16>>,
    query: Vec<u16>,
}

static DIRECTORY: LazyLock<Directory> = LazyLock::new(|| {
    let mut directory = Directory {
        targets: NameMap::default(),
        scopes: NameMap::default(),
        endpoints: NameMap::default(),
        query: Vec::new(),
    };
    for (at, entry) in pack::services().iter().enumerate() {
        let at = at as u16;
        if let Some(prefix) = entry.target_prefix {
            directory.targets.entry(prefix).or_default().push(at);
        }
        directory.scopes.entry(entry.signing_name).or_default().push(at);
        directory.endpoints.entry(entry.endpoint_prefix).or_default().push(at);
        if speaks_query(at) {
            directory.query.push(at);
        }
    }
    directory
});

pub fn open() -> &'static Directory {
    &DIRECTORY
}

pub fn entry(at: u16) -> Option<&'static Entry<'static>> {
    pack::services().get(usize::from(at))
}

pub fn model(at: u16) -> Option<&'static ServiceModel> {
    pack::service_at(usize::from(at))
}

pub fn named(name: &str) -> Option<u16> {
    pack::position(name).map(|at| at as u16)
}

pub fn speaks_query(at: u16) -> bool {
    let query = |protocol: &Protocol| matches!(protocol, Protocol::Query | Protocol::Ec2);
    entry(at).is_some_and(|entry| entry.protocols.iter().any(query))
}

pub fn speaks_rest(at: u16) -> bool {
    entry(at).is_some_and(|entry| entry.protocols.iter().any(|protocol| protocol.is_rest()))
}

fn all(of: Option<&Vec<u16>>) -> impl Iterator<Item = u16> {
    of.into_iter().flatten().copied()
}

impl Directory {
    pub fn by_target(&self, prefix: &str) -> impl Iterator<Item = u16> {
        all(self.targets.get(prefix))
    }

    /// By the service of a credential scope; clients of old sign with the endpoint's name.
    pub fn by_scope(&self, scope: &str) -> impl Iterator<Item = u16> {
        let other = || {
            OTHER_SCOPES
                .iter()
                .find(|(name, _)| *name == scope)
                .map(|(_, own)| *own)
        };
        let found = self.scopes.get(scope).or_else(|| self.endpoints.get(scope));
        all(found.or_else(|| self.scopes.get(other()?)))
    }

    pub fn by_endpoint(&self, prefix: &str) -> impl Iterator<Item = u16> {
        all(self.endpoints.get(prefix))
    }

    /// The services whose endpoint the host name carries.
    pub fn of_host(&self, host: &str) -> impl Iterator<Item = u16> {
        let labels = host::service_labels(host, |labels| self.endpoints.contains_key(labels));
        labels.into_iter().flat_map(|labels| self.by_endpoint(labels))
    }

    /// All that speak a query protocol.
    pub fn query(&self) -> impl Iterator<Item = u16> {
        self.query.iter().copied()
    }
}
