//! Queue URLs: how they are written, and which queue a request means.

use crate::errors;
use crate::queue::name;
use crate::state::Queue;
use virga_base::{Account, AwsError, Region};
use virga_service::Ctx;
use virga_shape::Protocol;

const DEFAULT_HOST: &str = "localhost:4566";

/// A queue's URL, at the host by which the client came.
pub fn queue_url(ctx: &Ctx, account: Account, name: &str) -> String {
    let request = ctx.request();
    let scheme = if request.secure { "https" } else { "http" };
    let host = request.host().unwrap_or(DEFAULT_HOST);
    format!("{scheme}://{host}/{account}/{name}")
}

/// The queue that a request is about, which may be another account's or region's.
pub struct Target {
    /// Who asks, and how.
    pub asked: Ctx,
    /// The same in the queue's account and region.
    pub ctx: Ctx,
    pub name: String,
}

impl Target {
    /// Finds the queue that `url` means, or, over the query protocol, the request's own path.
    pub fn find(ctx: &Ctx, url: Option<&str>) -> Result<Target, AwsError> {
        let url = match url.filter(|url| !url.is_empty()) {
            Some(url) => url,
            None => path_of_queue(ctx).ok_or_else(|| errors::missing("QueueUrl"))?,
        };
        let parsed = parse(url).ok_or_else(|| {
            AwsError::new(
                "InvalidAddress",
                format!("The address {url} is not valid for this endpoint."),
            )
            .with_status(404)
        })?;
        if !name::is_valid(parsed.name) {
            return Err(errors::queue_does_not_exist(ctx));
        }
        Ok(Target::at(ctx, parsed.account, parsed.region, parsed.name))
    }

    /// A queue by name, in the asking account and region where none are given.
    pub fn at(ctx: &Ctx, account: Option<Account>, region: Option<Region>, name: &str) -> Target {
        let account = account.unwrap_or_else(|| ctx.account());
        let region = region.unwrap_or_else(|| ctx.region().clone());
        let here = account == ctx.account() && region == *ctx.region();
        Target {
            asked: ctx.clone(),
            ctx: if here {
                ctx.clone()
            } else {
                // The URL names another account or region than the signature: access is checked once the queue is read.
                ctx.elsewhere(account, region)
            },
            name: name.to_owned(),
        }
    }

    pub fn does_not_exist(&self) -> AwsError {
        errors::queue_does_not_exist(&self.asked)
    }

    /// The queue, or the error that there is none.
    pub fn found(&self, queue: Option<Queue>) -> Result<Queue, AwsError> {
        queue.ok_or_else(|| self.does_not_exist())
    }

    pub fn arn(&self) -> String {
        self.ctx.arn(&self.name).to_string()
    }

    pub fn url(&self) -> String {
        queue_url(&self.asked, self.ctx.account(), &self.name)
    }
}

/// The request's path, if it came over the query protocol to a queue's own URL.
pub fn path_of_queue(ctx: &Ctx) -> Option<&str> {
    let request = ctx.request();
    if request.protocol != Some(Protocol::Query) {
        return None;
    }
    let path = request.path();
    parse(path).filter(|parsed| parsed.account.is_some()).map(|_| path)
}

#[derive(Debug, PartialEq, Eq)]
struct Parsed<'a> {
    account: Option<Account>,
    region: Option<Region>,
    name: &'a str,
}

/// Reads a bare name, a path or a URL that ends in `/ACCOUNT/NAME`, with or without a region in host or path.
fn parse(text: &str) -> Option<Parsed<'_>> {
    let (host, path) = match scheme_length(text) {
        Some(length) => cut(text.get(length..)?, b'/')?,
        None if !text.contains('/') => {
            return Some(Parsed {
                account: None,
                region: None,
                name: text,
            });
        }
        None => ("", text),
    };
    let path = path.trim_matches('/');
    let (before, name) = cut_last(path).filter(|(_, name)| !name.is_empty())?;
    let (before, account) = cut_last(before).unwrap_or(("", before));
    let account = Account::parse(account).ok()?;
    let (before, region) = cut_last(before).unwrap_or(("", before));
    let region = Some(region)
        .filter(|region| !region.is_empty() && cut_last(before).map_or(before, |(_, last)| last) == "queue")
        .and_then(|region| Region::parse(region).ok())
        .or_else(|| region_of_host(host));
    Some(Parsed {
        account: Some(account),
        region,
        name,
    })
}

/// The length of `http://` and the like. Every call to a queue has its URL read, so bytes are searched.
fn scheme_length(text: &str) -> Option<usize> {
    let at = text.bytes().position(|byte| byte == b':')?;
    text.get(at..)?.starts_with("://").then_some(at + 3)
}

fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == at)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands before and behind the last slash.
fn cut_last(path: &str) -> Option<(&str, &str)> {
    let at = path.bytes().rposition(|byte| byte == b'/')?;
    Some((path.get(..at)?, path.get(at + 1..)?))
}

/// `sqs.REGION.…` and `REGION.queue.…`.
fn region_of_host(host: &str) -> Option<Region> {
    let (first, rest) = cut(host, b'.')?;
    let region = match (first, cut(rest, b'.').map_or(rest, |(second, _)| second)) {
        ("sqs", region) => region,
        (region, "queue") => region,
        _ => return None,
    };
    // Every region's name has hyphens and ends in a digit; `sqs.localhost` names none.
    let looks_like_one = region.contains('-') && region.ends_with(|c: char| c.is_ascii_digit());
    Region::parse(region).ok().filter(|_| looks_like_one)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn every_form_of_a_queue_url_is_read() {
        for (text, account, region) in [
            ("q", None, None),
            ("http://localhost:4566/000000000042/q", Some(42), None),
            ("http://127.0.0.1:4566/000000000042/q/", Some(42), None),
            ("/000000000042/q", Some(42), None),
            (
                "https://sqs.eu-west-1.amazonaws.com/000000000042/q",
                Some(42),
                Some("eu-west-1"),
            ),
            ("https://queue.amazonaws.com/000000000042/q", Some(42), None),
            (
                "http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000042/q",
                Some(42),
                Some("eu-west-1"),
            ),
            (
                "http://eu-west-1.queue.localhost.localstack.cloud:4566/000000000042/q",
                Some(42),
                Some("eu-west-1"),
            ),
            (
                "http://localhost:4566/queue/eu-west-1/000000000042/q",
                Some(42),
                Some("eu-west-1"),
            ),
            ("http://sqs.localhost:4566/000000000042/q", Some(42), None),
        ] {
            let parsed = parse(text);
            assert_eq!(parsed.as_ref().map(|p| p.name), Some("q"), "{text}");
            let parsed_account = parsed.as_ref().and_then(|p| p.account).map(|a| a.number());
            let parsed_region = parsed.as_ref().and_then(|p| p.region.as_ref()).map(|r| r.as_str());
            assert_eq!((parsed_account, parsed_region), (account, region), "{text}");
        }
        for text in [
            "http://localhost:4566",
            "http://localhost:4566/",
            "http://localhost:4566/q",
            "/x/q",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
