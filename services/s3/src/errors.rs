//! S3's errors, with AWS's exact wording and the elements that stand beside `Code` and `Message`.

use virga_base::AwsError;

fn error(status: u16, code: &'static str, message: &str) -> AwsError {
    AwsError::new(code, message).with_status(status)
}

pub fn no_such_bucket(name: &str) -> AwsError {
    error(404, "NoSuchBucket", "The specified bucket does not exist").with_detail("BucketName", name)
}

/// An access point's name that cannot be one.
pub fn invalid_uri(uri: &str) -> AwsError {
    error(400, "InvalidURI", "Couldn't parse the specified URI.").with_detail("URI", uri)
}

pub fn no_such_access_point(name: &str) -> AwsError {
    error(404, "NoSuchAccessPoint", "The specified accesspoint does not exist").with_detail("AccessPointName", name)
}

pub fn no_such_access_point_policy(name: &str) -> AwsError {
    error(
        404,
        "NoSuchAccessPointPolicy",
        "The specified accesspoint policy does not exist",
    )
    .with_detail("AccessPointName", name)
}

pub fn access_point_already_owned_by_you(name: &str) -> AwsError {
    error(
        409,
        "AccessPointAlreadyOwnedByYou",
        "Your previous request to create the named accesspoint succeeded and you already own it.",
    )
    .with_detail("AccessPointName", name)
}

pub fn invalid_access_point_alias(alias: &str) -> AwsError {
    error(
        400,
        "InvalidAccessPointAliasError",
        "The specified access point alias name is not valid.",
    )
    .with_detail("AccessPointAlias", alias)
}

pub fn bucket_has_access_points(name: &str) -> AwsError {
    error(
        400,
        "BucketHasAccessPointsAttached",
        "The bucket you tried to delete has access points attached. Delete your access points before deleting your \
         bucket.",
    )
    .with_detail("BucketName", name)
}

pub fn invalid_bucket_name(name: &str) -> AwsError {
    error(400, "InvalidBucketName", "The specified bucket is not valid.").with_detail("BucketName", name)
}

pub fn bucket_already_exists(name: &str) -> AwsError {
    error(
        409,
        "BucketAlreadyExists",
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please \
         select a different name and try again.",
    )
    .with_detail("BucketName", name)
}

pub fn bucket_already_owned_by_you(name: &str) -> AwsError {
    error(
        409,
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
    )
    .with_detail("BucketName", name)
}

pub fn bucket_not_empty(name: &str, versioned: bool) -> AwsError {
    let message = if versioned {
        "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
    } else {
        "The bucket you tried to delete is not empty"
    };
    error(409, "BucketNotEmpty", message).with_detail("BucketName", name)
}

/// A constraint that is no region's.
pub fn invalid_location_constraint(constraint: &str) -> AwsError {
    error(
        400,
        "InvalidLocationConstraint",
        "The specified location-constraint is not valid",
    )
    .with_detail("LocationConstraint", constraint)
}

/// A constraint that is another region's than the endpoint's.
pub fn illegal_location_constraint(constraint: &str) -> AwsError {
    error(
        400,
        "IllegalLocationConstraintException",
        &format!(
            "The {constraint} location constraint is incompatible for the region specific endpoint this request was \
             sent to."
        ),
    )
}

/// The request was signed for another region than the bucket's.
pub fn permanent_redirect(name: &str, region: &str) -> AwsError {
    error(
        301,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future \
         requests to this endpoint.",
    )
    .with_detail("Endpoint", format!("s3.{region}.amazonaws.com"))
    .with_detail("Bucket", name)
    .with_header("x-amz-bucket-region", region)
}

pub fn no_such_key(key: &str) -> AwsError {
    error(404, "NoSuchKey", "The specified key does not exist.").with_detail("Key", key)
}

pub fn no_such_version(key: &str, id: &str) -> AwsError {
    error(404, "NoSuchVersion", "The specified version does not exist.")
        .with_detail("Key", key)
        .with_detail("VersionId", id)
}

pub fn key_too_long(size: usize) -> AwsError {
    error(400, "KeyTooLongError", "Your key is too long")
        .with_detail("Size", size.to_string())
        .with_detail("MaxSizeAllowed", crate::limits::KEY_MAX_BYTES.to_string())
}

pub fn access_denied() -> AwsError {
    error(403, "AccessDenied", "Access Denied")
}

