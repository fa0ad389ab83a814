//! A REST service's operations as a tree of path segments, built on first use.
//!
//! Templates may share method and path (S3 has `PUT /{Bucket}/{Key+}` for a dozen operations). Then the literal part of
//! a template's query string decides, and after it which operation's required query parameters and headers are there.

use super::{Bucket, Facts};
use crate::address::directory;
use crate::{Kind, Location, Operation, ServiceModel, pack};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

/// Path and query string, taken apart.
pub struct Request<'a> {
    segments: Vec<&'a str>,
    query: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Request<'a> {
    /// With the bucket that the host name carries as the first segment.
    pub fn new(facts: &Facts<'a>, bucket: Option<Bucket<'a>>) -> Request<'a> {
        let path = facts.path.strip_prefix('/').unwrap_or(facts.path);
        let pairs = facts.query.split('&').filter(|pair| !pair.is_empty());
        Request {
            segments: bucket
                .map(|bucket| bucket.0)
                .into_iter()
                .chain(path.split('/'))
                .collect(),
            query: pairs
                .map(|pair| match pair.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (pair, None),
                })
                .collect(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.query.iter().any(|(raw, _)| same(raw, name))
    }

    fn satisfies(&self, literal: &Literal) -> bool {
        self.query.iter().any(|(raw, value)| {
            same(raw, literal.name)
                && literal
                    .value
                    .is_none_or(|wanted| value.is_some_and(|value| same(value, wanted)))
        })
    }
}

/// Whether percent-encoded text stands for `plain`.
fn same(raw: &str, plain: &str) -> bool {
    if !raw.contains('%') {
        return raw == plain;
    }
    let mut raw = raw.bytes();
    let digit = |raw: &mut std::str::Bytes<'_>| raw.next().and_then(|b| (b as char).to_digit(16));
    plain.bytes().all(|wanted| match raw.next() {
        Some(b'%') => match (digit(&mut raw), digit(&mut raw)) {
            (Some(high), Some(low)) => high * 16 + low == u32::from(wanted),
            _ => false,
        },
        byte => byte == Some(wanted),
    }) && raw.next().is_none()
}

/// How well an operation answers a request, compared to others of its service: greater is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit {
    /// Two bits for each segment, the first highest: literal, label, greedy label.
    path: u64,
    literals: usize,
    /// Newer SDKs name the operation in `x-id`, which the models leave out.
    called: bool,
    missing: Reverse<usize>,
    present: usize,
    /// The path ends with a slash, or without, as the template does: older versions of a service often have it otherwise.
    slash: bool,
}

impl Fit {
    /// Whether nothing that the operation requires in query string and headers is missing.
    pub fn complete(self) -> bool {
        self.missing.0 == 0
    }
}

const LITERAL: u64 = 3;
const LABEL: u64 = 2;
const GREEDY: u64 = 1;

/// Adds a segment's weight; beyond 32 segments (templates have at most a dozen) it no longer counts.
fn weigh(path: u64, depth: usize, weight: u64) -> u64 {
    match 62usize.checked_sub(2 * depth) {
        Some(shift) => path | weight << shift,
        None => path,
    }
}

struct Literal {
    name: &'static str,
    value: Option<&'static str>,
}

struct Route {
    operation: &'static Operation,
    literals: Vec<Literal>,
    /// The path's template ends with a slash.
    slash: bool,
    /// Required query parameters and headers.
    queries: Vec<&'static str>,
    headers: Vec<&'static str>,
}

#[derive(Default)]
struct Node {
    literals: HashMap<&'static str, Node>,
    label: Option<Box<Node>>,
    /// Greedy labels with the literal segments behind them.
    greedy: Vec<(Vec<&'static str>, usize)>,
    routes: Vec<usize>,
}

/// One service's operations.
pub struct Table {
    pub model: &'static ServiceModel,
    routes: Vec<Route>,
    methods: HashMap<&'static str, Node>,
}

/// The table of the service at that position of the pack.
pub fn of(at: u16) -> Option<&'static Table> {
    static TABLES: LazyLock<Vec<OnceLock<Option<Table>>>> =
        LazyLock::new(|| pack::services().iter().map(|_| OnceLock::new()).collect());
    let table = TABLES.get(usize::from(at))?;
    table.get_or_init(|| directory::model(at).map(Table::new)).as_ref()
}

fn segments(path: &'static str) -> impl Iterator<Item = &'static str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').filter(move |_| !path.is_empty())
}

impl Table {
    fn new(model: &'static ServiceModel) -> Table {
        let mut table = Table {
            model,
            routes: Vec::with_capacity(model.operations.len()),
            methods: HashMap::new(),
        };
        for operation in &model.operations {
            let (path, query) = operation.uri.split_once('?').unwrap_or((&operation.uri, ""));
            let at = table.routes.len();
            table.routes.push(Route::new(model, operation, query));
            let mut node = table.methods.entry(operation.method.as_str()).or_default();
            let mut rest = segments(path);
            let greedy = loop {
                match rest.next() {
                    None => break false,
                    Some(segment) if segment.ends_with("+}") => break true,
                    Some(segment) if segment.starts_with('{') => node = node.label.get_or_insert_default(),
                    Some(segment) => node = node.literals.entry(segment).or_default(),
                }
            };
            if greedy {
                node.greedy.push((rest.collect(), at));
            } else {
                node.routes.push(at);
            }
        }
        table
    }

