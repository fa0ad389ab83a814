//! What a request tells to the conditions of policies.

use super::permit::Asked;
use crate::errors;
use crate::state::Version;
use percent_encoding::percent_decode_str;
use virga_base::AwsError;
use virga_lang_policy::Context;
use virga_permit::Who;
use virga_service::{Ctx, Principal};

/// Headers, by whose names S3 has condition keys.
const HEADERS: [&str; 22] = [
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
    "if-match",
    "if-none-match",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-if-match",
    "x-amz-checksum-algorithm",
];

/// The keys of a request.
pub fn of(ctx: &Ctx, asked: &Asked<'_>, object: Option<&Version>) -> Context {
    let mut context = Context::new();
    of_everything(ctx, asked, &mut context);
    of_caller(ctx, &mut context);
    let request = ctx.request();
    for name in HEADERS {
        if let Some(value) = request.header(name) {
            let key = name
                .strip_prefix("x-amz-object-lock-")
                .map_or_else(|| format!("s3:{name}"), |rest| format!("s3:object-lock-{rest}"));
            match name {
                // Whichever way it was written.
                "x-amz-copy-source" => {
                    let source = percent_decode_str(value).decode_utf8_lossy();
                    context.add(&key, source.trim_start_matches('/'));
                }
                _ => context.add(&key, value),
            }
        }
    }
    for (name, value) in query(ctx) {
        match name.as_str() {
            "prefix" | "delimiter" | "max-keys" => context.add(&format!("s3:{name}"), value),
            "x-amz-acl" | "x-amz-storage-class" | "x-amz-server-side-encryption" if request.header(&name).is_none() => {
                context.add(&format!("s3:{name}"), value);
            }
            _ => {}
        }
    }
    if let Some(id) = asked.version_id {
        context.add("s3:VersionId", id);
    }
    of_signature(ctx, &mut context);
    let brought = match (asked.tags, request.header("x-amz-tagging")) {
        (Some(tags), _) => tags.to_vec(),
        (None, Some(header)) => pairs(header).collect(),
        (None, None) => Vec::new(),
    };
    for (key, value) in brought {
        context.add(&format!("s3:RequestObjectTag/{key}"), value);
        context.add("s3:RequestObjectTagKeys", key);
    }
    for (key, value) in object.iter().flat_map(|object| &object.tags) {
        context.add(&format!("s3:ExistingObjectTag/{key}"), value.as_str());
    }
    context
}

fn of_everything(ctx: &Ctx, asked: &Asked<'_>, context: &mut Context) {
    let request = ctx.request();
    let now = ctx.now();
    context.add("aws:CurrentTime", now.to_iso8601());
    context.add("aws:EpochTime", now.as_secs().to_string());
    context.add("aws:SecureTransport", request.secure.to_string());
    context.add("aws:RequestedRegion", ctx.region().as_str());
    context.add("aws:ResourceAccount", asked.bucket.owner.to_string());
    context.add("s3:ResourceAccount", asked.bucket.owner.to_string());
    context.add("aws:ViaAWSService", "false");
    if let Some(point) = &asked.bucket.through {
        context.add("s3:DataAccessPointArn", point.arn());
        context.add("s3:DataAccessPointAccount", point.account.to_string());
        context.add("s3:AccessPointNetworkOrigin", point.network_origin());
    }
    if let Some(ip) = &request.source_ip {
        context.add("aws:SourceIp", &**ip);
    }
    if let Some(agent) = request.user_agent() {
        context.add("aws:UserAgent", agent);
    }
    if let Some(referer) = request.header("referer") {
        context.add("aws:Referer", referer);
    }
}

fn of_caller(ctx: &Ctx, context: &mut Context) {
    let caller = ctx.caller();
    let kind = match &caller.principal {
        Principal::Anonymous => "Anonymous",
        Principal::Root => "Account",
        Principal::User { name, .. } => {
            context.add("aws:username", name.as_str());
            "User"
        }
        Principal::AssumedRole { .. } => "AssumedRole",
        Principal::FederatedUser { .. } => "FederatedUser",
        Principal::Service { name } => {
            context.add("aws:PrincipalIsAWSService", "true");
            context.add("aws:PrincipalServiceName", name.as_str());
            context.add("aws:SourceAccount", caller.account.to_string());
            return;
        }
    };
    context.add("aws:PrincipalType", kind);
    context.add("aws:PrincipalIsAWSService", "false");
    if caller.principal == Principal::Anonymous {
        context.add("aws:userid", "anonymous");
        return;
    }
    let who = Who::of(caller, ctx.partition());
    context.add("aws:PrincipalArn", who.principal_arn());
    context.add("aws:PrincipalAccount", who.account());
    context.add("aws:userid", who.user_id());
}

