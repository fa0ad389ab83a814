//! What a bucket's policy must be, beyond the language.

use crate::errors;
use crate::state::Bucket;
use virga_base::AwsError;
use virga_lang_policy::{Context, Fault, Need, Pattern, Policy, Rules, Statement};

/// Bytes of a policy.
const POLICY_MAX_BYTES: usize = 20 * 1024;

/// Actions that are about the bucket, without `s3:`. All that begin with `GetBucket` and the like are among them.
const OF_BUCKETS: [&str; 24] = [
    "CreateBucket",
    "DeleteBucket",
    "ListBucket",
    "ListBucketVersions",
    "ListBucketMultipartUploads",
    "GetAccelerateConfiguration",
    "PutAccelerateConfiguration",
    "GetAnalyticsConfiguration",
    "PutAnalyticsConfiguration",
    "GetEncryptionConfiguration",
    "PutEncryptionConfiguration",
    "GetIntelligentTieringConfiguration",
    "PutIntelligentTieringConfiguration",
    "GetInventoryConfiguration",
    "PutInventoryConfiguration",
    "GetLifecycleConfiguration",
    "PutLifecycleConfiguration",
    "GetMetricsConfiguration",
    "PutMetricsConfiguration",
    "GetReplicationConfiguration",
    "PutReplicationConfiguration",
    "DeleteBucketPolicy",
    "DeleteBucketWebsite",
    "GetBucketLocation",
];
const OF_BUCKETS_BY_NAME: [&str; 27] = [
    "GetBucketAcl",
    "PutBucketAcl",
    "GetBucketCORS",
    "PutBucketCORS",
    "GetBucketLogging",
    "PutBucketLogging",
    "GetBucketNotification",
    "PutBucketNotification",
    "GetBucketObjectLockConfiguration",
    "PutBucketObjectLockConfiguration",
    "GetBucketOwnershipControls",
    "PutBucketOwnershipControls",
    "GetBucketPolicy",
    "PutBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketPublicAccessBlock",
    "PutBucketPublicAccessBlock",
    "GetBucketRequestPayment",
    "PutBucketRequestPayment",
    "GetBucketTagging",
    "PutBucketTagging",
    "GetBucketVersioning",
    "PutBucketVersioning",
    "GetBucketWebsite",
    "PutBucketWebsite",
    "GetBucketAbac",
    "PutBucketAbac",
];
const OF_OBJECTS: [&str; 37] = [
    "AbortMultipartUpload",
    "BypassGovernanceRetention",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjectVersion",
    "DeleteObjectVersionTagging",
    "GetObject",
    "GetObjectAcl",
    "GetObjectAttributes",
    "GetObjectLegalHold",
    "GetObjectRetention",
    "GetObjectTagging",
    "GetObjectTorrent",
    "GetObjectVersion",
    "GetObjectVersionAcl",
    "GetObjectVersionAttributes",
    "GetObjectVersionForReplication",
    "GetObjectVersionTagging",
    "GetObjectVersionTorrent",
    "InitiateReplication",
    "ListMultipartUploadParts",
    "ObjectOwnerOverrideToBucketOwner",
    "PauseReplication",
    "PutObject",
    "PutObjectAcl",
    "PutObjectLegalHold",
    "PutObjectRetention",
    "PutObjectTagging",
    "PutObjectVersionAcl",
    "PutObjectVersionTagging",
    "ReplicateDelete",
    "ReplicateObject",
    "ReplicateTags",
    "RestoreObject",
    "UpdateObjectEncryption",
    "RenameObject",
    "GetObjectVersionForReplicationTagging",
];

/// Reads a policy that shall be a bucket's.
///
/// # Errors
/// `MalformedPolicy` in S3's words.
pub fn read(text: &str, bucket: &Bucket) -> Result<Policy, AwsError> {
    let policy = parse(text)?;
    for statement in &policy.statements {
        check(statement, bucket)?;
    }
    Ok(policy)
}

/// Reads a policy of a resource, whatever resources it names.
///
/// # Errors
/// `MalformedPolicy` in S3's words.
pub fn parse(text: &str) -> Result<Policy, AwsError> {
    let rules = Rules {
        max_bytes: POLICY_MAX_BYTES,
        principal: Need::Required,
        resource: Need::Required,
        unique_sids: false,
        plain_sids: false,
    };
    Policy::parse(text, &rules).map_err(|fault| worded(&fault))
}

