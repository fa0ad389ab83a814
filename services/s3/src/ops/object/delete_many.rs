//! DeleteObjects.

use super::delete::{Deleted, Deletion, no_lock_to_bypass};
use crate::access::{self, Asked};
use crate::object::conditions::Writing;
use crate::object::{checksum, key, version_id};
use crate::ops::object_lock;
use crate::wire::{DeleteObjectsOutput, DeleteObjectsRequest, DeletedObject, ErrorShape, ObjectIdentifier};
use crate::{errors, limits};
use virga_base::AwsError;
use virga_service::Ctx;

pub async fn delete(ctx: Ctx, input: DeleteObjectsRequest) -> Result<DeleteObjectsOutput, AwsError> {
    if !checksum::is_sent(ctx.request()) {
        return Err(errors::invalid_request(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ));
    }
    let asked = input.delete.unwrap_or_default();
    let objects = asked.objects.unwrap_or_default();
    if objects.is_empty() || objects.len() > limits::DELETE_MAX_OBJECTS {
        return Err(errors::malformed_xml());
    }
    let open = access::reach(&ctx, input.bucket.as_deref(), input.expected_bucket_owner.as_deref())?;
    access::check_region(&ctx, &open.bucket)?;
    if input.bypass_governance_retention.is_some() && !open.bucket.object_lock {
        return Err(no_lock_to_bypass());
    }
    // What can be refused without looking at rows is, one by one.
    let mut checked = Vec::with_capacity(objects.len());
    for object in &objects {
        let ruling = match check(object) {
            Ok(()) => {
                let action = if object.version_id.is_some() {
                    "DeleteObjectVersion"
                } else {
                    "DeleteObject"
                };
                let asked = Asked {
                    version_id: object.version_id.as_deref(),
                    ..Asked::new(&open.bucket, action, object.key.as_deref())
                };
                access::authorize(&ctx, &asked)
            }
            refused => refused,
        };
        let wants_bypass = input.bypass_governance_retention;
        let bypasses = object_lock::bypasses(&ctx, &open.bucket, object.key.as_deref(), wants_bypass)?;
        checked.push((object, ruling, version_id::draw(ctx.ids()), bypasses));
    }
    let results = open
        .home
        .write(|tx| -> Result<Vec<Result<Deleted, AwsError>>, AwsError> {
            let mut results = Vec::with_capacity(checked.len());
            for (object, ruling, new_id, bypasses) in &checked {
                if let Err(error) = ruling {
                    results.push(Err(error.clone()));
                    continue;
                }
                let deletion = Deletion {
                    key: object.key.as_deref().unwrap_or_default(),
                    version_id: object.version_id.as_deref(),
                    conditions: Writing::of_delete(object.e_tag.clone()),
                    new_id: new_id.clone(),
                    bypasses: *bypasses,
                };
                results.push(match deletion.run(tx, &open, &ctx) {
                    // The store's own failures are the whole call's.
                    Err(error) if error.status >= 500 => return Err(error),
                    result => result,
                });
            }
            Ok(results)
        })
        .await?;
    let quiet = asked.quiet.unwrap_or(false);
    let (mut deleted, mut failed) = (Vec::new(), Vec::new());
    for (object, result) in objects.into_iter().zip(results) {
        match result {
            Ok(_) if quiet => {}
            Ok(done) => deleted.push(DeletedObject {
                key: object.key,
                delete_marker: done.marker.then_some(true),
                delete_marker_version_id: done.version_id.filter(|_| done.marker),
                version_id: object.version_id,
            }),
            Err(error) => failed.push(ErrorShape {
                key: object.key,
                version_id: object.version_id,
                code: Some(error.code.into_owned()),
                message: Some(error.message),
            }),
        }
    }
    Ok(DeleteObjectsOutput {
        deleted: (!deleted.is_empty()).then_some(deleted),
        errors: (!failed.is_empty()).then_some(failed),
        ..DeleteObjectsOutput::default()
    })
}

fn check(object: &ObjectIdentifier) -> Result<(), AwsError> {
    let key = key::read(object.key.clone())?;
    match &object.version_id {
        // In this operation's words.
        Some(id) => version_id::check(id).map_err(|_| errors::no_such_version(&key, id)),
        None => Ok(()),
    }
}