fn of_signature(ctx: &Ctx, context: &mut Context) {
    let request = ctx.request();
    let header = request.header("authorization");
    let linked = query_value(ctx, "X-Amz-Algorithm");
    let kind = match (header, &linked) {
        (Some(_), _) => "REST-HEADER",
        (None, Some(_)) => "REST-QUERY-STRING",
        (None, None) if query_value(ctx, "AWSAccessKeyId").is_some() => "REST-QUERY-STRING",
        (None, None) => return,
    };
    context.add("s3:authType", kind);
    let version = match (header, &linked) {
        (Some(header), _) => header.split(' ').next().unwrap_or_default(),
        (None, Some(algorithm)) => algorithm,
        (None, None) => "AWS",
    };
    context.add("s3:signatureversion", version);
    let signed_at = query_value(ctx, "X-Amz-Date").and_then(|date| virga_base::Timestamp::parse_compact(&date));
    if let Some(signed_at) = signed_at {
        let age_ms = ctx.now().as_millis() - signed_at.as_millis();
        context.add("s3:signatureAge", age_ms.max(0).to_string());
    }
}

/// What a request does besides, which a policy may forbid by its own name.
pub fn implied_actions(ctx: &Ctx, action: &str) -> impl Iterator<Item = &'static str> {
    const IMPLIED: [(&str, &str); 9] = [
        ("x-amz-acl", "PutObjectAcl"),
        ("x-amz-grant-full-control", "PutObjectAcl"),
        ("x-amz-grant-read", "PutObjectAcl"),
        ("x-amz-grant-read-acp", "PutObjectAcl"),
        ("x-amz-grant-write-acp", "PutObjectAcl"),
        ("x-amz-tagging", "PutObjectTagging"),
        ("x-amz-object-lock-mode", "PutObjectRetention"),
        ("x-amz-object-lock-retain-until-date", "PutObjectRetention"),
        ("x-amz-object-lock-legal-hold", "PutObjectLegalHold"),
    ];
    let implied: &'static [(&str, &str)] = match action {
        "PutObject" => &IMPLIED,
        _ => &[],
    };
    let brought = implied
        .iter()
        .filter(|(header, _)| ctx.request().header(header).is_some());
    let actions: Vec<&'static str> = brought.map(|(_, action)| *action).collect();
    actions.into_iter()
}

/// A parameter of the request's address, decoded.
pub fn query_value(ctx: &Ctx, name: &str) -> Option<String> {
    let query = ctx.request().uri.query()?;
    // Most requests have none of what is asked for.
    if !query.contains(name) {
        return None;
    }
    pairs(query).find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Refuses what only parts of multipart uploads have.
///
/// # Errors
/// `InvalidArgument` and `MethodNotAllowed`, as S3 tells apart which half is missing.
pub fn check_no_part(ctx: &Ctx) -> Result<(), AwsError> {
    if query_value(ctx, "partNumber").is_some() {
        return Err(errors::invalid_argument(
            "This operation does not accept partNumber without uploadId",
            "partNumber",
            "partNumber",
        ));
    }
    if query_value(ctx, "uploadId").is_some() {
        return Err(errors::method_not_allowed("PUT", "UPLOAD").with_header("allow", "DELETE, POST, GET"));
    }
    Ok(())
}

/// Refuses headers of answers that cannot be asked for.
pub fn check_overrides(ctx: &Ctx) -> Result<(), AwsError> {
    if !ctx
        .request()
        .uri
        .query()
        .is_some_and(|query| query.contains("response-"))
    {
        return Ok(());
    }
    let strange = query(ctx).find(|(name, _)| {
        name.strip_prefix("response-").is_some_and(|header| {
            ![
                "cache-control",
                "content-disposition",
                "content-encoding",
                "content-language",
                "content-type",
                "expires",
            ]
            .contains(&header)
        })
    });
    match strange {
        None => Ok(()),
        Some((name, value)) => Err(errors::invalid_argument(
            &format!(
                "{name} is not in the set of overridable response headers. Please refer to the S3 API documentation for a \
                 complete list of overridable response headers."
            ),
            &name,
            &value,
        )),
    }
}

fn query(ctx: &Ctx) -> impl Iterator<Item = (String, String)> {
    pairs(ctx.request().uri.query().unwrap_or_default())
}

fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    text.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}
