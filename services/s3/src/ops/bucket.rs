//! Buckets: made, found, listed, deleted.

use crate::access::ownership::ENFORCED;
use crate::access::rules::{self, Blocks};
use crate::access::{self, Open, Wanted};
use crate::acl::Acl;
use crate::acl::canned::On;
use crate::acl::read::asked_acl;
use crate::bucket::{location, name};
use crate::reply::Reply;
use crate::state::{
    BUCKET_ACCESS_POINTS, BUCKETS, Bucket, CONFIGURATIONS, LOG_LINES, LOGGED, OBJECTS, OWN_BUCKETS, SEQUENCERS,
    VERSIONS, Versioning, world,
};
use crate::upload::parts;
use crate::wire::{
    CreateBucketOutput, CreateBucketRequest, DeleteBucketRequest, GetBucketLocationOutput, GetBucketLocationRequest,
    HeadBucketOutput, HeadBucketRequest, ListBucketsOutput, ListBucketsRequest,
};
use crate::{config, errors, lifecycle, limits, owner, wire};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::ops::ControlFlow;
use virga_base::{Account, AwsError, Timestamp};
use virga_service::{Ctx, Place, Principal, Tx};
use virga_shape::Unit;

pub async fn create(ctx: Ctx, mut input: CreateBucketRequest) -> Result<CreateBucketOutput, AwsError> {
    let name = input.bucket.unwrap_or_default();
    if ctx.caller().principal == Principal::Anonymous {
        return Err(errors::access_denied());
    }
    if !name::is_valid(&name) {
        return Err(errors::invalid_bucket_name(&name));
    }
    check_namespace(&ctx, input.bucket_namespace.as_deref(), &name)?;
    let configuration = input.create_bucket_configuration.unwrap_or_default();
    let place = location::choose(ctx.region(), configuration.location_constraint.as_deref())?;
    let ownership = input.object_ownership.as_deref().unwrap_or("BucketOwnerEnforced");
    if !["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"].contains(&ownership) {
        return Err(errors::invalid_argument_named(
            &format!("Invalid x-amz-object-ownership header: {ownership}"),
            "x-amz-object-ownership",
        ));
    }
    let owner = ctx.account();
    let asked = asked_acl!(input, bucket);
    let grants = asked.grants(owner, owner, On::Bucket)?;
    let acl = grants.map_or_else(|| Acl::private(owner), |grants| Acl { owner, grants });
    if ownership == ENFORCED && acl != Acl::private(owner) {
        return Err(errors::acl_with_ownership());
    }
    let object_lock = input.object_lock_enabled_for_bucket.unwrap_or(false);
    let bucket = Bucket {
        id: ctx.ids().u64(),
        name,
        owner: ctx.account(),
        region: place.region,
        location: place.constraint,
        created: Timestamp::from_secs(ctx.now().as_secs()),
        versioning: if object_lock {
            Versioning::Enabled
        } else {
            Versioning::Never
        },
        mfa_delete: false,
        object_lock,
        ownership: Some(ownership.to_owned()),
        through: None,
    };
    let tags = configuration.tags.unwrap_or_default();
    config::tags::check(&tags)?;
    let tags = (!tags.is_empty())
        .then(|| config::write(wire::Tagging { tag_set: Some(tags) }))
        .transpose()?;
    ctx.write(|tx| make(tx, &ctx, &bucket, &acl, tags.as_ref())).await?;
    let host = format!("http://{}.s3.amazonaws.com/", bucket.name);
    Ok(CreateBucketOutput {
        location: Some(match bucket.location {
            None => format!("/{}", bucket.name),
            Some(_) => host,
        }),
        bucket_arn: Some(bucket.arn()),
    })
}

/// A bucket of its account's own namespace bears the account and the region in its name.
fn check_namespace(ctx: &Ctx, namespace: Option<&str>, name: &str) -> Result<(), AwsError> {
    match namespace {
        None | Some("" | "global") => Ok(()),
        Some("account-regional") if name.ends_with(&format!("-{}-{}-an", ctx.account(), ctx.region())) => Ok(()),
        Some(_) => Err(errors::invalid_namespace_header()),
    }
}

