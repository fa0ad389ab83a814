//! The rows of objects: what is current, what came before, and how one becomes the other.

use super::{content, version_id};
use crate::state::{
    Bucket, Content, Encryption, FIRST_RANK, Headers, Lock, NULL, OBJECTS, VERSION_IDS, VERSIONS, Version, Versioning,
};
use virga_base::{Account, Timestamp};
use virga_service::{ReadTx, StoreError, Tx};

/// A version of nothing, to be filled.
pub fn bare(owner: Account, now: Timestamp) -> Version {
    Version {
        id: None,
        rank: FIRST_RANK,
        modified: Timestamp::from_secs(now.as_secs()),
        owner,
        delete_marker: false,
        size: 0,
        etag: String::new(),
        storage_class: None,
        checksum: None,
        parts: None,
        content: Content::Nothing,
        encryption: Encryption::S3,
        headers: Headers::default(),
        metadata: Vec::new(),
        website_redirect: None,
        tags: Vec::new(),
        lock: Lock::default(),
        restore: None,
        replication: None,
        acl: None,
    }
}

/// The object that a key means now; none where there is none, or where it is deleted.
pub fn current(tx: &ReadTx<'_>, bucket: &Bucket, key: &str) -> Result<Option<Version>, StoreError> {
    tx.get(&OBJECTS, (bucket.id, key))
}

/// The newest version of a key, which may be a delete marker.
pub fn newest(tx: &ReadTx<'_>, bucket: &Bucket, key: &str) -> Result<Option<Version>, StoreError> {
    let current = current(tx, bucket, key)?;
    if current.is_some() || !bucket.is_versioned() {
        return Ok(current);
    }
    newest_behind(tx, bucket, key)
}

/// The newest of the versions that are not current.
fn newest_behind(tx: &ReadTx<'_>, bucket: &Bucket, key: &str) -> Result<Option<Version>, StoreError> {
    let first = tx.scan(&VERSIONS).prefix((bucket.id, key)).first()?;
    Ok(first.map(|(_, version)| version))
}

/// The version with that id, `null` among them.
pub fn find(tx: &ReadTx<'_>, bucket: &Bucket, key: &str, id: &str) -> Result<Option<Version>, StoreError> {
    if let Some(current) = current(tx, bucket, key)?
        && current.shown_id() == id
    {
        return Ok(Some(current));
    }
    if !bucket.is_versioned() {
        return Ok(None);
    }
    match tx.get(&VERSION_IDS, (bucket.id, key, id))? {
        Some(rank) => tx.get(&VERSIONS, (bucket.id, key, rank)),
        None => Ok(None),
    }
}

/// Makes a version the newest of its key, in the place that the bucket's versioning gives it; `id` was drawn for it. Answers
/// it as it is kept. Its content is held already.
pub fn add(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, mut version: Version, id: &str) -> Result<Version, StoreError> {
    let newest = newest(&tx.reading(), bucket, key)?;
    version.rank = newest
        .as_ref()
        .map_or(FIRST_RANK, |newest| newest.rank.saturating_sub(1));
    version.id = (bucket.versioning == Versioning::Enabled).then(|| version_id::at(id, version.rank));
    if version.id.is_none() && bucket.is_versioned() {
        remove_behind(tx, bucket, key, NULL)?;
    }
    if let Some(current) = newest.filter(|newest| !newest.delete_marker) {
        if current.id.is_none() && version.id.is_none() {
            content::release(tx, bucket, &current.content)?;
            if version.delete_marker {
                tx.delete(&OBJECTS, (bucket.id, key))?;
            }
        } else {
            put_behind(tx, bucket, key, &current)?;
            tx.delete(&OBJECTS, (bucket.id, key))?;
        }
    }
    if version.delete_marker {
        put_behind(tx, bucket, key, &version)?;
    } else {
        tx.put(&OBJECTS, (bucket.id, key), &version)?;
    }
    Ok(version)
}

/// Writes a changed version back to where it is.
pub fn keep(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, version: &Version) -> Result<(), StoreError> {
    match current(&tx.reading(), bucket, key)? {
        Some(current) if current.id == version.id => tx.put(&OBJECTS, (bucket.id, key), version),
        _ => tx.put(&VERSIONS, (bucket.id, key, version.rank), version),
    }
}

/// Removes a version for good; the one before it becomes current, where it was.
pub fn remove(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, version: &Version) -> Result<(), StoreError> {
    let current = current(&tx.reading(), bucket, key)?;
    let is_current = current.as_ref().is_some_and(|current| current.id == version.id);
    if is_current {
        content::release(tx, bucket, &version.content)?;
        tx.delete(&OBJECTS, (bucket.id, key))?;
    } else {
        remove_behind(tx, bucket, key, version.shown_id())?;
    }
    if (current.is_some() && !is_current) || !bucket.is_versioned() {
        return Ok(());
    }
    let next = newest_behind(&tx.reading(), bucket, key)?;
    if let Some(next) = next.filter(|next| !next.delete_marker) {
        tx.delete(&VERSIONS, (bucket.id, key, next.rank))?;
        tx.delete(&VERSION_IDS, (bucket.id, key, next.shown_id()))?;
        tx.put(&OBJECTS, (bucket.id, key), &next)?;
    }
    Ok(())
}

fn put_behind(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, version: &Version) -> Result<(), StoreError> {
    tx.put(&VERSIONS, (bucket.id, key, version.rank), version)?;
    tx.put(&VERSION_IDS, (bucket.id, key, version.shown_id()), &version.rank)
}

fn remove_behind(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, id: &str) -> Result<(), StoreError> {
    let Some(rank) = tx.get(&VERSION_IDS, (bucket.id, key, id))? else {
        return Ok(());
    };
    if let Some(version) = tx.get(&VERSIONS, (bucket.id, key, rank))? {
        content::release(tx, bucket, &version.content)?;
    }
    tx.delete(&VERSIONS, (bucket.id, key, rank))?;
    tx.delete(&VERSION_IDS, (bucket.id, key, id))
}
