//! Through the call door, with a memory store and a frozen clock.

use serde_json::json;
use virga_testkit::World;

#[tokio::test]
async fn what_is_not_built_says_so() {
    let world = World::new(vec![virga_s3::service()]);
    let (code, message) = world.err("s3", "AbortMultipartUpload", json!({})).await;
    assert_eq!(code, "NotImplemented");
    assert!(message.contains("AbortMultipartUpload"), "{message}");
}
