//! Whose a new object is, and what its list says.

use super::{Open, rules};
use crate::acl::canned::On;
use crate::acl::read::Asked;
use crate::acl::{Acl, Grant};
use crate::errors;
use crate::state::Bucket;
use virga_base::{Account, AwsError};
use virga_service::{Ctx, Principal};

pub const ENFORCED: &str = "BucketOwnerEnforced";
pub const PREFERRED: &str = "BucketOwnerPreferred";
pub const WRITER: &str = "ObjectWriter";

/// Whether lists are of no account in a bucket.
pub fn is_enforced(bucket: &Bucket) -> bool {
    bucket.ownership.as_deref() == Some(ENFORCED)
}

/// The owner of what the caller writes, and its list as a version keeps it.
pub fn of_new_object(ctx: &Ctx, open: &Open, asked: &Asked) -> Result<(Account, Option<String>), AwsError> {
    let bucket = &open.bucket;
    let caller = ctx.caller();
    // What nobody signed for is the bucket's owner's here; AWS has an account for it that nobody can use.
    let writer = match caller.principal {
        Principal::Anonymous | Principal::Service { .. } => bucket.owner,
        _ => caller.account,
    };
    let given = asked.canned.as_deref() == Some("bucket-owner-full-control");
    let owner = match bucket.ownership.as_deref() {
        Some(ENFORCED) => bucket.owner,
        Some(PREFERRED) if given => bucket.owner,
        _ => writer,
    };
    let Some(grants) = asked.grants(owner, bucket.owner, On::Object)? else {
        return Ok((owner, None));
    };
    let acl = Acl { owner, grants };
    if is_enforced(bucket) {
        check_enforced(bucket, asked, &acl.grants)?;
        return Ok((owner, None));
    }
    check_public(open, &acl)?;
    Ok((owner, acl.keep()))
}

/// Where lists are of no account, only those may be sent that say what holds anyway.
pub fn check_enforced(bucket: &Bucket, asked: &Asked, grants: &[Grant]) -> Result<(), AwsError> {
    let harmless = asked.canned.as_deref() == Some("bucket-owner-full-control")
        || (asked.canned.is_none() && *grants == Acl::private(bucket.owner).grants);
    if harmless {
        return Ok(());
    }
    Err(errors::acl_not_supported())
}

/// Refuses lists that let in everybody, where the bucket's or the account's block says so.
pub fn check_public(open: &Open, acl: &Acl) -> Result<(), AwsError> {
    if acl.is_public() && open.home.read(|tx| rules::blocks(tx, &open.bucket))?.block_public_acls {
        return Err(errors::access_denied());
    }
    Ok(())
}
