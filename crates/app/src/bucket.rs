//! The shelf in a bucket, where the program was built with it.

use virga_blob::Shelf;
use virga_cli::Failure;

/// Opens `s3://BUCKET/PREFIX`, by the environment's `AWS_…`.
#[cfg(feature = "object-store")]
pub fn open(bucket: &str, prefix: &str) -> Result<Box<dyn Shelf>, Failure> {
    let place = virga_blob_object_store::Place {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
    };
    let variables = std::env::vars_os();
    let variables = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    match virga_blob_object_store::open(&place, variables) {
        Ok(objects) => Ok(Box::new(objects)),
        Err(error) => Err(Failure::usage(format!("--blobs {place} cannot be used: {error}."))),
    }
}

/// Says how to get a Virga that can.
#[cfg(not(feature = "object-store"))]
pub fn open(_: &str, _: &str) -> Result<Box<dyn Shelf>, Failure> {
    Err(Failure::usage(
        "--blobs s3://… needs a Virga that was built with the feature object-store: `cargo build --release --features \
         object-store`.",
    ))
}