    /// The operation that fits best, among those that need no signature only if so wished.
    pub fn best<'a>(
        &'static self,
        request: &Request<'a>,
        facts: &Facts<'a>,
        only_unsigned: bool,
    ) -> Option<(Fit, &'static Operation)> {
        let mut search = Search {
            table: self,
            request,
            facts,
            only_unsigned,
            best: None,
        };
        search.walk(self.methods.get(facts.method)?, 0, 0);
        search.best
    }
}

impl Route {
    fn new(model: &'static ServiceModel, operation: &'static Operation, query: &'static str) -> Route {
        let required = |location: Location| -> Vec<&'static str> {
            let input = operation.input.and_then(|id| model.shapes.get(id.0 as usize));
            match input.map(|shape| &shape.kind) {
                Some(Kind::Structure { members, .. }) => members
                    .iter()
                    .filter(|member| member.required && member.location == Some(location))
                    .map(|member| member.wire_name())
                    .collect(),
                _ => Vec::new(),
            }
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Route {
            operation,
            literals: pairs
                .map(|pair| match pair.split_once('=') {
                    Some((name, value)) => Literal {
                        name,
                        value: Some(value),
                    },
                    None => Literal {
                        name: pair,
                        value: None,
                    },
                })
                .collect(),
            slash: operation.uri.split('?').next().is_some_and(|path| path.ends_with('/')),
            queries: required(Location::QueryString),
            headers: required(Location::Header),
        }
    }
}

struct Search<'s, 'a> {
    table: &'static Table,
    request: &'s Request<'a>,
    facts: &'s Facts<'a>,
    only_unsigned: bool,
    best: Option<(Fit, &'static Operation)>,
}

impl Search<'_, '_> {
    fn walk(&mut self, node: &'static Node, depth: usize, path: u64) {
        let segments = &self.request.segments;
        let rest = segments.get(depth..).unwrap_or_default();
        // A slash behind the last segment is as none, unless a greedy label takes it.
        if matches!(rest, [] | [""]) {
            self.weigh_all(&node.routes, path);
        }
        let Some(&segment) = rest.first() else { return };
        if let Some(next) = node.literals.get(segment) {
            self.walk(next, depth + 1, weigh(path, depth, LITERAL));
        } else if segment.contains('%') {
            let next = node.literals.iter().find(|(literal, _)| same(segment, literal));
            if let Some((_, next)) = next {
                self.walk(next, depth + 1, weigh(path, depth, LITERAL));
            }
        }
        if let Some(next) = node.label.as_deref().filter(|_| !segment.is_empty()) {
            self.walk(next, depth + 1, weigh(path, depth, LABEL));
        }
        for (suffix, route) in &node.greedy {
            let Some(taken) = rest.len().checked_sub(suffix.len()).filter(|taken| *taken > 0) else {
                continue;
            };
            let (label, behind) = rest.split_at(taken);
            let fits = label != [""] && behind.iter().zip(suffix).all(|(raw, literal)| same(raw, literal));
            if fits {
                let path = weigh(path, depth, GREEDY);
                // A longer suffix says more.
                let path = (0..suffix.len()).fold(path, |path, i| weigh(path, depth + 1 + i, LITERAL));
                self.weigh_all(std::slice::from_ref(route), path);
            }
        }
    }

    fn weigh_all(&mut self, routes: &'static [usize], path: u64) {
        for route in routes.iter().filter_map(|at| self.table.routes.get(*at)) {
            if self.only_unsigned && route.operation.auth_type.as_deref() != Some("none") {
                continue;
            }
            if !route.literals.iter().all(|literal| self.request.satisfies(literal)) {
                continue;
            }
            let queries = route.queries.iter().filter(|name| self.request.has(name)).count();
            let headers = route
                .headers
                .iter()
                .filter(|name| (self.facts.has_header)(name))
                .count();
            let present = queries + headers;
            let called = Literal {
                name: "x-id",
                value: Some(&route.operation.name),
            };
            let fit = Fit {
                path,
                literals: route.literals.len(),
                called: self.request.satisfies(&called),
                missing: Reverse(route.queries.len() + route.headers.len() - present),
                present,
                slash: route.slash == self.facts.path.ends_with('/'),
            };
            // S3's `PutBucketLifecycle` and the like have successors of the same form.
            let better =
                |(best, old): &(Fit, &Operation)| (fit, !route.operation.deprecated) > (*best, !old.deprecated);
            if self.best.as_ref().is_none_or(better) {
                self.best = Some((fit, route.operation));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn percent_encoded_text_is_read() {
        assert!(same("a%3Ab", "a:b") && same("abc", "abc") && same("%61", "a"));
        assert!(!same("a%3", "a") && !same("a%3Ab", "a:") && !same("ab", "a") && !same("%6", "a"));
    }
}
