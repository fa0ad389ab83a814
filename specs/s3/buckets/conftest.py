"""Steps that make buckets and give them configurations that have no folder of their own."""

import json

from buckets import BUCKET
from pytest_bdd import parsers, then, when


@when(parsers.re(r'I create the bucket "(?P<bucket>[^"]+)" in "(?P<region>[^"]+)"$'))
def create_bucket(world, buckets, bucket, region):
    more = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    world.attempt(buckets.client.create_bucket, Bucket=bucket, **more)


@when(
    parsers.re(r'I create the bucket "(?P<bucket>[^"]+)" at the endpoint of "(?P<region>[^"]+)" for "(?P<other>[^"]+)"$')
)
def create_elsewhere(world, bucket, region, other):
    client = world.client("s3", region=region)
    world.attempt(client.create_bucket, Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": other})


@when(parsers.re(r'account "(?P<account>\d+)" creates the bucket "(?P<bucket>[^"]+)"$'))
def other_creates(world, account, bucket):
    world.attempt(world.client("s3", account=account).create_bucket, Bucket=bucket)


@then(parsers.re(rf'{BUCKET} is in the region "(?P<region>[^"]+)"$'))
def bucket_region(buckets, bucket, region):
    assert buckets.client.head_bucket(Bucket=bucket)["BucketRegion"] == region


@when(parsers.re(rf'I tag {BUCKET} with "(?P<name>[^"=]+)=(?P<value>[^"]*)"$'))
def tag_bucket(world, buckets, bucket, name, value):
    tags = {"TagSet": [{"Key": name, "Value": value}]}
    world.attempt(buckets.client.put_bucket_tagging, Bucket=bucket, Tagging=tags)


@when(parsers.re(rf'I give {BUCKET} the metrics "(?P<name>[^"]+)" of the prefix "(?P<prefix>[^"]*)"$'))
def put_metrics(world, buckets, bucket, name, prefix):
    configuration = {"Id": name, "Filter": {"Prefix": prefix}}
    call = buckets.client.put_bucket_metrics_configuration
    world.attempt(call, Bucket=bucket, Id=name, MetricsConfiguration=configuration)


@when(parsers.re(rf'I take the metrics "(?P<name>[^"]+)" from {BUCKET}$'))
def delete_metrics(world, buckets, bucket, name):
    world.attempt(buckets.client.delete_bucket_metrics_configuration, Bucket=bucket, Id=name)


@then(parsers.re(r'the answer lists the metrics (?P<names>.+)$'))
def lists_metrics(world, names):
    found = [one["Id"] for one in world.answer.get("MetricsConfigurationList", [])]
    assert found == json.loads(f"[{names}]")


@then(parsers.re(r'the answer holds the tag "(?P<name>[^"=]+)=(?P<value>[^"]*)"$'))
def holds_tag(world, name, value):
    assert {"Key": name, "Value": value} in world.answer["TagSet"]
