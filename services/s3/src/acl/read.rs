//! What a request says of a list: by name, in headers, or as a document.

use super::canned::{self, On};
use super::{Grant, Grantee, Permission};
use crate::{errors, wire};
use virga_base::{Account, AwsError};

/// The most grants that a list may have.
const GRANTS_MAX: usize = 100;

/// What a request brought of a list, besides a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub canned: Option<String>,
    pub full_control: Option<String>,
    pub read: Option<String>,
    pub write: Option<String>,
    pub read_acp: Option<String>,
    pub write_acp: Option<String>,
}

/// Takes them out of an input that has all these members; objects have no grant of writing.
macro_rules! asked_acl {
    ($input:expr, bucket) => {
        $crate::acl::read::Asked {
            write: $input.grant_write.take(),
            ..$crate::acl::read::asked_acl!($input, object)
        }
    };
    ($input:expr, object) => {
        $crate::acl::read::Asked {
            canned: $input.acl.take(),
            full_control: $input.grant_full_control.take(),
            read: $input.grant_read.take(),
            read_acp: $input.grant_read_acp.take(),
            write_acp: $input.grant_write_acp.take(),
            write: None,
        }
    };
}
pub(crate) use asked_acl;

impl Asked {
    pub fn has_headers(&self) -> bool {
        self.headers().iter().any(|(_, value, _)| value.is_some())
    }

    fn headers(&self) -> [(&'static str, Option<&str>, Permission); 5] {
        [
            ("x-amz-grant-read", self.read.as_deref(), Permission::Read),
            ("x-amz-grant-write", self.write.as_deref(), Permission::Write),
            ("x-amz-grant-read-acp", self.read_acp.as_deref(), Permission::ReadAcp),
            ("x-amz-grant-write-acp", self.write_acp.as_deref(), Permission::WriteAcp),
            (
                "x-amz-grant-full-control",
                self.full_control.as_deref(),
                Permission::FullControl,
            ),
        ]
    }

    /// The grants that are asked for; nothing where nothing is.
    pub fn grants(&self, owner: Account, bucket_owner: Account, on: On) -> Result<Option<Vec<Grant>>, AwsError> {
        if let Some(name) = &self.canned {
            let grants = canned::grants(name, owner, bucket_owner, on)
                .ok_or_else(|| errors::invalid_argument("", "x-amz-acl", name))?;
            if self.has_headers() {
                return Err(errors::invalid_request(
                    "Specifying both Canned ACLs and Header Grants is not allowed",
                ));
            }
            return Ok(Some(grants));
        }
        if !self.has_headers() {
            return Ok(None);
        }
        let mut grants = Vec::new();
        for (header, value, permission) in self.headers() {
            for part in value.into_iter().flat_map(|value| value.split(',')) {
                let grantee = header_grantee(header, part.trim())?;
                grants.push(Grant::new(grantee, permission));
            }
        }
        check_count(&grants)?;
        Ok(Some(grants))
    }
}

fn header_grantee(header: &'static str, part: &str) -> Result<Grantee, AwsError> {
    let unknown = || errors::invalid_argument("Argument format not recognized", header, part);
    let (kind, value) = part.split_once('=').ok_or_else(unknown)?;
    let value = value.trim();
    let value = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    match kind.trim() {
        "id" if is_id(value) => Ok(Grantee::User(value.to_owned())),
        "id" => Err(errors::invalid_argument("Invalid id", "id", value)),
        "uri" => Grantee::group(value).ok_or_else(|| errors::invalid_argument("Invalid group uri", "uri", value)),
        kind if kind.eq_ignore_ascii_case("emailAddress") => Err(errors::no_email_grants()),
        _ => Err(unknown()),
    }
}

/// The grants of a document, whose owner must be the one that is.
pub fn document(policy: &wire::AccessControlPolicy, owner: Account) -> Result<Vec<Grant>, AwsError> {
    let named = policy.owner.as_ref().and_then(|owner| owner.id.as_deref());
    let named = named.ok_or_else(errors::malformed_acl)?;
    let mut grants = Vec::new();
    for grant in policy.grants.iter().flatten() {
        let permission = grant.permission.as_deref().and_then(Permission::parse);
        let (Some(permission), Some(grantee)) = (permission, &grant.grantee) else {
            return Err(errors::malformed_acl());
        };
        let kind = grantee.type_.as_deref().unwrap_or_default();
        if !["CanonicalUser", "Group", "AmazonCustomerByEmail"].contains(&kind) {
            return Err(errors::malformed_acl());
        }
        grants.push((kind, grantee, permission));
    }
    if !is_id(named) {
        return Err(errors::invalid_argument("Invalid id", "CanonicalUser/ID", named));
    }
    if crate::owner::canonical_id(owner) != named {
        return Err(errors::access_denied());
    }
    let grants: Vec<Grant> = grants
        .into_iter()
        .map(|(kind, grantee, permission)| Ok(Grant::new(document_grantee(kind, grantee)?, permission)))
        .collect::<Result<_, AwsError>>()?;
    check_count(&grants)?;
    Ok(grants)
}

fn document_grantee(kind: &str, grantee: &wire::Grantee) -> Result<Grantee, AwsError> {
    match (kind, grantee.id.as_deref(), grantee.uri.as_deref()) {
        ("CanonicalUser", Some(id), _) if is_id(id) => Ok(Grantee::User(id.to_owned())),
        ("CanonicalUser", Some(id), _) => Err(errors::invalid_argument("Invalid id", "CanonicalUser/ID", id)),
        ("Group", _, Some(uri)) => {
            Grantee::group(uri).ok_or_else(|| errors::invalid_argument("Invalid group uri", "Group/URI", uri))
        }
        ("AmazonCustomerByEmail", ..) => Err(errors::no_email_grants()),
        _ => Err(errors::malformed_acl()),
    }
}

fn check_count(grants: &[Grant]) -> Result<(), AwsError> {
    if grants.len() > GRANTS_MAX {
        return Err(errors::invalid_request(
            "The ACL you provided has more grants than the maximum of 100",
        ));
    }
    Ok(())
}

/// Ids are told by their form: that there is such an account cannot be known.
fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
