//! What policies decide.

use crate::{Asker, Context, Effect, Policy, Through};

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub asker: Asker<'a>,
    /// `s3:GetObject`.
    pub action: &'a str,
    /// An ARN.
    pub resource: &'a str,
    pub context: &'a Context,
}

/// What one document says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    /// Some statement forbids it; none can undo that.
    Deny,
    /// No statement is about it.
    Silent,
}

/// A verdict with its ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub verdict: Verdict,
    /// How an allowing statement is about the asker; the most direct of them.
    pub through: Option<Through>,
}

impl Policy {
    /// Asks a document.
    pub fn evaluate(&self, request: &Request<'_>) -> Ruling {
        let mut through = None;
        for statement in &self.statements {
            let Request {
                asker,
                action,
                resource,
                context,
            } = request;
            let Some(applies) = statement.applies(asker, action, resource, context) else {
                continue;
            };
            match statement.effect {
                Effect::Deny => {
                    return Ruling {
                        verdict: Verdict::Deny,
                        through: None,
                    };
                }
                Effect::Allow => through = through.max(Some(applies)),
            }
        }
        let verdict = if through.is_some() {
            Verdict::Allow
        } else {
            Verdict::Silent
        };
        Ruling { verdict, through }
    }
}

/// All that decides over a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// The policies of the asker's user and groups, or of its role. `None` where they allow everything: for the root user,
    /// and where nobody keeps such policies.
    pub identity: Option<&'a [Policy]>,
    /// The most that the identity's policies may allow.
    pub boundary: Option<&'a Policy>,
    /// What a session was narrowed to; one of them must allow.
    pub session: Option<&'a [Policy]>,
    pub resource: Option<&'a Policy>,
    /// The account that owns the resource.
    pub owner: &'a str,
}

/// Why a decision fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    IdentityPolicy,
    PermissionsBoundary,
    SessionPolicy,
    ResourcePolicy,
    /// The owner's root, which needs no leave.
    Owner,
}

/// A decision over a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allowed(Reason),
    /// Some statement forbids it.
    Denied(Reason),
    /// Nothing allows it; the reason is which policy should have.
    Silent(Reason),
}

impl Decision {
    pub fn is_allowed(&self) -> bool {
        matches!(self, Decision::Allowed(_))
    }
}

/// Decides over a request as IAM does: any denial wins; within an account either the identity's or the resource's policy
/// must allow, across accounts both.
pub fn decide(request: &Request<'_>, sources: &Sources<'_>) -> Decision {
    let several = |policies: &[Policy]| {
        let mut verdict = Verdict::Silent;
        for policy in policies {
            match policy.evaluate(request).verdict {
                Verdict::Deny => return Verdict::Deny,
                Verdict::Allow => verdict = Verdict::Allow,
                Verdict::Silent => {}
            }
        }
        verdict
    };
    let identity = sources.identity.map_or(Verdict::Allow, several);
    let boundary = sources.boundary.map(|policy| policy.evaluate(request).verdict);
    let session = sources.session.map(several);
    let resource = sources.resource.map(|policy| policy.evaluate(request));
    let denied = [
        (Some(identity), Reason::IdentityPolicy),
        (boundary, Reason::PermissionsBoundary),
        (session, Reason::SessionPolicy),
        (resource.map(|ruling| ruling.verdict), Reason::ResourcePolicy),
    ];
    if let Some((_, reason)) = denied.iter().find(|(verdict, _)| *verdict == Some(Verdict::Deny)) {
        return Decision::Denied(*reason);
    }
    let through = resource.and_then(|ruling| ruling.through);
    let foreign = request.asker.account() != Some(sources.owner);
    if !matches!(request.asker, Asker::Principal { .. }) {
        return match through {
            Some(_) => Decision::Allowed(Reason::ResourcePolicy),
            None => Decision::Silent(Reason::ResourcePolicy),
        };
    }
    if foreign && through.is_none() {
        return Decision::Silent(Reason::ResourcePolicy);
    }
    // Within an account, a resource that names the asker itself has decided.
    if !foreign && through.is_some_and(|through| through != Through::Account) {
        return Decision::Allowed(Reason::ResourcePolicy);
    }
    for (verdict, reason) in [
        (Some(identity), Reason::IdentityPolicy),
        (boundary, Reason::PermissionsBoundary),
        (session, Reason::SessionPolicy),
    ] {
        if verdict == Some(Verdict::Silent) {
            return Decision::Silent(reason);
        }
    }
    match through {
        Some(_) => Decision::Allowed(Reason::ResourcePolicy),
        None if sources.identity.is_none() => Decision::Allowed(Reason::Owner),
        None => Decision::Allowed(Reason::IdentityPolicy),
    }
}
