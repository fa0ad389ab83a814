//! Who may do what: policies, access control lists and the block of public access, weighed as AWS weighs them.

use super::context;
use super::rules::{self, Blocks};
use crate::acl::{Acl, Permission};
use crate::object::versions;
use crate::state::{AccessPoint, Bucket, Version};
use crate::{errors, owner};
use virga_base::AwsError;
use virga_lang_policy::{Policy, Request, Rules, Verdict};
use virga_permit::Who;
use virga_service::{Ctx, Place, Principal, ReadTx};

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub bucket: &'a Bucket,
    /// In IAM's words, without the service: `GetObject`.
    pub action: &'a str,
    /// The object that is meant.
    pub key: Option<&'a str>,
    /// The version of it, where the request names one.
    pub version_id: Option<&'a str>,
    /// The tags that the request brings in its body.
    pub tags: Option<&'a [(String, String)]>,
}

impl<'a> Asked<'a> {
    pub fn new(bucket: &'a Bucket, action: &'a str, key: Option<&'a str>) -> Asked<'a> {
        Asked {
            bucket,
            action,
            key,
            version_id: None,
            tags: None,
        }
    }

    /// The ARN that policies name.
    pub fn resource(&self) -> String {
        match self.key {
            Some(key) => format!("{}/{key}", self.bucket.arn()),
            None => self.bucket.arn(),
        }
    }
}

/// Whether the caller may do that with the bucket, or with the object of that key.
pub async fn permit(ctx: &Ctx, bucket: &Bucket, action: &str, key: Option<&str>) -> Result<(), AwsError> {
    let version_id = context::query_value(ctx, "versionId").filter(|id| key.is_some() && !id.is_empty());
    authorize(
        ctx,
        &Asked {
            version_id: version_id.as_deref(),
            ..Asked::new(bucket, action, key)
        },
    )
}

/// The one question that all operations ask.
pub fn authorize(ctx: &Ctx, asked: &Asked<'_>) -> Result<(), AwsError> {
    let place = Place::new(asked.bucket.owner, &asked.bucket.region());
    ctx.read(|tx| Judge::new(ctx, tx.elsewhere(&place), asked.bucket)?.decide(asked))
}

/// One bucket, its rules and one caller.
struct Judge<'a> {
    ctx: &'a Ctx,
    /// Where the bucket's rows are.
    tx: ReadTx<'a>,
    bucket: &'a Bucket,
    policy: Option<Kept>,
    /// Whether the caller is of the account that owns the bucket.
    own: bool,
}

/// A policy with its text.
struct Kept {
    policy: Policy,
    text: String,
}