/// Makes a bucket with an access control list and, as their row has them, tags.
fn make(tx: &mut Tx<'_>, ctx: &Ctx, bucket: &Bucket, acl: &Acl, tags: Option<&Vec<u8>>) -> Result<(), AwsError> {
    let name = bucket.name.as_str();
    let mut shared = tx.elsewhere(world());
    if let Some(existing) = shared.get(&BUCKETS, (name,))? {
        if existing.owner != bucket.owner {
            return Err(errors::bucket_already_exists(name));
        }
        // us-east-1 alone lets its owner make a bucket again, which changes nothing; not where tags are asked for.
        let again = tags.is_none() && existing.region == "us-east-1" && ctx.region().as_str() == "us-east-1";
        return if again {
            Ok(())
        } else {
            Err(errors::bucket_already_owned_by_you(name))
        };
    }
    shared.put(&BUCKETS, (name,), bucket)?;
    // What an account owns is listed in all regions alike.
    tx.elsewhere(&Place::account(bucket.owner))
        .put(&OWN_BUCKETS, (name,), &())?;
    // What a bucket has lies in its region, wherever it was asked for.
    let home = Place::new(bucket.owner, &bucket.region());
    let mut home = tx.elsewhere(&home);
    rules::put(&mut home, bucket, rules::ACL, acl.keep().map(String::into_bytes))?;
    let blocks = serde_json::to_vec(&Blocks::ALL).ok();
    rules::put(&mut home, bucket, rules::PUBLIC_ACCESS_BLOCK, blocks)?;
    if let Some(tags) = tags {
        home.put(&CONFIGURATIONS, (bucket.id, config::TAGGING.0, ""), tags)?;
    }
    Ok(())
}

pub async fn head(ctx: Ctx, input: HeadBucketRequest) -> Result<Reply<HeadBucketOutput>, AwsError> {
    let open = access::open(
        &ctx,
        Wanted {
            bucket: input.bucket.as_deref(),
            expected_owner: input.expected_bucket_owner.as_deref(),
            action: "ListBucket",
            key: None,
        },
    )
    .await?;
    let output = HeadBucketOutput {
        bucket_arn: Some(open.bucket.arn()),
        bucket_region: Some(open.bucket.region),
        access_point_alias: Some(open.bucket.through.is_some()),
        ..HeadBucketOutput::default()
    };
    Ok(Reply {
        headers: vec![("content-type".to_owned(), "application/xml".to_owned())],
        ..Reply::from(output)
    })
}

pub async fn location(ctx: Ctx, input: GetBucketLocationRequest) -> Result<GetBucketLocationOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetBucketLocation",
        key: None,
    };
    let open = access::open_anywhere(&ctx, wanted).await?;
    Ok(GetBucketLocationOutput {
        location_constraint: open.bucket.location,
    })
}

pub async fn delete(ctx: Ctx, input: DeleteBucketRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "DeleteBucket",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    open.home.write(|tx| remove(tx, &open)).await?;
    Ok(Unit)
}

fn remove(tx: &mut Tx<'_>, open: &Open) -> Result<(), AwsError> {
    let bucket = open.again(tx)?;
    let objects = tx.scan(&OBJECTS).prefix((bucket.id,)).limit(1).keys()?;
    let versions = tx.scan(&VERSIONS).prefix((bucket.id,)).limit(1).keys()?;
    if !objects.is_empty() || !versions.is_empty() {
        return Err(errors::bucket_not_empty(&bucket.name, bucket.is_versioned()));
    }
    let points = tx.scan(&BUCKET_ACCESS_POINTS).prefix((bucket.id,)).limit(1).keys()?;
    if !points.is_empty() {
        return Err(errors::bucket_has_access_points(&bucket.name));
    }
    parts::remove_uploads(tx, &bucket)?;
    tx.delete_all(&CONFIGURATIONS, (bucket.id,))?;
    tx.delete_all(&LOG_LINES, (bucket.id,))?;
    tx.elsewhere(world()).delete(&LOGGED, (bucket.name.as_str(),))?;
    tx.delete(&SEQUENCERS, (bucket.id,))?;
    lifecycle::schedule::end(tx, &bucket)?;
    tx.elsewhere(world()).delete(&BUCKETS, (bucket.name.as_str(),))?;
    tx.elsewhere(&Place::account(bucket.owner))
        .delete(&OWN_BUCKETS, (bucket.name.as_str(),))?;
    Ok(())
}

