//! The records themselves, as AWS writes them.

use super::names::What;
use crate::owner::canonical_id;
use crate::state::{Bucket, Version};
use base64::Engine as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use virga_base::{Account, Timestamp};
use virga_service::{Ctx, Principal};

/// What keys show as they are; a space becomes `+`.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// One thing that happened, with all that records tell of it.
pub struct Happened<'a> {
    pub what: What,
    pub bucket: &'a Bucket,
    pub key: &'a str,
    pub version: &'a Version,
    /// Greater the later it happened to the key.
    pub sequencer: Option<String>,
    pub at: Timestamp,
}

/// Who did it, from where.
struct Doer {
    principal: String,
    requester: String,
    address: String,
    request: String,
}

impl Doer {
    fn of(ctx: &Ctx) -> Doer {
        let asked = ctx.origin();
        let caller = asked.caller();
        let service = match &caller.principal {
            Principal::Service { name } => Some(name.clone()),
            _ => None,
        };
        let principal = match &caller.principal {
            Principal::Service { name } => name.clone(),
            Principal::Anonymous => "Anonymous".to_owned(),
            _ => format!("AWS:{}", caller.user_id()),
        };
        let address = asked.request().source_ip.as_deref().unwrap_or("127.0.0.1").to_owned();
        Doer {
            principal,
            requester: service.clone().unwrap_or_else(|| caller.account.to_string()),
            address: service.unwrap_or(address),
            request: request_id(asked),
        }
    }
}

/// The id of the request as its answer tells it: sixteen letters and digits. Of deferred work, one made of the time.
fn request_id(ctx: &Ctx) -> String {
    let id = ctx.request().id.as_str();
    if id.is_empty() {
        let digest = Sha256::digest(ctx.now().as_millis().to_be_bytes());
        return digest.iter().take(8).map(|byte| format!("{byte:02X}")).collect();
    }
    let digits = id.chars().filter(|digit| *digit != '-');
    digits.take(16).map(|digit| digit.to_ascii_uppercase()).collect()
}

/// S3's other id of a request.
fn host_id(request: &str) -> String {
    let digest = Sha256::digest(request);
    base64::engine::general_purpose::STANDARD.encode(digest)
}

/// What records call an account: fourteen capital letters and digits.
pub fn principal_id(account: Account) -> String {
    let mut text = String::from("A");
    for byte in canonical_id(account).bytes().take(26).collect::<Vec<u8>>().chunks(2) {
        let number = byte.iter().fold(0usize, |sum, byte| sum * 31 + usize::from(*byte));
        let letter = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".get(number % 32);
        text.push(char::from(letter.copied().unwrap_or(b'A')));
    }
    text
}

/// A key as records show it.
pub fn encoded_key(key: &str) -> String {
    utf8_percent_encode(key, KEY).to_string().replace(' ', "+")
}

impl Happened<'_> {
    /// `{"Records":[…]}`, for the rule of that id.
    pub fn records(&self, ctx: &Ctx, rule: &str) -> String {
        let doer = Doer::of(ctx);
        let mut record = json!({
            "eventVersion": self.what.record_version(),
            "eventSource": "aws:s3",
            "awsRegion": self.bucket.region,
            "eventTime": self.at.to_iso8601_millis(),
            "eventName": self.what.record_name(),
            "userIdentity": { "principalId": doer.principal },
            "requestParameters": { "sourceIPAddress": doer.address },
            "responseElements": { "x-amz-request-id": doer.request, "x-amz-id-2": host_id(&doer.request) },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": rule,
                "bucket": {
                    "name": self.bucket.name,
                    "ownerIdentity": { "principalId": principal_id(self.bucket.owner) },
                    "arn": self.bucket.arn(),
                },
                "object": self.object("eTag", "versionId", &encoded_key(self.key)),
            },
        });
        if self.what == What::RestoreCompleted
            && let Some(restore) = &self.version.restore
        {
            record["glacierEventData"] = json!({
                "restoreEventData": {
                    "lifecycleRestorationExpiryTime": restore.expires.to_iso8601_millis(),
                    "lifecycleRestoreStorageClass": self.version.storage_class(),
                },
            });
        }
        if self.what == What::Transition {
            record["lifecycleEventData"] = json!({
                "transitionEventData": { "destinationStorageClass": self.version.storage_class() },
            });
        }
        json!({ "Records": [record] }).to_string()
    }

    fn object(&self, etag: &str, version_id: &str, key: &str) -> Json {
        let mut object = Map::new();
        object.insert("key".into(), json!(key));
        if self.what.tells_size(self.version) {
            object.insert("size".into(), json!(self.version.size));
        }
        if self.what.is_marker() {
            object.insert(etag.into(), json!("d41d8cd98f00b204e9800998ecf8427e"));
        } else if !self.what.is_removal() {
            object.insert(etag.into(), json!(self.version.etag));
        }
        if let Some(id) = &self.version.id {
            object.insert(version_id.into(), json!(id));
        }
        if let Some(sequencer) = &self.sequencer {
            object.insert("sequencer".into(), json!(sequencer));
        }
        Json::Object(object)
    }

    /// The input of EventBridge's PutEvents.
    pub fn bridge_event(&self, ctx: &Ctx) -> Json {
        let doer = Doer::of(ctx);
        let mut detail = json!({
            "version": "0",
            "bucket": { "name": self.bucket.name },
            "object": self.object("etag", "version-id", self.key),
            "request-id": doer.request,
            "requester": doer.requester,
        });
        if self.what != What::RestoreCompleted && doer.requester != doer.address {
            detail["source-ip-address"] = json!(doer.address);
        }
        if let Some(reason) = self.what.reason() {
            detail["reason"] = json!(reason);
        }
        if self.what.is_removal() {
            let kind = if self.what.is_marker() {
                "Delete Marker Created"
            } else {
                "Permanently Deleted"
            };
            detail["deletion-type"] = json!(kind);
        }
        match self.what {
            What::RestorePost | What::RestoreCompleted | What::RestoreDelete => {
                detail["source-storage-class"] = json!(self.version.storage_class());
                if let Some(restore) = self
                    .version
                    .restore
                    .as_ref()
                    .filter(|_| self.what == What::RestoreCompleted)
                {
                    detail["restore-expiry-time"] = json!(restore.expires.to_iso8601());
                }
            }
            What::Transition => {
                detail["destination-storage-class"] = json!(self.version.storage_class());
            }
            _ => {}
        }
        json!({
            "Entries": [{
                "Time": self.at.to_iso8601(),
                "Source": "aws.s3",
                "Resources": [self.bucket.arn()],
                "DetailType": self.what.detail_type(),
                "Detail": detail.to_string(),
            }],
        })
    }
}

/// What destinations are sent when they are configured.
pub fn test_event(ctx: &Ctx, bucket: &Bucket) -> String {
    let request = request_id(ctx.origin());
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": ctx.now().to_iso8601_millis(),
        "Bucket": bucket.name,
        "RequestId": request,
        "HostId": host_id(&request),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::{encoded_key, principal_id};
    use virga_base::Account;

    #[test]
    fn keys_are_encoded_as_forms_are() {
        assert_eq!(encoded_key("a@b"), "a%40b");
        assert_eq!(encoded_key("a b/ü+c"), "a+b/%C3%BC%2Bc");
    }

    #[test]
    fn an_account_has_one_principal_id() {
        let id = principal_id(Account::from_number(1));
        assert_eq!(id.len(), 14);
        assert_eq!(id, principal_id(Account::from_number(1)));
        assert_ne!(id, principal_id(Account::from_number(2)));
    }
}
