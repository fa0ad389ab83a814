//! Verify: who calls, and whether that is true.
//!
//! Keys of twelve digits are that account's root. Keys that Virga issued are verified with their secret. All others are
//! root of the default account, and since nobody knows their secret, their signatures are not checked.

use super::address::{self, Addressed};
use super::{Arrival, Desk, Exit, Refused, Target};
use crate::body::Payload;
use crate::body::whole;
use crate::place;
use http::HeaderName;
use std::borrow::Cow;
use std::sync::Arc;
use virga_auth::{ChunkChain, Claim, EMPTY_SHA256, Family, Fault, Scheme, UNSIGNED_PAYLOAD};
use virga_base::{Account, AwsError, Clock, Region};
use virga_codec::OperationRef;
use virga_service::{Caller, Cloud, Credential, Service, Who};
use virga_shape::Protocol;

static CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
static REGION_SET: HeaderName = HeaderName::from_static("x-amz-region-set");
/// The session tokens that Virga's STS issues: how they begin, and how long they are.
const ISSUED_TOKEN: (&str, usize) = ("FQoGZXIvYXdzE", 356);

/// A request whose caller is known.
pub(super) struct Verified<'a> {
    pub(super) target: Target,
    pub(super) op: OperationRef,
    pub(super) service: Option<&'a Service>,
    pub(super) path: Cow<'a, str>,
    pub(super) who: Box<Who>,
    pub(super) body: Payload,
    /// Nothing where no secret is known.
    pub(super) proof: Option<Box<Proof>>,
}

/// What the body must still prove.
pub(super) struct Proof {
    /// The SHA-256 that was signed, in hexadecimal.
    pub(super) sha256: Option<String>,
    /// For the signatures within an `aws-chunked` body.
    pub(super) chain: Option<ChunkChain>,
}

