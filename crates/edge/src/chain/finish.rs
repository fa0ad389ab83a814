//! Finish: what every answer has, however it came about; and the record of the call.

use super::encode::{self, Told};
use super::{Arrival, Desk, Target};
use crate::body::answer::AnswerBody;
use crate::cors::{self, Standing};
use crate::letters;
use http::header::{CONNECTION, EXPECT, SERVER};
use http::{HeaderName, HeaderValue, Response, Version};
use std::borrow::Cow;
use virga_service::{CallRecord, Carried, Exchange};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
static S3_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
static CLOSE: HeaderValue = HeaderValue::from_static("close");

pub(super) fn finish(
    desk: &Desk,
    arrival: &Arrival,
    response: &mut Response<AnswerBody>,
    told: Option<Told>,
    ruled: bool,
) {
    let status = response.status().as_u16();
    let headers = response.headers_mut();
    let is_s3 = match &told {
        Some(told) => told.target.is("s3"),
        None => headers.contains_key(&S3_REQUEST_ID),
    };
    let own_id = if is_s3 { &S3_REQUEST_ID } else { &REQUEST_ID };
    // Few headers are gone through faster than one is searched for.
    if !headers.keys().any(|name| name == own_id)
        && let Ok(id) = HeaderValue::from_str(arrival.id.as_str())
    {
        headers.insert(&REQUEST_ID, id);
    }
    let server = if is_s3 { "AmazonS3" } else { "Virga" };
    headers.insert(SERVER, HeaderValue::from_static(server));
    if arrival.standing == Standing::Allowed && !ruled {
        cors::allow(&arrival.headers, headers);
    }
    // What is too much or too slow has not been read to its end, and what its client was to wait with need not come any more.
    let is_unread = matches!(status, 408 | 413 | 431) || (status >= 300 && arrival.has(&EXPECT));
    if is_unread && arrival.version < Version::HTTP_2 {
        headers.insert(CONNECTION, CLOSE.clone());
    }
    if is_s3 && arrival.version < Version::HTTP_2 {
        letters::as_s3(response);
    }
    if let Some(told) = told {
        let exchange = Exchange {
            protocol: told.target.protocol,
            path: arrival.uri.path(),
            query: arrival.query(),
            host: arrival.host(),
            headers: &arrival.headers,
            body: arrival.carried(),
            answer_headers: response.headers(),
            answer: response.body().as_whole().map_or(Carried::Streamed, Carried::Whole),
        };
        let record = record(arrival, told, status);
        desk.shared.options.observer.called(record, &exchange);
    }
}

fn record(arrival: &Arrival, told: Told, status: u16) -> CallRecord {
    let Told { target, who, error } = told;
    let mut who = who.map(|who| *who);
    if let Some(who) = &mut who {
        // The exchange tells it, and a record in memory of its own costs no call anything.
        who.caller.access_key_id = None;
    }
    let Target { model, operation, .. } = target;
    let (error, message) = match error {
        Some(error) => (Some(error.code.into_owned()), Some(error.message)),
        None => (None, None),
    };
    CallRecord {
        at: arrival.at,
        request_id: encode::request_id(&target, arrival),
        service: model.map(|model| model.name.as_str()),
        operation: operation.map(|operation| operation.name.as_str()),
        world: arrival.world().map(Box::from),
        who,
        method: arrival.method.clone(),
        // Copied, since the request's own bytes would keep all that was read with them.
        path: match arrival.uri.path() {
            "/" => Cow::Borrowed("/"),
            path => Cow::Owned(path.to_owned()),
        },
        status,
        error,
        message,
        duration_us: u64::try_from(arrival.began.elapsed().as_micros()).unwrap_or(u64::MAX),
    }
}