fn worded(fault: &Fault) -> AwsError {
    let malformed = errors::malformed_policy;
    match fault {
        Fault::TooLong { .. } => malformed("Policy exceeds the maximum allowed document size."),
        Fault::NotJson(_) => malformed("Policies must be valid JSON and the first byte must be '{'"),
        Fault::UnknownField(name) => malformed(&format!("Unknown field {name}")),
        Fault::Missing(name) => malformed(&format!("Missing required field {name}")),
        Fault::Empty("Statement") => malformed("Could not parse the policy: Statement is empty!"),
        Fault::Empty("Principal") | Fault::PrincipalKind(_) => malformed("Invalid principal in policy"),
        Fault::Empty("Action") | Fault::Action(_) => malformed("Policy has invalid action"),
        Fault::Empty("Resource") | Fault::Resource(_) => malformed("Policy has invalid resource"),
        Fault::Version(_) => malformed("The policy must contain a valid version string"),
        Fault::Effect(effect) => malformed(&format!("Invalid effect: {effect}")),
        Fault::Principal { kind, value } => {
            malformed("Invalid principal in policy").with_detail("Detail", format!("\"{kind}\" : \"{value}\""))
        }
        Fault::Operator(name) => malformed(&format!("Invalid Condition type : {name}")),
        Fault::ConditionValue { key, .. } => malformed(&format!("Invalid value for condition key {key}")),
        Fault::Empty(_)
        | Fault::Forbidden(_)
        | Fault::Both(_)
        | Fault::DuplicateSid(_)
        | Fault::Kind(_)
        | Fault::Sid(_)
        | Fault::Variable(_) => malformed("Invalid policy syntax."),
    }
}

/// Whether a statement's actions exist, and are about what its resources are.
fn check(statement: &Statement, bucket: &Bucket) -> Result<(), AwsError> {
    let nothing = Context::new();
    let known = |pattern: &Pattern| {
        let is = |name: &&str| pattern.matches_ignoring_case(&format!("s3:{name}"), &nothing);
        let of_bucket = OF_BUCKETS.iter().chain(&OF_BUCKETS_BY_NAME).any(&is);
        (of_bucket, OF_OBJECTS.iter().any(is))
    };
    let resources = statement.resources.iter().flat_map(|resources| &resources.patterns);
    let (mut buckets, mut objects) = (false, false);
    for resource in resources {
        let (of_bucket, of_objects) = covers(resource, bucket);
        if !of_bucket && !of_objects {
            return Err(errors::malformed_policy("Policy has invalid resource"));
        }
        buckets |= of_bucket;
        objects |= of_objects;
    }
    for action in &statement.actions.patterns {
        if action.text() == "*" {
            continue;
        }
        let (of_bucket, of_objects) = known(action);
        if !of_bucket && !of_objects {
            return Err(errors::malformed_policy("Policy has invalid action"));
        }
        let negated = statement.actions.negated || statement.resources.as_ref().is_some_and(|r| r.negated);
        let applies = (of_bucket && buckets) || (of_objects && objects);
        if !negated && !applies {
            return Err(errors::malformed_policy(
                "Action does not apply to any resource(s) in statement",
            ));
        }
    }
    Ok(())
}

/// Whether a resource may be the bucket itself, and whether it may be objects in it.
fn covers(resource: &Pattern, bucket: &Bucket) -> (bool, bool) {
    let text = resource.text();
    let arn = bucket.arn();
    if text == "*" {
        return (true, true);
    }
    let head = match text.split_once('/') {
        Some((head, _)) => head,
        None => text,
    };
    let nothing = Context::new();
    let of_name = |text: &str| Pattern::parse(text, false).is_ok_and(|pattern| pattern.matches_arn(&arn, &nothing));
    let by_arn = |wanted: &str| Pattern::parse(head, false).is_ok_and(|pattern| pattern.matches_arn(wanted, &nothing));
    let ends_open = text.ends_with('*') || head.ends_with('*');
    let of_bucket = !text.contains('/') && of_name(text);
    let of_objects = (text.contains('/') && by_arn(&arn)) || (ends_open && of_name(text));
    (of_bucket, of_objects)
}