impl<'a> Verified<'a> {
    fn new(addressed: Addressed<'a>, caller: Caller, region: Region, proof: Option<Box<Proof>>) -> Verified<'a> {
        let account = caller.account;
        Verified {
            target: addressed.target,
            op: addressed.op,
            service: addressed.service,
            path: addressed.path,
            who: Box::new(Who {
                caller,
                account,
                region,
            }),
            body: addressed.body,
            proof,
        }
    }
}

/// What is known of a caller at once.
pub(super) enum Seen<'a> {
    Verified(Verified<'a>),
    /// Signed with a key that a service may have issued, which [`verify_issued`] looks up.
    Issued(Box<Unverified<'a>>),
}

pub(super) struct Unverified<'a> {
    addressed: Addressed<'a>,
    claim: &'a Claim<'a>,
    region: Region,
}

pub(super) fn verify<'a>(desk: &Desk, arrival: &'a Arrival, addressed: Addressed<'a>) -> Result<Seen<'a>, Exit> {
    let (target, op) = (addressed.target, addressed.op);
    let family = family(target);
    let refuse = |fault: &Fault| Exit::from(Refused::of(target, None, refusal(fault, family, target)));
    let cloud = desk.cloud_for(arrival);
    let claim = match addressed.claim {
        Ok(claim) => claim.as_ref(),
        // Bearer tokens and the like are no affair of signatures, where none is asked for.
        Err(Fault::HeaderScheme { .. }) if may_be_unsigned(addressed.service, op) => None,
        Err(fault) => return Err(refuse(fault)),
    };
    let region = place::region(claim, || region_set(arrival), || arrival.plain_host());
    let caller = match claim {
        None if may_be_unsigned(addressed.service, op) => Caller::anonymous(Account::DEFAULT),
        None => return Err(refuse(&Fault::Missing)),
        Some(claim) => {
            if family == Family::S3
                && let Some(error) = pseudo_region(claim)
            {
                return Err(Refused::of(target, None, error).into());
            }
            check_form(cloud, arrival, claim, family).map_err(|fault| refuse(&fault))?;
            let Some(account) = root_of(claim) else {
                return Ok(Seen::Issued(Box::new(Unverified {
                    addressed,
                    claim,
                    region,
                })));
            };
            root(claim, account)
        }
    };
    Ok(Seen::Verified(Verified::new(addressed, caller, region, None)))
}

fn root(claim: &Claim<'_>, account: Account) -> Caller {
    Caller {
        access_key_id: Some(claim.access_key_id().to_owned()),
        ..Caller::root(account)
    }
}

/// Looks up a key, and checks the signature if it was issued here.
pub(super) async fn verify_issued<'a>(
    desk: &Desk,
    arrival: &'a Arrival,
    unverified: Unverified<'a>,
) -> Result<Verified<'a>, Exit> {
    let Unverified {
        mut addressed,
        claim,
        region,
    } = unverified;
    let target = addressed.target;
    let family = family(target);
    let refuse = |fault: &Fault| Exit::from(Refused::of(target, None, refusal(fault, family, target)));
    let cloud = desk.cloud_for(arrival);
    let credential = match find(cloud, claim, &region).await {
        Ok(Some(credential)) => credential,
        Ok(None) => {
            let caller = root(claim, Account::DEFAULT);
            return Ok(Verified::new(addressed, caller, region, None));
        }
        Err(Unfound::Fault(fault)) => return Err(refuse(&fault)),
        Err(Unfound::Error(error)) => return Err(Refused::of(target, None, error).into()),
    };
    check_credential(cloud, claim, &credential).map_err(|fault| refuse(&fault))?;
    // Forms that are signed in the old way are the query protocol's own affair.
    if claim.scheme == Scheme::V2 && family == Family::S3 {
        let facts = address::signed_facts(arrival);
        let secret = &credential.secret_access_key;
        virga_auth::verify_v2(&facts, &addressed.path, claim, secret, Clock::machine_now())
            .map_err(|fault| refuse(&fault))?;
    }
    let payload = match signed_payload(arrival, claim, family) {
        Some(payload) => payload.to_owned(),
        None => {
            let limits = desk.limits();
            let whole = whole::read(addressed.body, limits.body_max_bytes, limits.body_read_max).await;
            let bytes =
                whole.map_err(|error| Exit::from(Refused::of(target, None, super::accept::body_error(&error))))?;
            let hash = match bytes.len() {
                0 => EMPTY_SHA256.to_owned(),
                _ => virga_auth::sha256_hex(&bytes),
            };
            addressed.body = Payload::Whole(bytes);
            hash
        }
    };
    let facts = address::signed_facts(arrival);
    let (keys, secret) = (&desk.shared.keys, &credential.secret_access_key);
    let now = Clock::machine_now();
    let verified = virga_auth::verify(&facts, claim, keys, secret, &payload, now).map_err(|fault| refuse(&fault))?;
    let proof = Proof::new(&payload, verified.signer.map(|signer| ChunkChain::new(signer, claim)));
    Ok(Verified::new(
        addressed,
        credential.caller,
        region,
        Some(Box::new(proof)),
    ))
}

