//! A bucket's configurations: what they say and what they must not say. Each is one row, kept as JSON in the model's names.

pub mod cors;
pub mod lists;
pub mod tags;
pub mod website;

use crate::access::{self, Open, Wanted};
use crate::configuration;
use crate::state::{Bucket, CONFIGURATIONS};
use virga_base::AwsError;
use virga_service::{Ctx, ReadTx, StoreError, Tx};
use virga_shape::Typed;

/// A kind of configuration, of which a bucket has one, or one for each id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(pub &'static str);

pub const ABAC: Kind = Kind("abac");
pub const ACCELERATE: Kind = Kind("accelerate");
pub const ANALYTICS: Kind = Kind("analytics");
pub const CORS: Kind = Kind("cors");
pub const INTELLIGENT_TIERING: Kind = Kind("intelligent-tiering");
pub const INVENTORY: Kind = Kind("inventory");
pub const LOGGING: Kind = Kind("logging");
pub const METADATA: Kind = Kind("metadata");
pub const METADATA_TABLE: Kind = Kind("metadata-table");
pub const METRICS: Kind = Kind("metrics");
pub const TAGGING: Kind = Kind("tagging");
pub const WEBSITE: Kind = Kind("website");

/// A configuration as its row keeps it.
pub fn write<T: Typed>(value: T) -> Result<Vec<u8>, AwsError> {
    configuration::write(value).ok_or_else(|| AwsError::internal("a configuration cannot be written"))
}

/// A configuration from its row.
pub fn read<T: Typed>(bytes: &[u8]) -> Result<T, AwsError> {
    configuration::read(bytes).ok_or_else(|| AwsError::internal("a configuration cannot be read"))
}

/// What a bucket has of a kind that it has but one of.
pub fn get<T: Typed>(tx: &ReadTx<'_>, bucket: &Bucket, kind: Kind) -> Result<Option<T>, AwsError> {
    get_of(tx, bucket, kind, "")
}

/// What a bucket has of a kind under an id.
pub fn get_of<T: Typed>(tx: &ReadTx<'_>, bucket: &Bucket, kind: Kind, id: &str) -> Result<Option<T>, AwsError> {
    match tx.get(&CONFIGURATIONS, (bucket.id, kind.0, id))? {
        Some(bytes) => read(&bytes).map(Some),
        None => Ok(None),
    }
}

/// Opens a bucket and answers what it has of a kind.
pub async fn find<T: Typed>(ctx: &Ctx, wanted: Wanted<'_>, kind: Kind) -> Result<(Open, Option<T>), AwsError> {
    let open = access::open(ctx, wanted).await?;
    let found = open.home.read(|tx| get(tx, &open.bucket, kind))?;
    Ok((open, found))
}

/// Gives an open bucket a configuration.
pub async fn put<T: Typed>(open: &Open, kind: Kind, id: &str, configuration: T) -> Result<(), AwsError> {
    put_with(open, kind, id, configuration, |_| Ok(())).await
}

/// The same, with what else is written in the same transaction.
pub async fn put_with<T: Typed>(
    open: &Open,
    kind: Kind,
    id: &str,
    configuration: T,
    also: impl Fn(&mut Tx<'_>) -> Result<(), StoreError> + Send + Sync,
) -> Result<(), AwsError> {
    let bytes = write(configuration)?;
    open.home
        .write(|tx| {
            let bucket = open.again(tx)?;
            tx.put(&CONFIGURATIONS, (bucket.id, kind.0, id), &bytes)?;
            Ok(also(tx)?)
        })
        .await
}

/// Takes a configuration away; answers whether there was one.
pub async fn delete(open: &Open, kind: Kind, id: &str) -> Result<bool, AwsError> {
    delete_with(open, kind, id, |_| Ok(())).await
}

/// The same, with what else is written in the same transaction.
pub async fn delete_with(
    open: &Open,
    kind: Kind,
    id: &str,
    also: impl Fn(&mut Tx<'_>) -> Result<(), StoreError> + Send + Sync,
) -> Result<bool, AwsError> {
    open.home
        .write(|tx| {
            let bucket = open.again(tx)?;
            let there = tx.get(&CONFIGURATIONS, (bucket.id, kind.0, id))?.is_some();
            tx.delete(&CONFIGURATIONS, (bucket.id, kind.0, id))?;
            also(tx)?;
            Ok(there)
        })
        .await
}

/// No configuration of that kind has that id.
pub fn no_such_configuration() -> AwsError {
    AwsError::new("NoSuchConfiguration", "The specified configuration does not exist.").with_status(404)
}

/// What an operation on a bucket's configuration wants of the bucket.
macro_rules! wanted {
    ($input:expr, $action:literal) => {
        $crate::access::Wanted {
            bucket: $input.bucket.as_deref(),
            expected_owner: $input.expected_bucket_owner.as_deref(),
            action: $action,
            key: None,
        }
    };
}
pub(crate) use wanted;
