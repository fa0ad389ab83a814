//! What a job does with one object: an operation of S3 and its input.

use super::manifest::Named;
use super::{bad_request, not_implemented};
use crate::s3control::wire::{
    JobOperation, S3AccessControlPolicy, S3CopyObjectOperation, S3Grantee, S3ObjectMetadata, S3Tag,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};
use virga_base::{Arn, AwsError, Timestamp};

/// How lists of jobs call an operation.
pub fn name(operation: &JobOperation) -> Option<&'static str> {
    let mut names = names(operation);
    let first = names.pop();
    first.filter(|_| names.is_empty())
}

fn names(operation: &JobOperation) -> Vec<&'static str> {
    [
        (operation.lambda_invoke.is_some(), "LambdaInvoke"),
        (operation.s3_put_object_copy.is_some(), "S3PutObjectCopy"),
        (operation.s3_put_object_acl.is_some(), "S3PutObjectAcl"),
        (operation.s3_put_object_tagging.is_some(), "S3PutObjectTagging"),
        (operation.s3_delete_object_tagging.is_some(), "S3DeleteObjectTagging"),
        (
            operation.s3_initiate_restore_object.is_some(),
            "S3InitiateRestoreObject",
        ),
        (operation.s3_put_object_legal_hold.is_some(), "S3PutObjectLegalHold"),
        (operation.s3_put_object_retention.is_some(), "S3PutObjectRetention"),
        (operation.s3_replicate_object.is_some(), "S3ReplicateObject"),
        (
            operation.s3_compute_object_checksum.is_some(),
            "S3ComputeObjectChecksum",
        ),
        (
            operation.s3_update_object_encryption.is_some(),
            "S3UpdateObjectEncryption",
        ),
    ]
    .into_iter()
    .filter_map(|(there, name)| there.then_some(name))
    .collect()
}

/// Whether there is one operation, and one that Virga can do.
pub fn check(operation: &JobOperation) -> Result<(), AwsError> {
    let name = name(operation).ok_or_else(|| bad_request("Exactly one operation is required"))?;
    let nothing = Named::default();
    match input(operation, &nothing) {
        Some(_) => Ok(()),
        None => Err(not_implemented(&format!("jobs of the operation {name}"))),
    }
}

/// The operation of S3 that a task calls, and its input; none for what Virga does not do.
pub fn input(operation: &JobOperation, object: &Named) -> Option<(&'static str, Json)> {
    let mut input = json!({ "Bucket": object.bucket, "Key": object.key });
    if let Some(id) = &object.version_id {
        input["VersionId"] = json!(id);
    }
    let called = if let Some(copy) = &operation.s3_put_object_copy {
        return Some(("CopyObject", copy_input(copy, object)?));
    } else if let Some(tagging) = &operation.s3_put_object_tagging {
        input["Tagging"] = json!({ "TagSet": tag_set(tagging.tag_set.as_deref().unwrap_or_default()) });
        "PutObjectTagging"
    } else if operation.s3_delete_object_tagging.is_some() {
        "DeleteObjectTagging"
    } else if let Some(acl) = &operation.s3_put_object_acl {
        set_acl(&mut input, acl.access_control_policy.as_ref());
        "PutObjectAcl"
    } else if let Some(restore) = &operation.s3_initiate_restore_object {
        let tier = match restore.glacier_job_tier.as_deref() {
            Some("BULK") => "Bulk",
            _ => "Standard",
        };
        let days = restore.expiration_in_days.unwrap_or(1);
        input["RestoreRequest"] = json!({ "Days": days, "GlacierJobParameters": { "Tier": tier } });
        "RestoreObject"
    } else if let Some(hold) = &operation.s3_put_object_legal_hold {
        let status = hold.legal_hold.as_ref().and_then(|hold| hold.status.as_deref());
        input["LegalHold"] = json!({ "Status": status });
        "PutObjectLegalHold"
    } else if let Some(kept) = &operation.s3_put_object_retention {
        let retention = kept.retention.as_ref();
        let mut wanted = json!({});
        put(&mut wanted, "Mode", retention.and_then(|kept| kept.mode.clone()));
        put(
            &mut wanted,
            "RetainUntilDate",
            retention.and_then(|kept| kept.retain_until_date).map(time),
        );
        input["Retention"] = wanted;
        if kept.bypass_governance_retention == Some(true) {
            input["BypassGovernanceRetention"] = json!(true);
        }
        "PutObjectRetention"
    } else {
        return None;
    };
    Some((called, input))
}