impl Proof {
    fn new(payload: &str, chain: Option<ChunkChain>) -> Proof {
        let is_hash = payload.len() == 64 && payload.bytes().all(|byte| byte.is_ascii_hexdigit());
        Proof {
            sha256: is_hash.then(|| payload.to_ascii_lowercase()),
            chain: chain.filter(|_| payload.starts_with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")),
        }
    }
}

/// In whose words a refusal speaks.
fn family(target: Target) -> Family {
    match target.protocol {
        Protocol::Query => Family::Query,
        Protocol::Ec2 => Family::Ec2,
        Protocol::Json10 | Protocol::Json11 | Protocol::RpcV2Cbor => Family::Json,
        Protocol::RestJson => Family::RestJson,
        Protocol::RestXml if target.is("s3") => Family::S3,
        Protocol::RestXml => Family::RestXml,
    }
}

/// DynamoDB and its kin are older than the rest, and name the framework that they are made with.
fn refusal(fault: &Fault, family: Family, target: Target) -> AwsError {
    let mut error = fault.to_error(family);
    if target.protocol == Protocol::Json10 {
        let json_type = format!("com.amazon.coral.service#{}", error.code);
        if *fault == Fault::Missing {
            "Request is missing Authentication Token".clone_into(&mut error.message);
        }
        return error.with_json_type(json_type);
    }
    error
}

/// The refusal of `aws-global` and the like: what clients sign for services without regions, S3 takes from nobody.
fn pseudo_region(claim: &Claim<'_>) -> Option<AwsError> {
    let name = claim.region();
    if !name.starts_with("aws-") {
        return None;
    }
    let expected = Region::default();
    let text = format!("the region '{name}' is wrong; expecting '{expected}'");
    let error = match address::is_link(claim) {
        false => AwsError::new(
            "AuthorizationHeaderMalformed",
            format!("The authorization header is malformed; {text}"),
        ),
        true => AwsError::new(
            "AuthorizationQueryParametersError",
            format!("Error parsing the X-Amz-Credential parameter; {text}"),
        ),
    };
    Some(error.with_detail("Region", expected.as_str()))
}

fn may_be_unsigned(service: Option<&Service>, op: OperationRef) -> bool {
    matches!(op.operation.auth_type.as_deref(), Some("none" | "bearer"))
        || service.is_some_and(|service| service.anonymous)
}

/// What needs no secret: the lifetime of links, and S3's rules for them.
fn check_form(cloud: &Cloud, arrival: &Arrival, claim: &Claim<'_>, family: Family) -> Result<(), Fault> {
    if !address::is_link(claim) {
        return Ok(());
    }
    if family == Family::S3 {
        if claim.expires_s.is_none() {
            return Err(match claim.scheme {
                Scheme::V2 => Fault::QueryPartsV2,
                Scheme::V4 | Scheme::V4A => Fault::QueryParts {
                    missing: vec!["X-Amz-Expires"],
                },
            });
        }
        if claim.scheme == Scheme::V4 {
            let is_signed = |name: &str| claim.signed_headers.split(';').any(|signed| signed == name);
            let names: Vec<String> = arrival
                .headers
                .keys()
                .map(HeaderName::as_str)
                .filter(|name| name.starts_with("x-amz-") && *name != CONTENT_SHA256.as_str() && !is_signed(name))
                .map(str::to_owned)
                .collect();
            if !names.is_empty() {
                return Err(Fault::HeadersNotSigned { names });
            }
        }
    }
    let clock = cloud.clock();
    virga_auth::check_link(claim, Clock::machine_now(), |at| {
        at.map_or_else(|| clock.now(), |at| clock.shown_at(at))
    })
}

enum Unfound {
    Fault(Fault),
    Error(AwsError),
}

/// The account whose root a key means, where it says so by itself; nothing where a service may have issued it.
fn root_of(claim: &Claim<'_>) -> Option<Account> {
    let key = claim.access_key_id();
    if let Ok(account) = Account::parse(key) {
        return Some(account);
    }
    let may_be_issued = key.len() == 20 && ["AKIA", "ASIA", "LSIA"].iter().any(|start| key.starts_with(start));
    (!may_be_issued).then_some(Account::DEFAULT)
}

/// Looks for who has issued a key; nothing where it is one that somebody has from elsewhere.
async fn find(cloud: &Arc<Cloud>, claim: &Claim<'_>, region: &Region) -> Result<Option<Credential>, Unfound> {
    let key = claim.access_key_id();
    match cloud.find_credential(key, region).await {
        Ok(Some(credential)) => Ok(Some(credential)),
        Ok(None) => match claim.session_token.as_deref() {
            // A session of a world that is no more.
            Some(token) if token.starts_with(ISSUED_TOKEN.0) && token.len() == ISSUED_TOKEN.1 => {
                Err(Unfound::Fault(Fault::Key {
                    access_key_id: key.to_owned(),
                }))
            }
            _ => Ok(None),
        },
        Err(error) => Err(Unfound::Error(error)),
    }
}

fn check_credential(cloud: &Cloud, claim: &Claim<'_>, credential: &Credential) -> Result<(), Fault> {
    if !credential.active {
        return Err(Fault::Key {
            access_key_id: claim.access_key_id().to_owned(),
        });
    }
    virga_auth::check_token(claim, credential.session_token.as_deref())?;
    if credential.expires.is_some_and(|expires| cloud.clock().now() >= expires) {
        return Err(Fault::TokenExpired);
    }
    Ok(())
}

/// What was signed as the body's hash, where that can be told without the body.
fn signed_payload<'a>(arrival: &'a Arrival, claim: &Claim<'_>, family: Family) -> Option<&'a str> {
    match arrival.text(&CONTENT_SHA256) {
        Some(payload) => Some(payload),
        None if family == Family::S3 && address::is_link(claim) => Some(UNSIGNED_PAYLOAD),
        None => None,
    }
}

/// The first region of a SigV4A signature.
fn region_set(arrival: &Arrival) -> Option<&str> {
    arrival.text(&REGION_SET)?.split(',').next().map(str::trim)
}
