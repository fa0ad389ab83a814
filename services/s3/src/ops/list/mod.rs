//! Lists of what is in a bucket.

pub mod objects;
pub mod versions;

use crate::state::Version;
use crate::wire::RestoreStatus;
use virga_base::Timestamp;

/// The algorithm of a version's checksum as lists tell it.
fn checksum_algorithm(version: &Version) -> Option<Vec<String>> {
    let checksum = version.checksum.as_ref()?;
    Some(vec![checksum.algorithm.name().to_owned()])
}

fn checksum_type(version: &Version) -> Option<String> {
    let checksum = version.checksum.as_ref()?;
    Some(if checksum.composite { "COMPOSITE" } else { "FULL_OBJECT" }.to_owned())
}

/// What lists tell of an archived object's restored copy.
fn restore_status(version: &Version, now: Timestamp) -> Option<RestoreStatus> {
    let restore = version.restore.as_ref()?;
    let is_ready = now >= restore.ready;
    (now < restore.expires).then(|| RestoreStatus {
        is_restore_in_progress: Some(!is_ready),
        restore_expiry_date: is_ready.then_some(restore.expires),
    })
}

/// Whether a list was asked for an attribute beyond the usual ones.
fn wants(attributes: Option<&Vec<String>>, name: &str) -> bool {
    attributes.is_some_and(|attributes| attributes.iter().any(|attribute| attribute == name))
}
