//! Access points: made, named in place of buckets, and what their policies say.

use crate::control::{bench, err, ok};
use crate::{BUCKET, Bench};
use serde_json::{Value as Json, json};
use virga_service::{Account, Caller};

const OTHER: u64 = 222_222_222_222;

async fn point(bench: &Bench, name: &str) -> Json {
    ok(bench, "CreateAccessPoint", json!({ "Name": name, "Bucket": BUCKET })).await
}

async fn put_policy(bench: &Bench, policy: String) {
    let input = json!({ "Name": "point", "Policy": policy });
    ok(bench, "PutAccessPointPolicy", input).await;
}

fn arn(name: &str) -> String {
    format!("arn:aws:s3:us-east-1:{}:accesspoint/{name}", Account::DEFAULT)
}

#[tokio::test]
async fn an_access_point_is_told_as_it_was_made() {
    let bench = bench().await;
    let made = point(&bench, "point").await;
    assert_eq!(made["AccessPointArn"], arn("point"));
    let told = ok(&bench, "GetAccessPoint", json!({ "Name": "point" })).await;
    assert_eq!(told["Alias"], made["Alias"]);
    assert_eq!(
        (&told["Bucket"], &told["NetworkOrigin"]),
        (&json!(BUCKET), &json!("Internet"))
    );
    assert_eq!(told["PublicAccessBlockConfiguration"]["BlockPublicPolicy"], true);
    assert_eq!(told["Endpoints"]["ipv4"], "s3-accesspoint.us-east-1.amazonaws.com");
    let narrow = json!({ "Name": "inside", "Bucket": BUCKET, "VpcConfiguration": { "VpcId": "vpc-1" },
        "PublicAccessBlockConfiguration": { "BlockPublicAcls": true } });
    ok(&bench, "CreateAccessPoint", narrow).await;
    let told = ok(&bench, "GetAccessPoint", json!({ "Name": "inside" })).await;
    assert_eq!(told["NetworkOrigin"], "VPC");
    assert_eq!(told["PublicAccessBlockConfiguration"]["BlockPublicAcls"], true);
    assert_eq!(told["PublicAccessBlockConfiguration"]["BlockPublicPolicy"], false);
    let again = json!({ "Name": "point", "Bucket": BUCKET });
    assert_eq!(
        err(&bench, "CreateAccessPoint", again).await,
        "AccessPointAlreadyOwnedByYou"
    );
    let nowhere = json!({ "Name": "other", "Bucket": "no-such-bucket" });
    assert_eq!(err(&bench, "CreateAccessPoint", nowhere).await, "NoSuchBucket");
    for name in ["sa", "xn-_test-alias", "Point"] {
        assert_eq!(
            err(&bench, "GetAccessPoint", json!({ "Name": name })).await,
            "InvalidURI"
        );
    }
    let foreign = json!({ "Name": "point", "AccountId": OTHER.to_string() });
    assert_eq!(err(&bench, "GetAccessPoint", foreign).await, "AccessDenied");
}

#[tokio::test]
async fn lists_come_in_pages_and_by_bucket() {
    let bench = bench().await;
    bench.ok("CreateBucket", json!({ "Bucket": "another" })).await;
    for (name, bucket) in [("b", BUCKET), ("a", BUCKET), ("c", "another")] {
        ok(
            &bench,
            "CreateAccessPoint",
            json!({ "Name": format!("{name}-point"), "Bucket": bucket }),
        )
        .await;
    }
    let names = |answer: &Json| -> Vec<String> {
        let list = answer["AccessPointList"].as_array().cloned().unwrap_or_default();
        list.iter()
            .filter_map(|point| point["Name"].as_str().map(str::to_owned))
            .collect()
    };
    let first = ok(&bench, "ListAccessPoints", json!({ "MaxResults": 2 })).await;
    assert_eq!(names(&first), ["a-point", "b-point"]);
    let rest = ok(&bench, "ListAccessPoints", json!({ "NextToken": first["NextToken"] })).await;
    assert_eq!(names(&rest), ["c-point"]);
    assert!(rest["NextToken"].is_null());
    let of_bucket = ok(&bench, "ListAccessPoints", json!({ "Bucket": "another" })).await;
    assert_eq!(names(&of_bucket), ["c-point"]);
}

