//! Changes that no call of AWS's makes, in the journal: the clock is moved, a world is forked or dropped, all is reset.
//!
//! They stand there beside the calls because whoever sends the calls again needs them at the same places.

use crate::{OWN_SERVICE, Scope};
use bytes::Bytes;
use http::{Method, Request, Response};
use std::borrow::Cow;
use std::time::Instant;
use virga_base::{Id, Timestamp};
use virga_service::{CallRecord, Carried, Exchange, MAIN, Observer};
use virga_shape::Protocol;

/// A request that may change something.
pub(crate) struct Change {
    at: Timestamp,
    began: Instant,
    operation: &'static str,
}

impl Change {
    /// Nothing for requests that only ask, and for the stop.
    pub(crate) fn of(scope: &Scope, request: &Request<Bytes>) -> Option<Change> {
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return None;
        }
        let path = request.uri().path();
        let operation = match path.strip_prefix("/_virga/") {
            Some(own) if own.starts_with("stop") => return None,
            Some(own) if own.starts_with("time") => "Time",
            Some(own) if own.starts_with("worlds") => "Worlds",
            Some(own) if own.starts_with("snapshot") => "Snapshot",
            Some(own) if !own.starts_with("reset") => "Change",
            Some(_) | None => "Reset",
        };
        Some(Change {
            at: scope.cloud.clock().now(),
            began: Instant::now(),
            operation,
        })
    }

    /// Notes what was changed. A refusal has changed nothing.
    pub(crate) fn note(self, scope: &Scope, request: &Request<Bytes>, response: &Response<Bytes>) {
        if !response.status().is_success() {
            return;
        }
        let world = scope.cloud.world();
        let record = CallRecord {
            at: self.at,
            request_id: Id::uuid(&scope.cloud.ids_aside().uuid_bytes()),
            service: Some(OWN_SERVICE),
            operation: Some(self.operation),
            world: (world != MAIN).then(|| world.into()),
            who: None,
            method: request.method().clone(),
            path: Cow::Owned(request.uri().path().to_owned()),
            status: response.status().as_u16(),
            error: None,
            message: None,
            duration_us: u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        let host = request.headers().get(http::header::HOST);
        let exchange = Exchange {
            protocol: Protocol::RestJson,
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            host: host.and_then(|host| host.to_str().ok()),
            headers: request.headers(),
            body: Carried::Whole(request.body()),
            answer_headers: response.headers(),
            answer: Carried::Whole(response.body()),
        };
        scope.calls.called(record, &exchange);
    }
}
