//! What a bucket's owner has laid down about access, as rows keep it.

use crate::acl::Acl;
use crate::state::{ACCOUNT_RULES, Bucket, CONFIGURATIONS};
use serde::{Deserialize, Serialize};
use virga_base::{Account, AwsError};
use virga_service::{Place, ReadTx, StoreError, Tx};

/// Kinds of rows in `CONFIGURATIONS`.
pub const POLICY: &str = "policy";
pub const ACL: &str = "acl";
pub const PUBLIC_ACCESS_BLOCK: &str = "public_access_block";
pub const REQUEST_PAYMENT: &str = "request_payment";

/// What of public access is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Blocks {
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    pub block_public_policy: bool,
    pub restrict_public_buckets: bool,
}

impl Blocks {
    /// What new buckets begin with.
    pub const ALL: Blocks = Blocks {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };

    pub fn or(self, other: Blocks) -> Blocks {
        Blocks {
            block_public_acls: self.block_public_acls || other.block_public_acls,
            ignore_public_acls: self.ignore_public_acls || other.ignore_public_acls,
            block_public_policy: self.block_public_policy || other.block_public_policy,
            restrict_public_buckets: self.restrict_public_buckets || other.restrict_public_buckets,
        }
    }
}

/// One row of a bucket, of which there is one of its kind.
pub fn get(tx: &ReadTx<'_>, bucket: &Bucket, kind: &str) -> Result<Option<Vec<u8>>, StoreError> {
    tx.get(&CONFIGURATIONS, (bucket.id, kind, ""))
}

pub fn put(tx: &mut Tx<'_>, bucket: &Bucket, kind: &str, value: Option<Vec<u8>>) -> Result<(), StoreError> {
    match value {
        Some(value) => tx.put(&CONFIGURATIONS, (bucket.id, kind, ""), &value),
        None => tx.delete(&CONFIGURATIONS, (bucket.id, kind, "")),
    }
}

/// The bucket's own list.
pub fn acl(tx: &ReadTx<'_>, bucket: &Bucket) -> Result<Acl, StoreError> {
    let kept = get(tx, bucket, ACL)?.and_then(|kept| String::from_utf8(kept).ok());
    Ok(Acl::load(bucket.owner, kept.as_deref()))
}

/// The block of one bucket; none where it was deleted.
pub fn own_blocks(tx: &ReadTx<'_>, bucket: &Bucket) -> Result<Option<Blocks>, StoreError> {
    let kept = get(tx, bucket, PUBLIC_ACCESS_BLOCK)?;
    Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()))
}

/// The block of a whole account.
pub fn account_blocks(tx: &ReadTx<'_>, account: Account) -> Result<Option<Blocks>, StoreError> {
    // An account's rule holds in all regions.
    let place = Place::account(account);
    let kept = tx.elsewhere(&place).get(&ACCOUNT_RULES, (PUBLIC_ACCESS_BLOCK,))?;
    Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()))
}

pub fn put_account_blocks(tx: &mut Tx<'_>, account: Account, blocks: Option<Blocks>) -> Result<(), AwsError> {
    // An account's rule holds in all regions.
    let place = Place::account(account);
    let mut tx = tx.elsewhere(&place);
    match blocks.and_then(|blocks| serde_json::to_vec(&blocks).ok()) {
        Some(kept) => tx.put(&ACCOUNT_RULES, (PUBLIC_ACCESS_BLOCK,), &kept)?,
        None => tx.delete(&ACCOUNT_RULES, (PUBLIC_ACCESS_BLOCK,))?,
    }
    Ok(())
}

/// What holds for a bucket: its own block and its account's.
pub fn blocks(tx: &ReadTx<'_>, bucket: &Bucket) -> Result<Blocks, StoreError> {
    let own = own_blocks(tx, bucket)?.unwrap_or_default();
    Ok(own.or(account_blocks(tx, bucket.owner)?.unwrap_or_default()))
}

/// Whether whoever asks pays.
pub fn requester_pays(tx: &ReadTx<'_>, bucket: &Bucket) -> Result<bool, StoreError> {
    Ok(get(tx, bucket, REQUEST_PAYMENT)?.as_deref() == Some(b"Requester"))
}
