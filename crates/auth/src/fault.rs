//! What is wrong with a signature, and how AWS says so in each family of protocols.

use crate::{Carrier, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use virga_base::{AwsError, Timestamp};

/// Who answers: each has its own codes, statuses and words for the same fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Query,
    Ec2,
    /// JSON and CBOR bodies behind one path.
    Json,
    RestJson,
    /// Route 53, CloudFront: XML with the codes of the query protocol.
    RestXml,
    S3,
}

/// What is wrong with a signature, as a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody signed, and somebody must.
    Missing,
    /// An `Authorization` header of no scheme of AWS's.
    HeaderScheme {
        header: String,
    },
    /// Parts that the `Authorization` header, or the headers beside it, lack.
    HeaderParts {
        header: String,
        credential: bool,
        signature: bool,
        signed_headers: bool,
        date: bool,
    },
    /// A part of the `Authorization` header without an equal sign.
    HeaderPair {
        header: String,
    },
    /// Parameters that a presigned link lacks.
    QueryParts {
        missing: Vec<&'static str>,
    },
    /// The same for version 2.
    QueryPartsV2,
    Algorithm {
        name: String,
        carrier: Carrier,
    },
    Credential {
        text: String,
        carrier: Carrier,
    },
    /// The last part of the credential is not `aws4_request`.
    Terminator {
        text: String,
        carrier: Carrier,
    },
    /// Signed in the header and in the query string at once.
    TwoMechanisms {
        header: String,
    },
    /// A time of signing that is no time.
    Date {
        text: String,
        carrier: Carrier,
    },
    /// The scope's day is not the day of signing.
    ScopeDate {
        scope: String,
        time: String,
        carrier: Carrier,
    },
    /// The lifetime of a link is no number or outside its bounds.
    Expires {
        text: String,
    },
    HostNotSigned,
    /// Headers of a link's request that its signature does not cover.
    HeadersNotSigned {
        names: Vec<String>,
    },
    /// Signed longer ago than clocks may differ.
    Expired {
        signed_at: Timestamp,
        now: Timestamp,
    },
    /// Signed further ahead than clocks may differ.
    NotYet {
        signed_at: Timestamp,
        now: Timestamp,
    },
    LinkExpired {
        ends: Timestamp,
        now: Timestamp,
        lifetime_s: Option<i64>,
    },
    LinkNotYet,
    /// The signature is another than the one computed.
    Mismatch {
        access_key_id: String,
        string_to_sign: String,
        canonical_request: String,
        signature: String,
    },
    /// A key that is inactive or no more.
    Key {
        access_key_id: String,
    },
    /// A session token that is not the key's.
    Token,
    /// The session is over.
    TokenExpired,
    /// The body is not the one that was signed.
    Payload {
        claimed: String,
        computed: String,
    },
}

impl Fault {
    pub(crate) fn header_scheme(header: &str) -> Fault {
        Fault::HeaderScheme {
            header: header.to_owned(),
        }
    }

    pub(crate) fn header_pair(header: &str) -> Fault {
        Fault::HeaderPair {
            header: header.to_owned(),
        }
    }

    /// `present`: credential, signature, signed headers, date.
    pub(crate) fn header_parts(header: &str, present: [bool; 4]) -> Fault {
        let [credential, signature, signed_headers, date] = present;
        Fault::HeaderParts {
            header: header.to_owned(),
            credential,
            signature,
            signed_headers,
            date,
        }
    }

    /// The error as AWS gives it in that family.
    pub fn to_error(&self, family: Family) -> AwsError {
        match family {
            Family::S3 => self.to_s3(),
            Family::Query | Family::Ec2 | Family::Json | Family::RestJson | Family::RestXml => self.to_common(family),
        }
    }