pub async fn list(ctx: Ctx, input: ListBucketsRequest) -> Result<ListBucketsOutput, AwsError> {
    if ctx.caller().principal == Principal::Anonymous {
        return Err(errors::access_denied());
    }
    let region = input.bucket_region.as_deref();
    if let Some(region) = region.filter(|region| !virga_base::Region::is_name_known(region)) {
        return Err(errors::invalid_argument_named(
            &format!("Argument value {region} is not a valid AWS Region"),
            "bucket-region",
        ));
    }
    let limit = match input.max_buckets {
        None => usize::MAX,
        Some(max) if (1..=limits::BUCKETS_PAGE_MAX).contains(&max) => usize::try_from(max).unwrap_or(1),
        Some(max) => {
            return Err(errors::invalid_argument(
                "Argument maxBuckets must be an integer between 1 and 10000",
                "maxBuckets",
                &max.to_string(),
            ));
        }
    };
    let token = input.continuation_token.filter(|token| !token.is_empty());
    let after = token.as_deref().map(read_token).transpose()?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let mut found = ctx.read(|tx| -> Result<Vec<Bucket>, AwsError> {
        let names = names(tx, ctx.account(), &prefix, after.as_deref())?;
        let shared = tx.elsewhere(world());
        let mut found = Vec::new();
        for name in names {
            if let Some(bucket) = shared.get(&BUCKETS, (name.as_str(),))?
                && region.is_none_or(|region| bucket.region == region)
            {
                found.push(bucket);
                if found.len() > limit {
                    break;
                }
            }
        }
        Ok(found)
    })?;
    let more = found.len() > limit;
    found.truncate(limit);
    let paged = input.max_buckets.is_some() || input.prefix.is_some() || region.is_some() || token.is_some();
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| URL_SAFE_NO_PAD.encode(&last.name));
    let buckets = found.into_iter().map(|bucket| wire::Bucket {
        bucket_arn: Some(bucket.arn()),
        creation_date: Some(bucket.created),
        bucket_region: paged.then_some(bucket.region),
        name: Some(bucket.name),
    });
    Ok(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        owner: Some(owner::shown(ctx.account())),
        continuation_token: next,
        prefix: input.prefix,
    })
}

/// The names of an account's buckets, from a place on.
fn names(
    tx: &virga_service::ReadTx<'_>,
    account: Account,
    prefix: &str,
    after: Option<&str>,
) -> Result<Vec<String>, AwsError> {
    // What an account owns is listed in all regions alike.
    let place = Place::account(account);
    let tx = tx.elsewhere(&place);
    let scan = tx.scan(&OWN_BUCKETS);
    let scan = match after {
        Some(after) if after >= prefix => scan.after((after,)),
        _ => scan.from((prefix,)),
    };
    let mut names = Vec::new();
    scan.each(|(name,), ()| {
        if !name.starts_with(prefix) {
            return ControlFlow::Break(());
        }
        names.push(name);
        ControlFlow::Continue(())
    })?;
    Ok(names)
}

fn read_token(token: &str) -> Result<String, AwsError> {
    let name = URL_SAFE_NO_PAD.decode(token).ok();
    name.and_then(|name| String::from_utf8(name).ok()).ok_or_else(|| {
        errors::invalid_argument_named("The continuation token provided is incorrect", "continuation-token")
    })
}
