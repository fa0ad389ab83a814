//! Assuming a role on the word of an identity provider. These calls are not signed.

use crate::errors;
use crate::ops::role::{ROLE_DURATION_S, assumed_role_user, principal};
use crate::policy::session_policy;
use crate::role::Role;
use crate::saml::Assertion;
use crate::session::{self, NewSession};
use crate::state::{SessionKind, SessionTag};
use crate::tags::session_tags;
use crate::wire::{
    AssumeRoleWithSAMLRequest, AssumeRoleWithSAMLResponse, AssumeRoleWithWebIdentityRequest,
    AssumeRoleWithWebIdentityResponse, Tag,
};
use crate::{jwt, saml};
use sha2::{Digest, Sha256};
use virga_service::{AwsError, Ctx};

/// Providers of OAuth 2.0 access tokens, which only they can read.
const ACCESS_TOKEN_PROVIDERS: [&str; 2] = ["www.amazon.com", "graph.facebook.com"];
/// Issuers that every account knows, without a provider of its own.
const PUBLIC_ISSUERS: [&str; 2] = ["accounts.google.com", "cognito-identity.amazonaws.com"];

pub async fn assume_role_with_web_identity(
    ctx: Ctx,
    request: AssumeRoleWithWebIdentityRequest,
) -> Result<AssumeRoleWithWebIdentityResponse, AwsError> {
    let role = Role::parse(&request.role_arn.unwrap_or_default())?;
    let session_name = request.role_session_name.unwrap_or_default();
    let token = request.web_identity_token.unwrap_or_default();
    let identity = match request.provider_id {
        Some(provider) => access_token(&provider, &token)?,
        None => jwt::read(&token, ctx.now())?,
    };
    let tags = labels(identity.tags)?;
    let policy = session_policy(request.policy, request.policy_arns, &tags)?;
    let packed_policy_size = policy.packed_percent;
    let new = NewSession {
        kind: SessionKind::AssumedRole,
        account: role.account,
        principal: principal(&role, &session_name),
        duration_s: request.duration_seconds.unwrap_or(ROLE_DURATION_S),
        tags,
        source_identity: identity.source_identity.clone(),
        policy,
        mfa_serial_number: None,
    };
    Ok(AssumeRoleWithWebIdentityResponse {
        credentials: Some(session::issue(&ctx, new).await?),
        subject_from_web_identity_token: Some(identity.subject),
        assumed_role_user: Some(assumed_role_user(&role, &session_name)),
        packed_policy_size,
        provider: Some(provider(&role, &identity.issuer)),
        audience: Some(identity.audience),
        source_identity: identity.source_identity,
    })
}

/// An access token says nothing to those who did not issue it; its subject follows from the token.
fn access_token(provider: &str, token: &str) -> Result<jwt::WebIdentity, AwsError> {
    if !ACCESS_TOKEN_PROVIDERS.contains(&provider) {
        return Err(errors::invalid_identity_token(format!(
            "No provider of access tokens is named {provider}"
        )));
    }
    let digest = Sha256::digest(format!("{provider}/{token}"));
    let subject: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Ok(jwt::WebIdentity {
        issuer: provider.to_owned(),
        subject,
        audience: provider.to_owned(),
        tags: Vec::new(),
        source_identity: None,
    })
}

/// How AWS names the provider of a token: a public one by its host, an account's own by its ARN.
fn provider(role: &Role, issuer: &str) -> String {
    let host = issuer.strip_prefix("https://").unwrap_or(issuer);
    if PUBLIC_ISSUERS.contains(&host) || ACCESS_TOKEN_PROVIDERS.contains(&host) {
        return host.to_owned();
    }
    format!("arn:{}:iam::{}:oidc-provider/{host}", role.partition, role.account)
}

fn labels(tags: Vec<(String, String, bool)>) -> Result<Vec<SessionTag>, AwsError> {
    let transitive: Vec<String> = tags.iter().filter(|(.., t)| *t).map(|(key, ..)| key.clone()).collect();
    let tags: Vec<Tag> = tags
        .into_iter()
        .map(|(key, value, _)| Tag {
            key: Some(key),
            value: Some(value),
        })
        .collect();
    session_tags(&tags, &transitive, &[])
}