#[tokio::test]
async fn objects_are_reached_through_all_of_its_names() {
    let bench = bench().await;
    let alias = point(&bench, "point").await["Alias"].clone();
    let host = json!(format!("point-{}", Account::DEFAULT));
    for name in [&alias, &host, &json!(arn("point"))] {
        bench.put_with("a", "x", json!({ "Bucket": name })).await;
        let listed = bench.ok("ListObjectsV2", json!({ "Bucket": name })).await;
        assert_eq!(listed["KeyCount"], 1);
        bench.ok("DeleteObject", json!({ "Bucket": name, "Key": "a" })).await;
    }
    let head = bench.ok("HeadBucket", json!({ "Bucket": alias })).await;
    assert_eq!(head["AccessPointAlias"], true);
    // What concerns the bucket itself is asked of the bucket.
    let versioning = json!({ "Bucket": alias, "VersioningConfiguration": { "Status": "Enabled" } });
    assert_eq!(bench.err("PutBucketVersioning", versioning).await, "MethodNotAllowed");
    // A source of a copy has the ARN in its header.
    bench.put("a", "x").await;
    let source = format!("{}/object/a", arn("point"));
    bench
        .ok("CopyObject", json!({ "Key": "b", "CopySource": source }))
        .await;
    assert_eq!(
        bench
            .err("GetObject", json!({ "Bucket": "none-x-s3alias", "Key": "a" }))
            .await,
        "InvalidAccessPointAliasError"
    );
    assert_eq!(
        bench
            .err("GetObject", json!({ "Bucket": "none-000000000000", "Key": "a" }))
            .await,
        "NoSuchBucket"
    );
}

#[tokio::test]
async fn a_bucket_with_access_points_stays() {
    let bench = bench().await;
    let alias = point(&bench, "point").await["Alias"].clone();
    assert_eq!(
        bench.err("DeleteBucket", json!({})).await,
        "BucketHasAccessPointsAttached"
    );
    ok(&bench, "DeleteAccessPoint", json!({ "Name": "point" })).await;
    assert_eq!(
        err(&bench, "DeleteAccessPoint", json!({ "Name": "point" })).await,
        "NoSuchAccessPoint"
    );
    let gone = bench.err("GetObject", json!({ "Bucket": alias, "Key": "a" })).await;
    assert_eq!(gone, "InvalidAccessPointAliasError");
    bench.ok("DeleteBucket", json!({})).await;
}

#[tokio::test]
async fn another_account_needs_the_word_of_both() {
    let bench = bench().await;
    bench.put("open/a", "x").await;
    bench.put("shut/a", "x").await;
    point(&bench, "point").await;
    let name = format!("point-{}", Account::DEFAULT);
    let read = async |caller: Caller, bucket: &str, key: &str| {
        let input = json!({ "Bucket": bucket, "Key": key });
        let answer = bench.world.call_as(caller, "s3", "GetObject", input).await;
        answer.err().map(|error| error.code.into_owned())
    };
    let other = || Caller::root(Account::from_number(OTHER));
    let denied = Some("AccessDenied".to_owned());
    let policy = |statement: Json| json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let of_point = policy(json!({ "Effect": "Allow", "Principal": { "AWS": OTHER.to_string() },
        "Action": "s3:GetObject", "Resource": format!("{}/object/open/*", arn("point")) }));
    put_policy(&bench, of_point).await;
    assert_eq!(read(other(), &name, "open/a").await, denied);
    // The bucket leaves it to the access points of its account.
    let delegation = policy(
        json!({ "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "s3:*",
        "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
        "Condition": { "StringEquals": { "s3:DataAccessPointAccount": Account::DEFAULT.to_string() } } }),
    );
    bench.ok("PutBucketPolicy", json!({ "Policy": delegation })).await;
    assert_eq!(read(other(), &name, "open/a").await, None);
    assert_eq!(read(other(), &name, "shut/a").await, denied);
    assert_eq!(read(other(), BUCKET, "open/a").await, denied);
    // A denial is for the owner too, but only on this way.
    let denial = policy(json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("{}/object/*", arn("point")) }));
    put_policy(&bench, denial).await;
    let owner = || Caller::root(Account::DEFAULT);
    assert_eq!(read(owner(), &name, "open/a").await, denied);
    assert_eq!(read(owner(), BUCKET, "open/a").await, None);
}

