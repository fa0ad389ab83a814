//! What AWS has closed, or keeps for kinds of buckets that are not here. It answers as AWS does.

use crate::access::{self, Wanted};
use crate::errors;
use crate::wire::{
    CreateSessionOutput, CreateSessionRequest, GetObjectTorrentOutput, GetObjectTorrentRequest,
    ListDirectoryBucketsOutput, ListDirectoryBucketsRequest, WriteGetObjectResponseRequest,
};
use virga_base::AwsError;
use virga_service::{Ctx, Principal};
use virga_shape::Unit;

/// BitTorrent ended in 2022: no object has a torrent.
pub async fn torrent(ctx: Ctx, input: GetObjectTorrentRequest) -> Result<GetObjectTorrentOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetObjectTorrent",
        key: input.key.as_deref(),
    };
    access::open(&ctx, wanted).await?;
    Err(errors::no_such_key(input.key.as_deref().unwrap_or_default()))
}

/// Object Lambda takes no new customers since November 2025; without an access point of its nobody has a token.
pub async fn write_response(ctx: Ctx, _input: WriteGetObjectResponseRequest) -> Result<Unit, AwsError> {
    let _ = ctx;
    Err(errors::access_denied())
}

/// Sessions are directory buckets'.
pub async fn create_session(ctx: Ctx, input: CreateSessionRequest) -> Result<CreateSessionOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: None,
        action: "CreateSession",
        key: None,
    };
    access::open(&ctx, wanted).await?;
    Err(errors::method_not_allowed("GET", "BUCKET"))
}

/// There are no directory buckets.
pub async fn list_directory_buckets(
    ctx: Ctx,
    _input: ListDirectoryBucketsRequest,
) -> Result<ListDirectoryBucketsOutput, AwsError> {
    if ctx.caller().principal == Principal::Anonymous {
        return Err(errors::access_denied());
    }
    Ok(ListDirectoryBucketsOutput {
        buckets: Some(Vec::new()),
        continuation_token: None,
    })
}