pub async fn assume_role_with_saml(
    ctx: Ctx,
    request: AssumeRoleWithSAMLRequest,
) -> Result<AssumeRoleWithSAMLResponse, AwsError> {
    let role = Role::parse(&request.role_arn.unwrap_or_default())?;
    let principal_arn = request.principal_arn.unwrap_or_default();
    let provider = saml::provider_name(&principal_arn).ok_or_else(|| errors::validation("Principal ARN is invalid"))?;
    let assertion = saml::read(&request.saml_assertion.unwrap_or_default())?;
    check_times(&ctx, &assertion)?;
    let session_name = session_name(&assertion)?;
    if !assertion.allows(&role.arn(), provider) {
        return Err(errors::access_denied(
            "Not authorized to perform sts:AssumeRoleWithSAML",
        ));
    }
    let transitive: Vec<String> = assertion.values("TransitiveTagKeys").map(str::to_owned).collect();
    let is_transitive = |key: &str| transitive.iter().any(|other| other.eq_ignore_ascii_case(key));
    let tags = assertion.principal_tags().into_iter();
    let tags = labels(
        tags.map(|(key, value)| (key.clone(), value, is_transitive(&key)))
            .collect(),
    )?;
    let policy = session_policy(request.policy, request.policy_arns, &tags)?;
    let packed_policy_size = policy.packed_percent;
    let source_identity = assertion.values("SourceIdentity").next().map(str::to_owned);
    let new = NewSession {
        kind: SessionKind::AssumedRole,
        account: role.account,
        principal: principal(&role, &session_name),
        duration_s: duration_s(&ctx, request.duration_seconds, &assertion)?,
        tags,
        source_identity: source_identity.clone(),
        policy,
        mfa_serial_number: None,
    };
    Ok(AssumeRoleWithSAMLResponse {
        credentials: Some(session::issue(&ctx, new).await?),
        assumed_role_user: Some(assumed_role_user(&role, &session_name)),
        packed_policy_size,
        name_qualifier: Some(assertion.name_qualifier(role.account, provider)),
        subject: Some(assertion.subject),
        subject_type: Some(assertion.subject_type),
        issuer: Some(assertion.issuer),
        audience: Some(assertion.recipient),
        source_identity,
    })
}

fn session_name(assertion: &Assertion) -> Result<String, AwsError> {
    let Some(name) = assertion.values("RoleSessionName").next() else {
        return Err(errors::invalid_identity_token(
            "RoleSessionName is required in AuthnResponse",
        ));
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&name.len()) || !name.chars().all(fits) {
        return Err(errors::invalid_identity_token(
            "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}",
        ));
    }
    Ok(name.to_owned())
}

/// Whether an assertion is still good, where the user wants that looked at (`check_saml_times`).
///
/// Assertions in tests are written once and used for years, so by default they do not end; nor is their signature
/// checked.
fn check_times(ctx: &Ctx, assertion: &Assertion) -> Result<(), AwsError> {
    let wanted = ctx.setting("check_saml_times") == Some("true");
    match assertion.not_on_or_after {
        Some(end) if wanted && ctx.now() >= end => Err(errors::expired_token(
            "Token must be redeemed within 5 minutes of issuance",
        )),
        _ => Ok(()),
    }
}

/// The shortest of what the request, the assertion and the provider's own session allow.
fn duration_s(ctx: &Ctx, requested_s: Option<i32>, assertion: &Assertion) -> Result<i32, AwsError> {
    let mut duration_s = requested_s.unwrap_or(ROLE_DURATION_S);
    if let Some(text) = assertion.values("SessionDuration").next() {
        let asserted_s = text.parse::<i32>().ok().filter(|s| (900..=43_200).contains(s));
        let asserted_s = asserted_s.ok_or_else(|| {
            errors::invalid_identity_token("SessionDuration in AuthnResponse must be between 900 and 43200")
        })?;
        duration_s = match requested_s {
            Some(requested_s) => requested_s.min(asserted_s),
            None => asserted_s,
        };
    }
    if let Some(end) = assertion.session_not_on_or_after.filter(|end| *end > ctx.now()) {
        let left_s = i32::try_from(end.since(ctx.now()).as_secs()).unwrap_or(i32::MAX);
        duration_s = duration_s.min(left_s);
    }
    Ok(duration_s)
}
