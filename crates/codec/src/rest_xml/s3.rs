//! What S3 alone does, and no model in botocore's form says.

use crate::{OperationRef, WireRequest};
use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use virga_base::{AwsError, fnv1a};
use virga_shape::ServiceModel;

pub(super) fn is_s3(model: &ServiceModel) -> bool {
    model.name == "s3"
}

/// The root of an answer, where it is not the name of the output's shape. SDKs made from Smithy's model check it; that
/// model, Amazon's S3 API reference and S3 itself agree on these names.
pub(super) fn root(op: OperationRef) -> Option<&'static str> {
    if !is_s3(op.model) {
        return None;
    }
    Some(match op.operation.name.as_str() {
        "CompleteMultipartUpload" => "CompleteMultipartUploadResult",
        "CreateMultipartUpload" => "InitiateMultipartUploadResult",
        "CreateSession" => "CreateSessionResult",
        "DeleteObjects" => "DeleteResult",
        "GetBucketAccelerateConfiguration" => "AccelerateConfiguration",
        "GetBucketAcl" | "GetObjectAcl" => "AccessControlPolicy",
        "GetBucketCors" => "CORSConfiguration",
        "GetBucketLifecycle" | "GetBucketLifecycleConfiguration" => "LifecycleConfiguration",
        "GetBucketLocation" => "LocationConstraint",
        "GetBucketLogging" => "BucketLoggingStatus",
        "GetBucketNotification" => "NotificationConfiguration",
        "GetBucketRequestPayment" => "RequestPaymentConfiguration",
        "GetBucketTagging" | "GetObjectTagging" => "Tagging",
        "GetBucketVersioning" => "VersioningConfiguration",
        "GetBucketWebsite" => "WebsiteConfiguration",
        "GetObjectAttributes" => "GetObjectAttributesResponse",
        "ListBucketAnalyticsConfigurations" => "ListBucketAnalyticsConfigurationResult",
        "ListBucketInventoryConfigurations" => "ListInventoryConfigurationsResult",
        "ListBucketMetricsConfigurations" => "ListMetricsConfigurationsResult",
        "ListBuckets" => "ListAllMyBucketsResult",
        "ListDirectoryBuckets" => "ListAllMyDirectoryBucketsResult",
        "ListMultipartUploads" => "ListMultipartUploadsResult",
        "ListObjectVersions" => "ListVersionsResult",
        "ListObjects" | "ListObjectsV2" => "ListBucketResult",
        "ListParts" => "ListPartsResult",
        _ => return None,
    })
}

/// Whether the answer's root holds the one member's text itself: `<LocationConstraint>eu-west-1</LocationConstraint>`.
pub(super) fn is_bare(op: OperationRef) -> bool {
    is_s3(op.model) && op.operation.name == "GetBucketLocation"
}

/// What a presigned link says in its query instead of in headers, which have the last word.
pub(super) fn linked_headers(request: &WireRequest<'_>) -> Option<HeaderMap> {
    if !request.query.contains("Signature=") {
        return None;
    }
    let mut headers: Option<HeaderMap> = None;
    for (name, value) in request.query.split('&').filter_map(|pair| pair.split_once('=')) {
        let name = name.to_ascii_lowercase();
        let meant =
            CONDITIONS.contains(&name.as_str()) || (name.starts_with("x-amz-") && !SIGNING.contains(&name.as_str()));
        if !meant || request.headers.contains_key(name.as_str()) {
            continue;
        }
        let value = value.replace('+', " ");
        let value: Vec<u8> = percent_encoding::percent_decode_str(&value).collect();
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers
                .get_or_insert_with(|| request.headers.clone())
                .insert(name, value);
        }
    }
    headers
}

const CONDITIONS: [&str; 4] = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];
const SIGNING: [&str; 7] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
];

/// What S3 says of a parameter or header that does not fit the model.
pub(super) fn in_its_words(mut error: AwsError) -> AwsError {
    if error.code != "SerializationException" {
        return error;
    }
    error.code = "InvalidArgument".into();
    let name = error.details.iter().find(|(name, _)| name == "ArgumentName");
    if let Some(name) = name.and_then(|(_, name)| name.as_str()) {
        error.message = format!("Provided {name} not an integer or within integer range");
    }
    error
}

/// Whether the answer's root is in no namespace: what forms of browsers are answered, as the API reference shows it.
pub(super) fn is_without_namespace(op: OperationRef) -> bool {
    is_s3(op.model) && op.operation.name == "PostObject"
}

/// The second id of an answer (`x-amz-id-2`, `HostId`): of S3's form, and always the same for the same request's id.
pub(super) fn host_id(request_id: &str) -> String {
    // A hash, drawn out to the 56 bytes that S3's ids have. It tells nothing and protects nothing.
    let mut state = fnv1a(request_id.as_bytes());
    let mut bytes = [0; 56];
    for place in bytes.chunks_exact_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        place.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
    }
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
