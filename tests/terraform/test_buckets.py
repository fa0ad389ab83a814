"""A bucket with all that belongs to it in Terraform: apply, no differences, change, destroy."""

import pytest

SITE = "site-of-the-fruit-team"


@pytest.mark.configuration("buckets.tf")
def test_buckets_are_applied_kept_changed_and_destroyed(virga, terraform):
    assert terraform.apply() == (28, 0, 0)

    s3 = virga.client("s3")
    assert len(s3.list_buckets()["Buckets"]) == 4
    assert s3.get_bucket_versioning(Bucket=SITE)["Status"] == "Enabled"
    tags = s3.get_bucket_tagging(Bucket=SITE)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "fruit", "stage": "test"}
    assert s3.get_object(Bucket=SITE, Key="index.html")["Body"].read() == b"<h1>Fruit</h1>"
    assert s3.get_bucket_website(Bucket=SITE)["IndexDocument"]["Suffix"] == "index.html"
    lock = s3.get_object_lock_configuration(Bucket="locked-of-the-fruit-team")["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 5}
    kept = s3.get_bucket_encryption(Bucket="copy-of-the-fruit-team")["ServerSideEncryptionConfiguration"]["Rules"]
    assert kept[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"

    change = "-var=expire_after_days=60"
    assert terraform.apply(change) == (0, 1, 0)
    rules = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(Bucket=SITE)["Rules"]}
    assert rules["logs"]["Expiration"]["Days"] == 60

    terraform.destroy()
    assert s3.list_buckets()["Buckets"] == []