#[tokio::test]
async fn policies_are_kept_where_they_may_be() {
    let bench = bench().await;
    point(&bench, "point").await;
    let name = json!({ "Name": "point" });
    for operation in ["GetAccessPointPolicy", "GetAccessPointPolicyStatus"] {
        assert_eq!(err(&bench, operation, name.clone()).await, "NoSuchAccessPointPolicy");
    }
    let policy = |principal: Json, resource: String| {
        json!({ "Name": "point", "Policy": json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Principal": principal, "Action": "s3:GetObject", "Resource": resource }] }).to_string() })
    };
    let objects = || format!("{}/object/*", arn("point"));
    let strange = policy(json!({ "AWS": OTHER.to_string() }), "arn:aws:s3:::bucket/*".to_owned());
    assert_eq!(err(&bench, "PutAccessPointPolicy", strange).await, "MalformedPolicy");
    let public = policy(json!("*"), objects());
    assert_eq!(
        err(&bench, "PutAccessPointPolicy", public.clone()).await,
        "AccessDenied"
    );
    ok(
        &bench,
        "PutAccessPointPolicy",
        policy(json!({ "AWS": OTHER.to_string() }), objects()),
    )
    .await;
    let status = ok(&bench, "GetAccessPointPolicyStatus", name.clone()).await;
    assert_eq!(status["PolicyStatus"]["IsPublic"], false);
    ok(&bench, "DeleteAccessPointPolicy", name.clone()).await;
    assert_eq!(
        err(&bench, "GetAccessPointPolicy", name).await,
        "NoSuchAccessPointPolicy"
    );
    // Where neither the access point nor its bucket blocks, all may come.
    bench.ok("DeletePublicAccessBlock", json!({})).await;
    let open = json!({ "Name": "open-point", "Bucket": BUCKET, "PublicAccessBlockConfiguration": {} });
    ok(&bench, "CreateAccessPoint", open).await;
    let mut public = policy(json!("*"), format!("{}/object/*", arn("open-point")));
    public["Name"] = json!("open-point");
    ok(&bench, "PutAccessPointPolicy", public).await;
    let status = ok(&bench, "GetAccessPointPolicyStatus", json!({ "Name": "open-point" })).await;
    assert_eq!(status["PolicyStatus"]["IsPublic"], true);
}

#[tokio::test]
async fn tags_go_by_arn() {
    let bench = bench().await;
    let tagged = json!({ "Name": "point", "Bucket": BUCKET, "Tags": [{ "Key": "a", "Value": "1" }] });
    ok(&bench, "CreateAccessPoint", tagged).await;
    let of = || json!({ "ResourceArn": arn("point") });
    let mut more = of();
    more["Tags"] = json!([{ "Key": "b", "Value": "2" }]);
    ok(&bench, "TagResource", more).await;
    let mut fewer = of();
    fewer["TagKeys"] = json!(["a"]);
    ok(&bench, "UntagResource", fewer).await;
    let told = ok(&bench, "ListTagsForResource", of()).await;
    assert_eq!(told["Tags"], json!([{ "Key": "b", "Value": "2" }]));
    let none = json!({ "ResourceArn": arn("none") });
    assert_eq!(err(&bench, "ListTagsForResource", none).await, "NoSuchResource");
}

#[tokio::test]
async fn multi_region_access_points_are_kept() {
    let bench = bench().await;
    let created = ok(
        &bench,
        "CreateMultiRegionAccessPoint",
        json!({ "ClientToken": "t", "Details": { "Name": "everywhere", "Regions": [{ "Bucket": BUCKET }] } }),
    )
    .await;
    let token = created["RequestTokenARN"].clone();
    assert!(token.as_str().is_some_and(|arn| {
        arn.starts_with("arn:aws:s3:us-west-2:000000000000:async-request/mrap/createmultiregionaccesspoint/")
    }));
    let asked = ok(
        &bench,
        "DescribeMultiRegionAccessPointOperation",
        json!({ "RequestTokenARN": token }),
    )
    .await;
    assert_eq!(asked["AsyncOperation"]["RequestStatus"], "SUCCEEDED");
    // What fails is told by what looks after it.
    bench.ok("CreateBucket", json!({ "Bucket": "another" })).await;
    for (name, buckets, code) in [
        ("everywhere", &[BUCKET][..], "MultiRegionAccessPointAlreadyOwnedByYou"),
        (
            "two-points",
            &[BUCKET, "another"],
            "MultiRegionAccessPointSameBucketRegion",
        ),
        ("two-points", &["no-such-bucket"], "NoSuchBucket"),
    ] {
        let regions: Vec<Json> = buckets.iter().map(|bucket| json!({ "Bucket": bucket })).collect();
        let input = json!({ "ClientToken": code, "Details": { "Name": name, "Regions": regions } });
        let token = ok(&bench, "CreateMultiRegionAccessPoint", input).await["RequestTokenARN"].clone();
        let asked = json!({ "RequestTokenARN": token });
        let asked = ok(&bench, "DescribeMultiRegionAccessPointOperation", asked).await;
        assert_eq!(asked["AsyncOperation"]["RequestStatus"], "FAILED");
        assert_eq!(asked["AsyncOperation"]["ResponseDetails"]["ErrorDetails"]["Code"], code);
    }
    let failed = json!({ "Name": "two-points" });
    assert_eq!(
        err(&bench, "GetMultiRegionAccessPoint", failed).await,
        "NoSuchMultiRegionAccessPoint"
    );
    let name = json!({ "Name": "everywhere" });
    let told = ok(&bench, "GetMultiRegionAccessPoint", name.clone()).await;
    assert_eq!(told["AccessPoint"]["Status"], "READY");
    let alias = told["AccessPoint"]["Alias"].as_str().unwrap_or_default().to_owned();
    let mrap = format!("arn:aws:s3::000000000000:accesspoint/{alias}");
    let routes = ok(&bench, "GetMultiRegionAccessPointRoutes", json!({ "Mrap": mrap })).await;
    assert_eq!(routes["Routes"][0]["TrafficDialPercentage"], 100);
    assert_eq!(
        err(&bench, "GetMultiRegionAccessPointPolicy", name.clone()).await,
        "NoSuchMultiRegionAccessPointPolicy"
    );
    ok(
        &bench,
        "DeleteMultiRegionAccessPoint",
        json!({ "ClientToken": "w", "Details": name }),
    )
    .await;
    assert_eq!(
        err(&bench, "GetMultiRegionAccessPoint", name).await,
        "NoSuchMultiRegionAccessPoint"
    );
}

#[tokio::test]
async fn storage_lens_is_kept() {
    let bench = bench().await;
    let configuration = json!({ "Id": "lens", "IsEnabled": true, "AccountLevel": { "BucketLevel": {} } });
    let input = json!({ "ConfigId": "lens", "StorageLensConfiguration": configuration,
        "Tags": [{ "Key": "a", "Value": "1" }] });
    ok(&bench, "PutStorageLensConfiguration", input).await;
    let of = || json!({ "ConfigId": "lens" });
    let told = ok(&bench, "GetStorageLensConfiguration", of()).await;
    let arn = "arn:aws:s3:us-east-1:000000000000:storage-lens/lens";
    assert_eq!(told["StorageLensConfiguration"]["StorageLensArn"], arn);
    let tags = ok(&bench, "GetStorageLensConfigurationTagging", of()).await;
    assert_eq!(tags["Tags"], json!([{ "Key": "a", "Value": "1" }]));
    let list = ok(&bench, "ListStorageLensConfigurations", json!({})).await;
    assert_eq!(list["StorageLensConfigurationList"][0]["StorageLensArn"], arn);
    ok(&bench, "DeleteStorageLensConfiguration", of()).await;
    for operation in ["GetStorageLensConfiguration", "GetStorageLensConfigurationTagging"] {
        assert_eq!(err(&bench, operation, of()).await, "NoSuchConfiguration");
    }
}
