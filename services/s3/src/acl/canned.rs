//! The lists that have a name.

use super::{EC2_ID, Grant, Grantee, Permission};
use crate::owner::canonical_id;
use virga_base::Account;

/// What a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Bucket,
    Object,
}

/// The grants of a named list, for something of `owner` in a bucket of `bucket_owner`; nothing for names that AWS does
/// not know there.
pub fn grants(name: &str, owner: Account, bucket_owner: Account, on: On) -> Option<Vec<Grant>> {
    let user = |account: Account| Grantee::User(canonical_id(account));
    let mut grants = vec![Grant::new(user(owner), Permission::FullControl)];
    let mut add = |grantee: Grantee, permission: Permission| grants.push(Grant::new(grantee, permission));
    match name {
        "private" => {}
        "public-read" => add(Grantee::AllUsers, Permission::Read),
        "public-read-write" => {
            add(Grantee::AllUsers, Permission::Read);
            add(Grantee::AllUsers, Permission::Write);
        }
        "authenticated-read" => add(Grantee::AuthenticatedUsers, Permission::Read),
        "aws-exec-read" => add(Grantee::User(EC2_ID.to_owned()), Permission::Read),
        "log-delivery-write" if on == On::Bucket => {
            add(Grantee::LogDelivery, Permission::Write);
            add(Grantee::LogDelivery, Permission::ReadAcp);
        }
        // For buckets the two mean nothing.
        "bucket-owner-read" | "bucket-owner-full-control" if on == On::Bucket || owner == bucket_owner => {}
        "bucket-owner-read" => add(user(bucket_owner), Permission::Read),
        "bucket-owner-full-control" => add(user(bucket_owner), Permission::FullControl),
        _ => return None,
    }
    Some(grants)
}