/// The method is not for what is there: a delete marker, most often.
pub fn method_not_allowed(method: &str, resource_type: &str) -> AwsError {
    error(
        405,
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
    )
    .with_detail("Method", method)
    .with_detail("ResourceType", resource_type)
}

pub fn precondition_failed(condition: &str) -> AwsError {
    error(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    )
    .with_detail("Condition", condition)
}

/// A conditional write met another that was under way.
pub fn conditional_request_conflict(condition: &str, key: &str) -> AwsError {
    error(
        409,
        "ConditionalRequestConflict",
        "The conditional request cannot succeed due to a conflicting operation against this resource.",
    )
    .with_detail("Condition", condition)
    .with_detail("Key", key)
}

/// The answer to a conditional read of what has not changed; it has no body.
pub fn not_modified() -> AwsError {
    error(304, "NotModified", "Not Modified")
}

pub fn invalid_range(requested: &str, size: u64) -> AwsError {
    error(416, "InvalidRange", "The requested range is not satisfiable")
        .with_detail("RangeRequested", requested)
        .with_detail("ActualObjectSize", size.to_string())
}

pub fn invalid_part_number(requested: i32, parts: u32) -> AwsError {
    error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
        .with_detail("PartNumberRequested", requested.to_string())
        .with_detail("ActualPartCount", parts.to_string())
}

pub fn no_such_upload(id: &str) -> AwsError {
    error(
        404,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
         completed.",
    )
    .with_detail("UploadId", id)
}

pub fn invalid_part(upload_id: &str, number: i32, etag: &str) -> AwsError {
    error(
        400,
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified \
         entity tag may not match the part's entity tag.",
    )
    .with_detail("UploadId", upload_id)
    .with_detail("PartNumber", number.to_string())
    .with_detail("ETag", etag)
}

pub fn invalid_part_order(upload_id: &str) -> AwsError {
    error(
        400,
        "InvalidPartOrder",
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
    )
    .with_detail("UploadId", upload_id)
}

pub fn entity_too_small(number: u32, size: u64, etag: &str) -> AwsError {
    error(
        400,
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
    )
    .with_detail("ProposedSize", size.to_string())
    .with_detail("MinSizeAllowed", crate::limits::PART_MIN_BYTES.to_string())
    .with_detail("PartNumber", number.to_string())
    .with_detail("ETag", etag)
}

pub fn invalid_argument(message: &str, name: &str, value: &str) -> AwsError {
    error(400, "InvalidArgument", message)
        .with_detail("ArgumentName", name)
        .with_detail("ArgumentValue", value)
}

/// `InvalidArgument` that tells the argument's name alone.
pub fn invalid_argument_named(message: &str, name: &str) -> AwsError {
    error(400, "InvalidArgument", message).with_detail("ArgumentName", name)
}

pub fn invalid_request(message: &str) -> AwsError {
    error(400, "InvalidRequest", message)
}

pub fn missing_request_body() -> AwsError {
    error(400, "MissingRequestBodyError", "Request Body is empty")
}