    fn to_common(&self, family: Family) -> AwsError {
        let words = Words::of(family);
        match self {
            Fault::Missing => words.missing(),
            Fault::HeaderScheme { header } => words.incomplete(lacking(header, [false; 4])),
            Fault::HeaderParts {
                header,
                credential,
                signature,
                signed_headers,
                date,
            } => words.incomplete(lacking(header, [*credential, *signature, *signed_headers, *date])),
            Fault::HeaderPair { header } => words.incomplete(format!(
                "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with \
                 Base64): '{}'.",
                hashed(header)
            )),
            Fault::QueryParts { missing } => {
                let mut text = String::new();
                for name in missing {
                    text += &format!("AWS query-string parameters must include '{name}'. ");
                }
                words.incomplete(text + "Re-examine the query-string parameters.")
            }
            Fault::QueryPartsV2 => words.incomplete("Request must contain a signature that conforms to AWS standards"),
            Fault::Algorithm { name, .. } => words.incomplete(format!("Unsupported AWS 'algorithm': '{name}'.")),
            Fault::Credential { text, .. } => words.incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{text}'"
            )),
            Fault::Terminator { text, .. } => words.mismatch(format!(
                "Credential should be scoped with a valid terminator: 'aws4_request', not '{text}'."
            )),
            Fault::TwoMechanisms { .. } => {
                words.incomplete("Only one of the Authorization header and the query-string may carry a signature.")
            }
            Fault::Date { text, .. } => words.incomplete(format!(
                "Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
            )),
            Fault::ScopeDate { scope, time, .. } => words.mismatch(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != \
                 '{}', from '{time}'.",
                time.get(..8).unwrap_or_default()
            )),
            Fault::Expires { .. } => words.incomplete("X-Amz-Expires must be a number of seconds from 0 to 604800."),
            Fault::HostNotSigned => {
                words.mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
            }
            Fault::HeadersNotSigned { names } => words.mismatch(format!(
                "There were headers present in the request which were not signed: {}",
                names.join(", ")
            )),
            Fault::Expired { signed_at, now } => words.skewed(expired_text(*signed_at, *now)),
            Fault::NotYet { signed_at, now } => words.skewed(format!(
                "Signature not yet current: {} is still later than {} ({} + 15 min.)",
                signed_at.to_compact(),
                now.plus_secs(15 * 60).to_compact(),
                now.to_compact()
            )),
            Fault::LinkExpired { ends, now, .. } => words.skewed(format!(
                "Signature expired: {} is now earlier than {}",
                ends.to_compact(),
                now.to_compact()
            )),
            Fault::LinkNotYet => words.skewed("Signature not yet current".to_owned()),
            Fault::Mismatch { .. } => words.mismatch(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            ),
            Fault::Key { .. } | Fault::Token => words.unknown_key(),
            Fault::TokenExpired => words.token_expired(),
            Fault::Payload { .. } => words.mismatch(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            ),
        }
    }

    fn to_s3(&self) -> AwsError {
        match self {
            Fault::Missing => denied("Access Denied"),
            Fault::HeaderScheme { header } => unsupported(header),
            Fault::HeaderParts { date: false, .. } | Fault::Date { .. } => {
                denied("AWS authentication requires a valid Date or x-amz-date header")
            }
            Fault::HeaderParts { .. } | Fault::HeaderPair { .. } => header_malformed(
                "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
            ),
            Fault::QueryParts { .. } => query_error(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, \
                 X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
            ),
            Fault::QueryPartsV2 => {
                denied("Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
            }
            Fault::Algorithm { name, carrier } => match carrier {
                Carrier::Header => unsupported(name),
                Carrier::Query => {
                    query_error("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"")
                }
            },
            Fault::Credential { carrier, .. } => s3_credential(
                *carrier,
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            ),
            Fault::Terminator { text, carrier } => s3_credential(
                *carrier,
                &format!("incorrect terminal \"{text}\". This endpoint belongs to \"aws4_request\"."),
            ),
            Fault::TwoMechanisms { header } => AwsError::new(
                "InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
                 parameter or the Authorization header should be specified",
            )
            .with_detail("ArgumentName", "Authorization")
            .with_detail("ArgumentValue", header.as_str()),
            Fault::ScopeDate { scope, time, carrier } => s3_credential(
                *carrier,
                &format!(
                    "Invalid credential date \"{scope}\". This date is not the same as X-Amz-Date: \"{}\".",
                    time.get(..8).unwrap_or_default()
                ),
            ),
            Fault::Expires { text } => match text.parse::<i64>() {
                Err(_) => query_error("X-Amz-Expires should be a number"),
                Ok(seconds) if seconds < 0 => query_error("X-Amz-Expires must be non-negative"),
                Ok(_) => query_error(
                    "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
                     than 604800 seconds",
                ),
            },
            Fault::HostNotSigned => denied("There were headers present in the request which were not signed")
                .with_detail("HeadersNotSigned", "host"),
            Fault::HeadersNotSigned { names } => {
                denied("There were headers present in the request which were not signed")
                    .with_detail("HeadersNotSigned", names.join(", "))
            }
            Fault::Expired { signed_at, now } | Fault::NotYet { signed_at, now } => AwsError::new(
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            )
            .with_status(403)
            .with_detail("RequestTime", signed_at.to_compact())
            .with_detail("ServerTime", now.to_iso8601())
            .with_detail("MaxAllowedSkewMilliseconds", "900000"),
            Fault::LinkExpired { ends, now, lifetime_s } => {
                let error = denied("Request has expired");
                let error = match lifetime_s {
                    Some(seconds) => error.with_detail("X-Amz-Expires", seconds.to_string()),
                    None => error,
                };
                error
                    .with_detail("Expires", ends.to_iso8601())
                    .with_detail("ServerTime", now.to_iso8601())
            }
            Fault::LinkNotYet => denied("Request is not yet valid"),
            Fault::Mismatch {
                access_key_id,
                string_to_sign,
                canonical_request,
                signature,
            } => {
                let error = AwsError::new(
                    "SignatureDoesNotMatch",
                    "The request signature we calculated does not match the signature you provided. Check your key and \
                     signing method.",
                )
                .with_status(403)
                .with_detail("AWSAccessKeyId", access_key_id.as_str())
                .with_detail("StringToSign", string_to_sign.as_str())
                .with_detail("SignatureProvided", signature.as_str())
                .with_detail("StringToSignBytes", spaced_hex(string_to_sign));
                if canonical_request.is_empty() {
                    return error;
                }
                error
                    .with_detail("CanonicalRequest", canonical_request.as_str())
                    .with_detail("CanonicalRequestBytes", spaced_hex(canonical_request))
            }
            Fault::Key { access_key_id } => AwsError::new(
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            )
            .with_status(403)
            .with_detail("AWSAccessKeyId", access_key_id.as_str()),
            Fault::Token => AwsError::new("InvalidToken", "The provided token is malformed or otherwise invalid."),
            Fault::TokenExpired => AwsError::new("ExpiredToken", "The provided token has expired."),
            Fault::Payload { claimed, computed } => AwsError::new(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
            .with_detail("ClientComputedContentSHA256", claimed.as_str())
            .with_detail("S3ComputedContentSHA256", computed.as_str()),
        }
    }
}

/// The codes and statuses of one family.
struct Words {
    family: Family,
    /// What ends the names of JSON's errors.
    suffix: &'static str,
    /// The status of a refusal.
    status: u16,
}

impl Words {
    fn of(family: Family) -> Words {
        let (suffix, status) = match family {
            Family::Json => ("Exception", 400),
            Family::RestJson => ("Exception", 403),
            Family::Ec2 => ("", 401),
            Family::Query | Family::RestXml | Family::S3 => ("", 403),
        };
        Words { family, suffix, status }
    }

    fn missing(&self) -> AwsError {
        let text = match self.family {
            Family::Json | Family::RestJson => "Missing Authentication Token",
            _ => "Request is missing Authentication Token",
        };
        match self.family {
            Family::Ec2 => AwsError::new(
                "MissingParameter",
                "The request must contain the parameter AWSAccessKeyId",
            ),
            _ => self.error("MissingAuthenticationToken", self.status, text),
        }
    }

    fn incomplete(&self, text: impl Into<String>) -> AwsError {
        let status = if self.family == Family::RestJson { 403 } else { 400 };
        self.error("IncompleteSignature", status, text)
    }

    fn mismatch(&self, text: impl Into<String>) -> AwsError {
        match self.family {
            Family::Json | Family::RestJson => self.error("InvalidSignature", self.status, text),
            Family::Ec2 => self.auth_failure(),
            _ => self.error("SignatureDoesNotMatch", self.status, text),
        }
    }

    fn skewed(&self, text: String) -> AwsError {
        match self.family {
            Family::Ec2 => AwsError::new("RequestExpired", "Request has expired."),
            _ => self.mismatch(text),
        }
    }

    fn unknown_key(&self) -> AwsError {
        let text = "The security token included in the request is invalid.";
        match self.family {
            Family::Json | Family::RestJson => {
                AwsError::new("UnrecognizedClientException", text).with_status(self.status)
            }
            Family::Ec2 => self.auth_failure(),
            _ => self.error("InvalidClientTokenId", self.status, text),
        }
    }

    fn token_expired(&self) -> AwsError {
        match self.family {
            Family::Ec2 => AwsError::new("RequestExpired", "Request has expired."),
            _ => self.error(
                "ExpiredToken",
                self.status,
                "The security token included in the request is expired",
            ),
        }
    }

    fn auth_failure(&self) -> AwsError {
        self.error(
            "AuthFailure",
            self.status,
            "AWS was not able to validate the provided access credentials",
        )
    }

    fn error(&self, code: &str, status: u16, text: impl Into<String>) -> AwsError {
        AwsError::new(format!("{code}{}", self.suffix), text).with_status(status)
    }
}

fn lacking(header: &str, [credential, signature, signed_headers, date]: [bool; 4]) -> String {
    let mut text = String::new();
    for (present, sentence) in [
        (credential, "Authorization header requires 'Credential' parameter. "),
        (signature, "Authorization header requires 'Signature' parameter. "),
        (
            signed_headers,
            "Authorization header requires 'SignedHeaders' parameter. ",
        ),
        (
            date,
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        ),
    ] {
        if !present {
            text += sentence;
        }
    }
    text + "(Hashed with SHA-256 and encoded with Base64) Authorization=" + &hashed(header)
}

fn hashed(header: &str) -> String {
    STANDARD.encode(sha256(header.as_bytes()))
}

fn expired_text(signed_at: Timestamp, now: Timestamp) -> String {
    format!(
        "Signature expired: {} is now earlier than {} ({} - 15 min.)",
        signed_at.to_compact(),
        now.plus_secs(-15 * 60).to_compact(),
        now.to_compact()
    )
}

fn spaced_hex(text: &str) -> String {
    let pairs: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

fn denied(text: &str) -> AwsError {
    AwsError::new("AccessDenied", text).with_status(403)
}

fn unsupported(value: &str) -> AwsError {
    AwsError::new("InvalidArgument", "Unsupported Authorization Type")
        .with_detail("ArgumentName", "Authorization")
        .with_detail("ArgumentValue", value)
}

fn header_malformed(text: &str) -> AwsError {
    AwsError::new(
        "AuthorizationHeaderMalformed",
        format!("The authorization header is malformed; {text}"),
    )
}

fn query_error(text: &str) -> AwsError {
    AwsError::new("AuthorizationQueryParametersError", text)
}

fn s3_credential(carrier: Carrier, text: &str) -> AwsError {
    match carrier {
        Carrier::Header => header_malformed(text),
        Carrier::Query => query_error(&format!("Error parsing the X-Amz-Credential parameter; {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Family, Fault};
    use virga_base::Timestamp;

    fn said(fault: &Fault, family: Family) -> (String, u16, String) {
        let error = fault.to_error(family);
        (error.code.into_owned(), error.status, error.message)
    }

    #[test]
    fn each_family_has_its_own_code_and_status() {
        let key = Fault::Key {
            access_key_id: "AKIDEXAMPLE".to_owned(),
        };
        let table = [
            (&Fault::Missing, Family::Query, "MissingAuthenticationToken", 403),
            (
                &Fault::Missing,
                Family::Json,
                "MissingAuthenticationTokenException",
                400,
            ),
            (
                &Fault::Missing,
                Family::RestJson,
                "MissingAuthenticationTokenException",
                403,
            ),
            (&Fault::Missing, Family::S3, "AccessDenied", 403),
            (&key, Family::Query, "InvalidClientTokenId", 403),
            (&key, Family::Json, "UnrecognizedClientException", 400),
            (&key, Family::Ec2, "AuthFailure", 401),
            (&key, Family::S3, "InvalidAccessKeyId", 403),
            (&Fault::TokenExpired, Family::Query, "ExpiredToken", 403),
            (&Fault::TokenExpired, Family::Json, "ExpiredTokenException", 400),
            (&Fault::TokenExpired, Family::S3, "ExpiredToken", 400),
            (&Fault::HostNotSigned, Family::Json, "InvalidSignatureException", 400),
            (&Fault::HostNotSigned, Family::Query, "SignatureDoesNotMatch", 403),
        ];
        for (fault, family, code, status) in table {
            let (got_code, got_status, _) = said(fault, family);
            assert_eq!((got_code.as_str(), got_status), (code, status), "{fault:?} {family:?}");
        }
    }

    #[test]
    fn a_stale_signature_is_told_with_its_times() {
        let now = Timestamp::from_secs(1_767_225_600);
        let fault = Fault::Expired {
            signed_at: now.plus_secs(-3600),
            now,
        };
        assert_eq!(
            said(&fault, Family::Query).2,
            "Signature expired: 20251231T230000Z is now earlier than 20251231T234500Z (20260101T000000Z - 15 min.)"
        );
        assert_eq!(said(&fault, Family::S3).0, "RequestTimeTooSkewed");
    }

    #[test]
    fn what_a_header_lacks_is_listed() {
        let fault = Fault::header_parts("AWS4-HMAC-SHA256", [false, false, false, true]);
        let (code, status, text) = said(&fault, Family::Query);
        assert_eq!((code.as_str(), status), ("IncompleteSignature", 400));
        assert!(text.starts_with(
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. \
             Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) "
        ));
    }
}
