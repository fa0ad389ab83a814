//! What can happen, by the names that configurations and records give it.

use crate::state::Version;

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    CreatedPut,
    CreatedPost,
    CreatedCopy,
    CreatedCompleteMultipartUpload,
    RemovedDelete,
    RemovedDeleteMarkerCreated,
    RestorePost,
    RestoreCompleted,
    RestoreDelete,
    TaggingPut,
    TaggingDelete,
    AclPut,
    ExpirationDelete,
    ExpirationDeleteMarkerCreated,
    Transition,
    ReplicationFailed,
}

/// How each goes by name: in records, to EventBridge, and there with a reason.
struct Names {
    record: &'static str,
    detail_type: &'static str,
    reason: Option<&'static str>,
    version: &'static str,
}

const fn names(
    record: &'static str,
    detail_type: &'static str,
    reason: Option<&'static str>,
    version: &'static str,
) -> Names {
    Names {
        record,
        detail_type,
        reason,
        version,
    }
}

impl What {
    fn names(self) -> Names {
        match self {
            What::CreatedPut => names("ObjectCreated:Put", "Object Created", Some("PutObject"), "2.1"),
            What::CreatedPost => names("ObjectCreated:Post", "Object Created", Some("POST Object"), "2.1"),
            What::CreatedCopy => names("ObjectCreated:Copy", "Object Created", Some("CopyObject"), "2.1"),
            What::CreatedCompleteMultipartUpload => names(
                "ObjectCreated:CompleteMultipartUpload",
                "Object Created",
                Some("CompleteMultipartUpload"),
                "2.1",
            ),
            What::RemovedDelete => names("ObjectRemoved:Delete", "Object Deleted", Some("DeleteObject"), "2.1"),
            What::RemovedDeleteMarkerCreated => names(
                "ObjectRemoved:DeleteMarkerCreated",
                "Object Deleted",
                Some("DeleteObject"),
                "2.1",
            ),
            What::RestorePost => names("ObjectRestore:Post", "Object Restore Initiated", None, "2.1"),
            What::RestoreCompleted => names("ObjectRestore:Completed", "Object Restore Completed", None, "2.1"),
            What::RestoreDelete => names("ObjectRestore:Delete", "Object Restore Expired", None, "2.3"),
            What::TaggingPut => names("ObjectTagging:Put", "Object Tags Added", None, "2.3"),
            What::TaggingDelete => names("ObjectTagging:Delete", "Object Tags Deleted", None, "2.3"),
            What::AclPut => names("ObjectAcl:Put", "Object ACL Updated", None, "2.3"),
            What::ExpirationDelete => names(
                "LifecycleExpiration:Delete",
                "Object Deleted",
                Some("Lifecycle Expiration"),
                "2.3",
            ),
            What::ExpirationDeleteMarkerCreated => names(
                "LifecycleExpiration:DeleteMarkerCreated",
                "Object Deleted",
                Some("Lifecycle Expiration"),
                "2.3",
            ),
            What::Transition => names("LifecycleTransition", "Object Storage Class Changed", None, "2.3"),
            What::ReplicationFailed => names(
                "Replication:OperationFailedReplication",
                "Object Replication Failed",
                None,
                "2.2",
            ),
        }
    }

    /// `ObjectCreated:Put`
    pub fn record_name(self) -> &'static str {
        self.names().record
    }

    /// EventBridge's name of it.
    pub fn detail_type(self) -> &'static str {
        self.names().detail_type
    }

    /// The operation behind it, as EventBridge's events tell it.
    pub fn reason(self) -> Option<&'static str> {
        self.names().reason
    }

    /// Of the record's form.
    pub fn record_version(self) -> &'static str {
        self.names().version
    }

    /// Whether it makes a version of an object.
    pub fn is_creation(self) -> bool {
        matches!(
            self,
            What::CreatedPut | What::CreatedPost | What::CreatedCopy | What::CreatedCompleteMultipartUpload
        )
    }

    /// Whether it takes something away.
    pub fn is_removal(self) -> bool {
        matches!(
            self,
            What::RemovedDelete
                | What::RemovedDeleteMarkerCreated
                | What::ExpirationDelete
                | What::ExpirationDeleteMarkerCreated
        )
    }

    /// Whether it makes a delete marker.
    pub fn is_marker(self) -> bool {
        matches!(
            self,
            What::RemovedDeleteMarkerCreated | What::ExpirationDeleteMarkerCreated
        )
    }

    /// Whether records of it tell the object's size.
    pub fn tells_size(self, version: &Version) -> bool {
        !version.delete_marker
            && (self.is_creation()
                || matches!(
                    self,
                    What::RestorePost | What::RestoreCompleted | What::RestoreDelete | What::Transition
                ))
    }

    /// Whether records of it can be put in an order with others of the same key.
    pub fn is_in_sequence(self) -> bool {
        self.is_creation() || self.is_removal()
    }
}

/// Whether a configured event (`s3:ObjectCreated:*`) covers one that happens (`ObjectCreated:Put`).
pub fn covers(configured: &str, name: &str) -> bool {
    let configured = configured.strip_prefix("s3:").unwrap_or(configured);
    match configured.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => configured == name,
    }
}

/// Whether something can happen that both configured events cover.
pub fn overlap(one: &str, other: &str) -> bool {
    let bare = |name: &'_ str| name.strip_prefix("s3:").unwrap_or(name).to_owned();
    covers(one, &bare(other)) || covers(other, &bare(one))
}

#[cfg(test)]
mod tests {
    use super::{covers, overlap};

    #[test]
    fn a_star_covers_all_of_a_kind() {
        assert!(covers("s3:ObjectCreated:*", "ObjectCreated:Put"));
        assert!(!covers("s3:ObjectCreated:*", "ObjectRemoved:Delete"));
        assert!(!covers("s3:ObjectCreated:Put", "ObjectCreated:Post"));
        assert!(overlap("s3:ObjectCreated:Put", "s3:ObjectCreated:*"));
        assert!(overlap("s3:ObjectAcl:Put", "s3:ObjectAcl:Put"));
        assert!(!overlap("s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"));
    }
}
