//! The way to a bucket: found by its name, in its region, if the caller may.

mod context;
pub mod ownership;
mod permit;
pub mod rules;

pub use context::{check_no_part, check_overrides};
pub use permit::{Asked, authorize, permit};

use crate::state::{BUCKETS, Bucket, world};
use crate::{access_point, errors};
use virga_base::{Account, AwsError};
use virga_service::{Ctx, StoreError, Tx};

/// A bucket that the caller may use, with the context in which its rows are.
pub struct Open {
    pub bucket: Bucket,
    /// The same call, placed where the bucket's rows are: with its owner, in its region.
    pub home: Ctx,
}

impl Open {
    /// The bucket's row as a transaction sees it.
    ///
    /// # Errors
    /// `NoSuchBucket` where it has been deleted since.
    pub fn again(&self, tx: &mut Tx<'_>) -> Result<Bucket, AwsError> {
        let found = tx.elsewhere(world()).get(&BUCKETS, (self.bucket.name.as_str(),))?;
        found
            .filter(|bucket| bucket.id == self.bucket.id)
            .ok_or_else(|| errors::no_such_bucket(&self.bucket.name))
    }

    /// Keeps a bucket's changed row.
    pub fn keep(&self, tx: &mut Tx<'_>, bucket: &Bucket) -> Result<(), StoreError> {
        tx.elsewhere(world()).put(&BUCKETS, (bucket.name.as_str(),), bucket)
    }

    pub fn id(&self) -> u64 {
        self.bucket.id
    }
}

/// What a call wants of a bucket.
pub struct Wanted<'a> {
    pub bucket: Option<&'a str>,
    /// The account that must own it, if the caller says so.
    pub expected_owner: Option<&'a str>,
    /// In IAM's words, without the service: `GetObject`.
    pub action: &'static str,
    /// The object that is meant.
    pub key: Option<&'a str>,
}

/// Finds a bucket by name, wherever it is and whoever owns it.
pub fn find(ctx: &Ctx, name: &str) -> Result<Option<Bucket>, AwsError> {
    // The names of buckets are the world's.
    ctx.read(|tx| Ok(tx.elsewhere(world()).get(&BUCKETS, (name,))?))
}

/// Opens a bucket for what is wanted of it.
pub async fn open(ctx: &Ctx, wanted: Wanted<'_>) -> Result<Open, AwsError> {
    let open = open_anywhere(ctx, wanted).await?;
    check_region(ctx, &open.bucket)?;
    Ok(open)
}

/// The same for the few operations that answer in every region.
pub async fn open_anywhere(ctx: &Ctx, wanted: Wanted<'_>) -> Result<Open, AwsError> {
    let open = reach(ctx, wanted.bucket, wanted.expected_owner)?;
    if open.bucket.through.is_some() && wanted.key.is_none() && !access_point::can(wanted.action) {
        return Err(errors::method_not_allowed(ctx.request().method.as_str(), "BUCKET"));
    }
    permit(ctx, &open.bucket, wanted.action, wanted.key).await?;
    Ok(open)
}

/// Finds a bucket without asking whether the caller may, for operations that ask of each object by itself.
pub fn reach(ctx: &Ctx, name: Option<&str>, expected_owner: Option<&str>) -> Result<Open, AwsError> {
    let name = name.unwrap_or_default();
    let bucket = match ctx.request().host() {
        Some(host) if access_point::is_host(host) => None,
        _ => find(ctx, name)?,
    };
    let found = match bucket {
        Some(bucket) => Some(bucket),
        None => access_point::find(ctx, name)?,
    };
    let bucket = found.ok_or_else(|| errors::no_such_bucket(name))?;
    check_expected_owner(&bucket, expected_owner)?;
    let home = home(ctx, &bucket);
    Ok(Open { bucket, home })
}

/// The call, placed where the bucket's rows are.
pub fn home(ctx: &Ctx, bucket: &Bucket) -> Ctx {
    if ctx.account() == bucket.owner && ctx.region().as_str() == bucket.region {
        return ctx.clone();
    }
    // A bucket's rows are its owner's, whoever calls.
    ctx.elsewhere(bucket.owner, bucket.region())
}

/// Compares the owner with the one that the caller expects.
fn check_expected_owner(bucket: &Bucket, expected: Option<&str>) -> Result<(), AwsError> {
    let Some(expected) = expected else { return Ok(()) };
    let account = Account::parse(expected).map_err(|_| errors::invalid_expected_owner(expected))?;
    if account == bucket.owner {
        return Ok(());
    }
    Err(errors::access_denied())
}

/// A request goes to the region that it was signed for. Who has not signed, or in the old way, has named none.
pub fn check_region(ctx: &Ctx, bucket: &Bucket) -> Result<(), AwsError> {
    if ctx.region().as_str() == bucket.region {
        return Ok(());
    }
    let request = ctx.request();
    let in_header = request
        .header("authorization")
        .is_some_and(|text| text.starts_with("AWS4-"));
    let in_link = request
        .uri
        .query()
        .is_some_and(|query| query.contains("X-Amz-Credential="));
    if in_header || in_link {
        return Err(errors::permanent_redirect(&bucket.name, &bucket.region));
    }
    Ok(())
}