fn copy_input(copy: &S3CopyObjectOperation, object: &Named) -> Option<Json> {
    let target = Arn::parse(copy.target_resource.as_deref()?).ok()?.resource;
    let prefix = copy.target_key_prefix.as_deref().unwrap_or_default();
    let key = match prefix {
        "" => object.key.clone(),
        prefix => format!("{prefix}/{}", object.key),
    };
    let mut source = format!(
        "{}/{}",
        object.bucket,
        utf8_percent_encode(&object.key, NON_ALPHANUMERIC)
    );
    if let Some(id) = &object.version_id {
        source = format!("{source}?versionId={id}");
    }
    let mut input = json!({ "Bucket": target, "Key": key, "CopySource": source });
    put(&mut input, "ACL", copy.canned_access_control_list.clone());
    put(&mut input, "StorageClass", copy.storage_class.clone());
    put(&mut input, "ChecksumAlgorithm", copy.checksum_algorithm.clone());
    put(&mut input, "WebsiteRedirectLocation", copy.redirect_location.clone());
    put(&mut input, "ObjectLockMode", copy.object_lock_mode.clone());
    put(
        &mut input,
        "ObjectLockLegalHoldStatus",
        copy.object_lock_legal_hold_status.clone(),
    );
    put(
        &mut input,
        "ObjectLockRetainUntilDate",
        copy.object_lock_retain_until_date.map(time),
    );
    put(
        &mut input,
        "CopySourceIfModifiedSince",
        copy.modified_since_constraint.map(time),
    );
    put(
        &mut input,
        "CopySourceIfUnmodifiedSince",
        copy.un_modified_since_constraint.map(time),
    );
    put(&mut input, "BucketKeyEnabled", copy.bucket_key_enabled);
    if let Some(key_id) = &copy.sse_aws_kms_key_id {
        input["ServerSideEncryption"] = json!("aws:kms");
        input["SSEKMSKeyId"] = json!(key_id);
    }
    if let Some(tags) = &copy.new_object_tagging {
        let encode = |text: &Option<String>| {
            utf8_percent_encode(text.as_deref().unwrap_or_default(), NON_ALPHANUMERIC).to_string()
        };
        let pairs: Vec<String> = tags
            .iter()
            .map(|tag| format!("{}={}", encode(&tag.key), encode(&tag.value)))
            .collect();
        input["TaggingDirective"] = json!("REPLACE");
        input["Tagging"] = json!(pairs.join("&"));
    }
    put(&mut input, "MetadataDirective", copy.metadata_directive.clone());
    if let Some(metadata) = &copy.new_object_metadata {
        input["MetadataDirective"] = json!("REPLACE");
        set_metadata(&mut input, metadata);
    }
    Some(input)
}

fn set_metadata(input: &mut Json, metadata: &S3ObjectMetadata) {
    put(input, "CacheControl", metadata.cache_control.clone());
    put(input, "ContentDisposition", metadata.content_disposition.clone());
    put(input, "ContentEncoding", metadata.content_encoding.clone());
    put(input, "ContentLanguage", metadata.content_language.clone());
    put(input, "ContentType", metadata.content_type.clone());
    put(input, "ServerSideEncryption", metadata.sse_algorithm.clone());
    if let Some(own) = &metadata.user_metadata {
        let own: Map<String, Json> = own.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        input["Metadata"] = Json::Object(own);
    }
}

fn set_acl(input: &mut Json, policy: Option<&S3AccessControlPolicy>) {
    let Some(policy) = policy else { return };
    put(input, "ACL", policy.canned_access_control_list.clone());
    let Some(list) = &policy.access_control_list else {
        return;
    };
    let grantee = |grantee: &S3Grantee| match grantee.type_identifier.as_deref() {
        Some("uri") => json!({ "Type": "Group", "URI": grantee.identifier }),
        Some("emailAddress") => json!({ "Type": "AmazonCustomerByEmail", "EmailAddress": grantee.identifier }),
        _ => json!({ "Type": "CanonicalUser", "ID": grantee.identifier }),
    };
    let grants = list
        .grants
        .iter()
        .flatten()
        .map(|grant| json!({ "Grantee": grant.grantee.as_ref().map(grantee), "Permission": grant.permission }));
    let grants: Vec<Json> = grants.collect();
    let owner = list.owner.as_ref().and_then(|owner| owner.id.as_deref());
    input["AccessControlPolicy"] = json!({ "Owner": { "ID": owner }, "Grants": grants });
}

fn tag_set(tags: &[S3Tag]) -> Vec<Json> {
    tags.iter()
        .map(|tag| json!({ "Key": tag.key, "Value": tag.value }))
        .collect()
}

fn put<T: Into<Json>>(input: &mut Json, name: &str, value: Option<T>) {
    if let Some(value) = value {
        input[name] = value.into();
    }
}

fn time(at: Timestamp) -> String {
    at.to_iso8601()
}
