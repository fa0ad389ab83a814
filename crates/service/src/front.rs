//! What a service answers to browsers beside its operations: web sites of its own hosts, and rules for pages of other
//! origins.

use crate::operation::BoxFuture;
use crate::{Cloud, Ctx, Service};
use std::future::Future;
use virga_base::AwsError;

/// What a site answers to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// What an unsigned call of this operation at this path answers.
    Operation {
        name: &'static str,
        /// As the model's templates have it, percent-encoded.
        path: String,
        /// Told in place of the operation's own status where that is 200.
        status: Option<u16>,
    },
    /// A page that is at hand.
    Page {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
}

/// Answers a request to a site, whose name is what stands before the site's label in the host.
pub type SiteHandler = Box<dyn Fn(Ctx, String) -> BoxFuture<Result<Site, AwsError>> + Send + Sync>;

/// What a page of another origin wants to know, or is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Percent-encoded, as the model's templates have it.
    pub path: String,
    /// None where the request did not tell.
    pub origin: Option<String>,
    /// The method of the request, or the one that a browser asks about.
    pub method: Option<String>,
    /// `Access-Control-Request-Headers`.
    pub headers: Option<String>,
    /// Whether a browser asks before it sends the request itself.
    pub preflight: bool,
}

/// What a service's own rules say of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum CrossOrigin {
    /// Nothing there has rules of its own.
    Unruled,
    Refused(AwsError),
    /// With the headers that tell the browser so.
    Allowed(Vec<(String, String)>),
}

/// Decides about pages of other origins.
pub type CrossOriginHandler = Box<dyn Fn(Ctx, Question) -> BoxFuture<CrossOrigin> + Send + Sync>;

/// A request that was answered, as access logs tell of it. Its context has the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Empty where no operation was found.
    pub operation: String,
    /// As in [`Question`].
    pub path: String,
    pub status: u16,
    /// The error's code.
    pub error: Option<String>,
    /// Bytes of the answer's body.
    pub sent: Option<u64>,
    pub took_ms: u64,
    pub referrer: Option<String>,
    /// `SigV4` or `SigV2`.
    pub signature: Option<&'static str>,
    /// `AuthHeader` or `QueryString`.
    pub carrier: Option<&'static str>,
}

/// Whether a service wants to be told of requests to a path.
pub type ServedWanted = fn(&Cloud, &str) -> bool;

/// Is told of a request that was answered.
pub type ServedHandler = Box<dyn Fn(Ctx, Served) -> BoxFuture<()> + Send + Sync>;

impl Service {
    /// Registers what is told of requests that were answered, where `wanted` says so of their paths.
    #[must_use]
    pub fn served<F, R>(mut self, wanted: ServedWanted, f: F) -> Service
    where
        F: Fn(Ctx, Served) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.served = Some((wanted, Box::new(move |ctx, served| Box::pin(f(ctx, served)))));
        self
    }

    /// Whether it keeps access logs.
    #[must_use]
    pub fn keeps_logs(&self) -> bool {
        self.served.is_some()
    }

    /// Registers what answers to hosts with this label (`s3-website`, also as `s3-website-eu-west-1`).
    #[must_use]
    pub fn site<F, R>(mut self, label: &'static str, f: F) -> Service
    where
        F: Fn(Ctx, String) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Site, AwsError>> + Send + 'static,
    {
        self.site = Some((label, Box::new(move |ctx, name| Box::pin(f(ctx, name)))));
        self
    }

    /// Registers the service's own rules for pages of other origins.
    #[must_use]
    pub fn cross_origin<F, R>(mut self, f: F) -> Service
    where
        F: Fn(Ctx, Question) -> R + Send + Sync + 'static,
        R: Future<Output = CrossOrigin> + Send + 'static,
    {
        self.cross_origin = Some(Box::new(move |ctx, question| Box::pin(f(ctx, question))));
        self
    }

    /// The name of the site that a host means.
    #[must_use]
    pub fn site_of<'a>(&self, host: &'a str) -> Option<&'a str> {
        let (label, _) = self.site.as_ref()?;
        let at = host.find(label)?;
        let name = host.get(..at)?.strip_suffix('.')?;
        let after = host.get(at + label.len()..)?;
        let ends = after.is_empty() || after.starts_with(['.', '-', ':']);
        (ends && !name.is_empty()).then_some(name)
    }

    /// Whether it has rules of its own for pages.
    #[must_use]
    pub fn rules_pages(&self) -> bool {
        self.cross_origin.is_some()
    }
}
