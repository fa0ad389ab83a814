//! Opens a bucket by what the environment says of it.

use crate::http::Connector;
use crate::objects::Objects;
use crate::runtime::Runtime;
use crate::unfinished::Uploads;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{BackoffConfig, RetryConfig};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A request that fails for a reason that may pass is sent again, for as long as a transaction is run again.
const TRIES_MAX: usize = 8;
const TRIED_FOR: Duration = Duration::from_secs(20);
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(4);

const REGION: &str = "us-east-1";
/// One of these says who asks.
const CREDENTIALS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
    "AWS_SKIP_SIGNATURE",
];
const CERTIFICATES: &str = "AWS_CA_BUNDLE";

/// `s3://BUCKET/PREFIX`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub bucket: String,
    /// Without slashes at its ends; empty for the bucket's own keys.
    pub prefix: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// Opens a bucket, and looks whether it can be used. `variables` are the environment's: endpoint, region, credentials and
/// whatever else of `AWS_…` `object_store` knows. It blocks.
pub fn open(place: &Place, variables: impl IntoIterator<Item = (String, String)>) -> io::Result<Objects> {
    let variables = variables.into_iter();
    let variables: BTreeMap<String, String> = variables
        .filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty())
        .collect();
    if !CREDENTIALS.iter().any(|name| variables.contains_key(*name)) {
        return Err(io::Error::other(
            "nothing says who asks: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ));
    }
    let prefix = Path::parse(&place.prefix).map_err(io::Error::other)?;
    let connector = Connector::new(variables.get(CERTIFICATES).map(std::path::Path::new))?;
    let mut builder = AmazonS3Builder::new();
    for (name, value) in &variables {
        if let Ok(key) = name.to_ascii_lowercase().parse() {
            builder = builder.with_config(key, value);
        }
    }
    builder = builder
        .with_bucket_name(&place.bucket)
        // Single removals are known to all that speak like S3.
        .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true")
        .with_http_connector(connector.clone())
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: PAUSE_FIRST,
                max_backoff: PAUSE_MAX,
                base: 2.0,
            },
            max_retries: TRIES_MAX,
            retry_timeout: TRIED_FOR,
        });
    let says = |key: AmazonS3ConfigKey| builder.get_config_value(&key);
    let is = |key| says(key).as_deref() == Some("true");
    let region = says(AmazonS3ConfigKey::Region).unwrap_or_else(|| REGION.to_owned());
    let endpoint = says(AmazonS3ConfigKey::S3Endpoint).or_else(|| says(AmazonS3ConfigKey::Endpoint));
    let is_host = is(AmazonS3ConfigKey::VirtualHostedStyleRequest);
    let is_open = variables.get("AWS_ALLOW_HTTP").is_some_and(|value| value == "true");
    let is_signed = !is(AmazonS3ConfigKey::SkipSignature);
    // As `object_store` makes it.
    let url = match (endpoint, is_host) {
        (Some(endpoint), true) => endpoint,
        (Some(endpoint), false) => format!("{}/{}", endpoint.trim_end_matches('/'), place.bucket),
        (None, true) => format!("https://{}.s3.{region}.amazonaws.com", place.bucket),
        (None, false) => format!("https://s3.{region}.amazonaws.com/{}", place.bucket),
    };
    let store = Arc::new(builder.build().map_err(io::Error::other)?);
    let uploads = Uploads {
        store: store.clone(),
        client: connector.client(is_open),
        endpoint: url,
        region,
        is_signed,
    };
    let runtime = Runtime::start()?;
    let asked = prefix.clone();
    let uploads = runtime.run(async move {
        uploads.check(asked.as_ref()).await?;
        Ok(uploads)
    })?;
    Objects::with(store, prefix, Some(uploads), runtime)
}