pub fn malformed_xml() -> AwsError {
    error(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// A header that asks for what S3 does not do here.
pub fn header_not_implemented(header: &str, additional: Option<&str>) -> AwsError {
    let error = error(
        501,
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
    )
    .with_detail("Header", header);
    match additional {
        Some(additional) => error.with_detail("additionalMessage", additional),
        None => error,
    }
}

/// A header that asks for what S3 does not do here, with what it said.
pub fn value_not_accepted(header: &str) -> AwsError {
    header_not_implemented(
        header,
        Some(&format!(
            "We don't accept the provided value of {header} header for this API"
        )),
    )
}

pub fn missing_content_length() -> AwsError {
    error(
        411,
        "MissingContentLength",
        "You must provide the Content-Length HTTP header.",
    )
}

pub fn incomplete_body() -> AwsError {
    error(
        400,
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
}

pub fn entity_too_large(proposed: u64) -> AwsError {
    error(
        400,
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
    )
    .with_detail("ProposedSize", proposed.to_string())
    .with_detail("MaxSizeAllowed", crate::limits::OBJECT_PUT_MAX_BYTES.to_string())
}

pub fn request_timeout() -> AwsError {
    error(
        400,
        "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout period.",
    )
}

pub fn invalid_digest(value: &str) -> AwsError {
    error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.").with_detail("Content-MD5", value)
}

pub fn bad_digest(expected: &str, calculated: &str) -> AwsError {
    error(
        400,
        "BadDigest",
        "The Content-MD5 you specified did not match what we received.",
    )
    .with_detail("ExpectedDigest", expected)
    .with_detail("CalculatedDigest", calculated)
}

/// A checksum that does not fit the body.
pub fn bad_checksum(algorithm: &str) -> AwsError {
    error(
        400,
        "BadDigest",
        &format!("The {algorithm} you specified did not match the calculated checksum."),
    )
}

pub fn metadata_too_large(size: usize) -> AwsError {
    error(
        400,
        "MetadataTooLarge",
        "Your metadata headers exceed the maximum allowed metadata size",
    )
    .with_detail("Size", size.to_string())
    .with_detail("MaxSizeAllowed", crate::limits::USER_METADATA_MAX_BYTES.to_string())
}

pub fn invalid_storage_class(class: &str) -> AwsError {
    error(
        400,
        "InvalidStorageClass",
        "The storage class you specified is not valid",
    )
    .with_detail("StorageClassRequested", class)
}

pub fn invalid_tag(message: &str) -> AwsError {
    error(400, "InvalidTag", message)
}

/// MFA delete is turned on by who shows a device.
pub fn mfa_not_given() -> AwsError {
    error(
        403,
        "AccessDenied",
        "Mfa Authentication must be enabled for this request",
    )
}

pub fn versions_are_locked() -> AwsError {
    error(
        409,
        "InvalidBucketState",
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    )
}

/// A bucket that is replicated keeps its versions.
pub fn versions_are_replicated() -> AwsError {
    error(
        409,
        "InvalidBucketState",
        "A replication configuration is present on this bucket, so the versioning state cannot be changed.",
    )
}

pub fn not_in_active_tier() -> AwsError {
    error(
        403,
        "ObjectNotInActiveTierError",
        "The source object of the COPY operation is not in the active tier and is only stored in Amazon S3 Glacier.",
    )
}

/// An archived object is to be restored before it is read.
pub fn invalid_object_state(storage_class: &str) -> AwsError {
    error(
        403,
        "InvalidObjectState",
        "The operation is not valid for the object's storage class",
    )
    .with_detail("StorageClass", storage_class)
}

/// A denial with its ground, as AWS tells it within an account.
pub fn access_denied_because(caller: &str, action: &str, resource: &str, why: &str) -> AwsError {
    error(
        403,
        "AccessDenied",
        &format!("User: {caller} is not authorized to perform: s3:{action} on resource: \"{resource}\" {why}"),
    )
}

pub fn acl_not_supported() -> AwsError {
    error(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
}

/// A list in a bucket whose owner owns all.
pub fn acl_with_ownership() -> AwsError {
    error(
        400,
        "InvalidBucketAclWithObjectOwnership",
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    )
}

pub fn malformed_acl() -> AwsError {
    error(
        400,
        "MalformedACLError",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// Grants to addresses of e-mail ended in October 2025.
pub fn no_email_grants() -> AwsError {
    error(
        405,
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
    )
}

/// What is locked must come with a proof of its bytes.
pub fn lock_without_checksum(what: &str) -> AwsError {
    invalid_request(&format!(
        "Content-MD5 OR x-amz-checksum- HTTP header is required for {what} requests with Object Lock parameters"
    ))
}

pub fn unexpected_content() -> AwsError {
    error(400, "UnexpectedContent", "This request does not support content")
}

pub fn missing_security_header(name: &str) -> AwsError {
    error(
        400,
        "MissingSecurityHeader",
        "Your request was missing a required header",
    )
    .with_detail("MissingHeaderName", name)
}

/// A form that cannot be read.
pub fn malformed_post(message: &str) -> AwsError {
    error(400, "MalformedPOSTRequest", message)
}

pub fn fields_too_long() -> AwsError {
    error(
        400,
        "MaxPostPreDataLengthExceeded",
        "Your POST request fields preceding the upload file were too large.",
    )
    .with_detail("MaxPostPreDataLengthBytes", crate::form::FIELDS_MAX_BYTES.to_string())
}

pub fn form_lacks(name: &str) -> AwsError {
    let message = format!(
        "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    );
    invalid_argument(&message, name, "")
}

pub fn form_too_large(proposed: u64, most: u64) -> AwsError {
    error(
        400,
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
    )
    .with_detail("ProposedSize", proposed.to_string())
    .with_detail("MaxSizeAllowed", most.to_string())
}

pub fn form_too_small(proposed: u64, least: u64) -> AwsError {
    error(
        400,
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
    )
    .with_detail("ProposedSize", proposed.to_string())
    .with_detail("MinSizeAllowed", least.to_string())
}

pub fn invalid_policy_document(message: &str) -> AwsError {
    error(400, "InvalidPolicyDocument", message)
}

pub fn invalid_access_key(id: &str) -> AwsError {
    error(
        403,
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
    )
    .with_detail("AWSAccessKeyId", id)
}

/// A form's policy that was signed otherwise.
pub fn signature_does_not_match(access_key_id: &str, string_to_sign: &str, signature: &str) -> AwsError {
    let bytes: Vec<String> = string_to_sign.bytes().map(|byte| format!("{byte:02x}")).collect();
    error(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    )
    .with_detail("AWSAccessKeyId", access_key_id)
    .with_detail("StringToSign", string_to_sign)
    .with_detail("SignatureProvided", signature)
    .with_detail("StringToSignBytes", bytes.join(" "))
}

pub fn malformed_policy(message: &str) -> AwsError {
    error(400, "MalformedPolicy", message)
}

pub fn no_such_bucket_policy(bucket: &str) -> AwsError {
    error(404, "NoSuchBucketPolicy", "The bucket policy does not exist").with_detail("BucketName", bucket)
}

pub fn no_such_public_access_block(of: &'static str, name: &str) -> AwsError {
    error(
        404,
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
    )
    .with_detail(of, name)
}

pub fn no_ownership_controls(bucket: &str) -> AwsError {
    error(
        404,
        "OwnershipControlsNotFoundError",
        "The bucket ownership controls were not found",
    )
    .with_detail("BucketName", bucket)
}

/// An expected owner that is no account's number.
pub fn invalid_expected_owner(text: &str) -> AwsError {
    let message = format!("The value of the expected bucket owner parameter must be an AWS Account ID... [{text}]");
    error(400, "InvalidBucketOwnerAWSAccountID", &message)
}

pub fn invalid_namespace_header() -> AwsError {
    error(
        400,
        "InvalidNamespaceHeader",
        "The namespace header provided is invalid or does not match the name of the bucket",
    )
}

/// Object lock is asked for in a bucket that does not have it.
pub fn no_lock_configuration() -> AwsError {
    invalid_request("Bucket is missing Object Lock Configuration")
}

pub fn no_object_lock_configuration(bucket: &str) -> AwsError {
    error(
        404,
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    )
    .with_detail("BucketName", bucket)
}

pub fn object_has_no_lock() -> AwsError {
    error(
        404,
        "NoSuchObjectLockConfiguration",
        "The specified object does not have a ObjectLock configuration",
    )
}

pub fn versioning_must_be_enabled() -> AwsError {
    error(
        409,
        "InvalidBucketState",
        "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    )
}

pub fn invalid_retention_period(message: &str) -> AwsError {
    error(400, "InvalidRetentionPeriod", message)
}

/// Retention or a legal hold keeps a version.
pub fn locked() -> AwsError {
    error(
        403,
        "AccessDenied",
        "Access Denied because object protected by object lock.",
    )
}

/// Customers' keys are for AES-256 alone.
pub fn invalid_encryption_algorithm(algorithm: &str) -> AwsError {
    error(
        400,
        "InvalidEncryptionAlgorithmError",
        "The Encryption request you specified is not valid. Supported value: AES256.",
    )
    .with_detail("ArgumentName", "x-amz-server-side-encryption")
    .with_detail("ArgumentValue", algorithm)
}

pub fn wrong_customer_key() -> AwsError {
    error(
        403,
        "AccessDenied",
        "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.",
    )
}

pub fn restore_not_allowed(storage_class: &str) -> AwsError {
    error(
        403,
        "InvalidObjectState",
        "Restore is not allowed for the object's current storage class",
    )
    .with_detail("StorageClass", storage_class)
}

pub fn restore_in_progress() -> AwsError {
    error(409, "RestoreAlreadyInProgress", "Object restore is already in progress")
}

/// The storage class cannot be retrieved from in that way.
pub fn no_such_tier(storage_class: &str) -> AwsError {
    invalid_argument(
        "Retrieval option is not supported by this storage class",
        "Tier",
        storage_class,
    )
}