impl<'a> Judge<'a> {
    fn new(ctx: &'a Ctx, tx: ReadTx<'a>, bucket: &'a Bucket) -> Result<Judge<'a>, AwsError> {
        let caller = ctx.caller();
        let text = rules::get(&tx, bucket, rules::POLICY)?;
        let text = text.and_then(|text| String::from_utf8(text).ok());
        let policy = text.and_then(|text| {
            let policy = Policy::parse(&text, &Rules::LENIENT).ok()?;
            Some(Kept { policy, text })
        });
        Ok(Judge {
            ctx,
            tx,
            bucket,
            policy,
            own: caller.principal != Principal::Anonymous && caller.account == bucket.owner,
        })
    }

    fn has_acls(&self) -> bool {
        self.bucket.ownership.as_deref() != Some("BucketOwnerEnforced")
    }

    fn decide(&self, asked: &Asked<'_>) -> Result<(), AwsError> {
        let point = asked.bucket.through.as_deref();
        let bare = self.policy.is_none() && point.is_none_or(|point| point.policy.is_none());
        if self.own && bare && !(self.has_acls() && asked.key.is_some()) {
            return Ok(());
        }
        if !self.own {
            self.check_payer()?;
        }
        let object = match asked.key {
            Some(key) if self.wants_object(asked) => Some(self.object(key, asked.version_id)?),
            _ => None,
        };
        let object = object.flatten();
        if let Some(point) = point {
            self.pass(point, asked, object.as_ref())?;
        }
        let verdict = self.ask_policy(asked, object.as_ref());
        if verdict == Verdict::Deny && !self.may_mend(asked) {
            return Err(self.denied_explicitly(asked));
        }
        for implied in context::implied_actions(self.ctx, asked.action) {
            let also = Asked {
                action: implied,
                ..*asked
            };
            if self.ask_policy(&also, None) == Verdict::Deny {
                return Err(self.denied_explicitly(&also));
            }
        }
        // A bucket's policy and its owner have no say over what others own in it, but may delete it.
        let foreign = object
            .as_ref()
            .filter(|object| object.owner != self.bucket.owner && self.has_acls());
        let by_policy = verdict == Verdict::Allow && (self.own || !self.is_restricted()?);
        let allowed = match (foreign, object_permission(asked.action)) {
            (Some(object), Some(permission)) => self.acl_allows(object, permission)?,
            _ => self.own || by_policy || self.by_acl(asked, object.as_ref())?,
        };
        // Who may not list is not told what is not there.
        let hidden = !self.own && asked.key.is_some() && object.is_none() && is_read(asked.action);
        if hidden && !self.may_list()? {
            return Err(errors::access_denied());
        }
        if allowed || hidden {
            return Ok(());
        }
        Err(errors::access_denied())
    }

    /// Whether the access point lets the caller through. The bucket has its own say after it.
    fn pass(&self, point: &AccessPoint, asked: &Asked<'_>, object: Option<&Version>) -> Result<(), AwsError> {
        let policy = point.policy.as_deref();
        let policy = policy.and_then(|text| Policy::parse(text, &Rules::LENIENT).ok());
        let resource = point.resource(asked.key);
        let verdict = match &policy {
            Some(policy) => self.ask(policy, asked, &resource, object),
            None => Verdict::Silent,
        };
        let caller = self.ctx.caller();
        let known = caller.principal != Principal::Anonymous && caller.account == point.account;
        let public = policy.as_ref().is_some_and(Policy::is_public);
        match verdict {
            Verdict::Deny if known => Err(errors::access_denied_because(
                &caller.arn(self.ctx.partition()),
                asked.action,
                &resource,
                "with an explicit deny in a resource-based policy",
            )),
            Verdict::Allow if known || !public || !self.blocks()?.restrict_public_buckets => Ok(()),
            Verdict::Silent if known => Ok(()),
            Verdict::Deny | Verdict::Allow | Verdict::Silent => Err(errors::access_denied()),
        }
    }

    /// Whether the decision may hang on the object itself.
    fn wants_object(&self, asked: &Asked<'_>) -> bool {
        !self.own || self.has_acls() || self.policy.as_ref().is_some_and(Kept::asks_for_tags) && asked.key.is_some()
    }

    fn object(&self, key: &str, version_id: Option<&str>) -> Result<Option<Version>, AwsError> {
        Ok(match version_id {
            Some(id) => versions::find(&self.tx, self.bucket, key, id)?,
            None => versions::current(&self.tx, self.bucket, key)?,
        })
    }

    fn ask_policy(&self, asked: &Asked<'_>, object: Option<&Version>) -> Verdict {
        match &self.policy {
            Some(kept) => self.ask(&kept.policy, asked, &asked.resource(), object),
            None => Verdict::Silent,
        }
    }

    fn ask(&self, policy: &Policy, asked: &Asked<'_>, resource: &str, object: Option<&Version>) -> Verdict {
        let caller = self.ctx.caller();
        let who = Who::of(caller, self.ctx.partition());
        let canonical = owner::canonical_id(caller.account);
        let context = context::of(self.ctx, asked, object);
        let action = format!("s3:{}", asked.action);
        let request = Request {
            asker: who.asker(Some(&canonical)),
            action: &action,
            resource,
            context: &context,
        };
        policy.evaluate(&request).verdict
    }

    /// Whether public policies let in nobody from outside.
    fn is_restricted(&self) -> Result<bool, AwsError> {
        let service = matches!(self.ctx.caller().principal, Principal::Service { .. });
        let public = self.policy.as_ref().is_some_and(|kept| kept.policy.is_public());
        Ok(public && !service && self.blocks()?.restrict_public_buckets)
    }

    fn blocks(&self) -> Result<Blocks, AwsError> {
        let blocks = rules::blocks(&self.tx, self.bucket)?;
        Ok(match &self.bucket.through {
            Some(point) => blocks.or(point.blocks),
            None => blocks,
        })
    }

    fn by_acl(&self, asked: &Asked<'_>, object: Option<&Version>) -> Result<bool, AwsError> {
        if !self.has_acls() {
            return Ok(false);
        }
        if let Some(permission) = object_permission(asked.action) {
            return match object {
                Some(object) => self.acl_allows(object, permission),
                None => Ok(false),
            };
        }
        match bucket_permission(asked.action) {
            Some(permission) => self.bucket_acl_allows(permission),
            None => Ok(false),
        }
    }

    fn acl_allows(&self, object: &Version, permission: Permission) -> Result<bool, AwsError> {
        let acl = Acl::load(object.owner, object.acl.as_deref());
        let ignore_public = self.blocks()?.ignore_public_acls;
        Ok(acl.grants(self.ctx.caller(), permission, ignore_public))
    }

    fn bucket_acl_allows(&self, permission: Permission) -> Result<bool, AwsError> {
        let acl = rules::acl(&self.tx, self.bucket)?;
        let ignore_public = self.blocks()?.ignore_public_acls;
        Ok(acl.grants(self.ctx.caller(), permission, ignore_public))
    }

    fn may_list(&self) -> Result<bool, AwsError> {
        let list = Asked::new(self.bucket, "ListBucket", None);
        Ok(match self.ask_policy(&list, None) {
            Verdict::Deny => false,
            Verdict::Allow if !self.is_restricted()? => true,
            Verdict::Allow | Verdict::Silent => self.has_acls() && self.bucket_acl_allows(Permission::Read)?,
        })
    }

    /// The owner's root can always mend a policy that shuts everybody out.
    fn may_mend(&self, asked: &Asked<'_>) -> bool {
        self.own
            && self.ctx.caller().principal == Principal::Root
            && matches!(
                asked.action,
                "GetBucketPolicy" | "PutBucketPolicy" | "DeleteBucketPolicy"
            )
    }

    /// Whoever is not the owner of a bucket whose requesters pay must say that he will.
    fn check_payer(&self) -> Result<(), AwsError> {
        if !rules::requester_pays(&self.tx, self.bucket)? {
            return Ok(());
        }
        let said = self.ctx.request().header("x-amz-request-payer") == Some("requester")
            || context::query_value(self.ctx, "x-amz-request-payer").as_deref() == Some("requester");
        let known = self.ctx.caller().principal != Principal::Anonymous;
        let inside = matches!(self.ctx.caller().principal, Principal::Service { .. });
        if (said && known) || inside {
            return Ok(());
        }
        Err(errors::access_denied())
    }

    /// Within the account AWS tells why.
    fn denied_explicitly(&self, asked: &Asked<'_>) -> AwsError {
        if !self.own {
            return errors::access_denied();
        }
        let arn = self.ctx.caller().arn(self.ctx.partition());
        errors::access_denied_because(
            &arn,
            asked.action,
            &asked.resource(),
            "with an explicit deny in a resource-based policy",
        )
    }
}

impl Kept {
    fn asks_for_tags(&self) -> bool {
        let text = self.text.as_bytes();
        text.windows(17)
            .any(|window| window.eq_ignore_ascii_case(b"existingobjecttag"))
    }
}

/// What an object's list must grant.
fn object_permission(action: &str) -> Option<Permission> {
    match action {
        "GetObject"
        | "GetObjectVersion"
        | "GetObjectTorrent"
        | "GetObjectAttributes"
        | "GetObjectVersionAttributes" => Some(Permission::Read),
        "GetObjectAcl" | "GetObjectVersionAcl" => Some(Permission::ReadAcp),
        "PutObjectAcl" | "PutObjectVersionAcl" => Some(Permission::WriteAcp),
        _ => None,
    }
}

/// What a bucket's list must grant.
fn bucket_permission(action: &str) -> Option<Permission> {
    match action {
        "ListBucket" | "ListBucketVersions" | "ListBucketMultipartUploads" => Some(Permission::Read),
        "PutObject" | "DeleteObject" | "AbortMultipartUpload" | "ListMultipartUploadParts" => Some(Permission::Write),
        "GetBucketAcl" => Some(Permission::ReadAcp),
        "PutBucketAcl" => Some(Permission::WriteAcp),
        _ => None,
    }
}

fn is_read(action: &str) -> bool {
    action.starts_with("GetObject") && !matches!(action, "GetObjectLockConfiguration")
}
