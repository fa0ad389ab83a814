"""Steps that speak of buckets and objects, of use to more than one of the folders here."""

import json

import pytest
from botocore.exceptions import ClientError
from buckets import BUCKET, KEY, Buckets, named
from pytest_bdd import given, parsers, then, when


@pytest.fixture
def buckets(world):
    return Buckets(world)


@given(parsers.re(r'a bucket "(?P<bucket>[^"]+)"$'))
def a_bucket(buckets, bucket):
    buckets.client.create_bucket(Bucket=bucket)


@given(parsers.re(r'a bucket "(?P<bucket>[^"]+)" with versions$'))
def a_versioned_bucket(buckets, bucket):
    buckets.client.create_bucket(Bucket=bucket)
    buckets.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@given(parsers.re(rf"{KEY} was put into {BUCKET}$"))
@when(parsers.re(rf"I put {KEY} into {BUCKET}$"))
def put_object(buckets, key, bucket):
    buckets.put(bucket, key)


@given(parsers.re(rf"{KEY} of (?P<size>\d+) bytes was put into {BUCKET}$"))
def put_bytes(buckets, key, size, bucket):
    buckets.put(bucket, key, "x" * int(size))


@when(parsers.re(rf"I copy {KEY} to \"(?P<target>[^\"]+)\" in {BUCKET}$"))
def copy_object(world, buckets, key, target, bucket):
    source = {"Bucket": bucket, "Key": key}
    world.attempt(buckets.client.copy_object, Bucket=bucket, Key=target, CopySource=source)


@when(parsers.re(rf"I delete {KEY} from {BUCKET}$"))
def delete_object(world, buckets, key, bucket):
    world.attempt(buckets.client.delete_object, Bucket=bucket, Key=key)


@when(parsers.re(rf'I tag {KEY} in {BUCKET} with "(?P<name>[^"=]+)=(?P<value>[^"]*)"$'))
def tag_object(world, buckets, key, bucket, name, value):
    tags = {"TagSet": [{"Key": name, "Value": value}]}
    world.attempt(buckets.client.put_object_tagging, Bucket=bucket, Key=key, Tagging=tags)


@then(parsers.re(rf"{BUCKET} holds (?P<keys>.+)$"))
def holds(buckets, bucket, keys):
    wanted = [] if keys == "nothing" else json.loads(f"[{keys}]")
    assert buckets.keys(bucket) == wanted


@then(parsers.re(rf"{BUCKET} holds (?P<versions>\d+) versions? and (?P<markers>\d+) delete markers?$"))
def holds_versions(buckets, bucket, versions, markers):
    answer = buckets.client.list_object_versions(Bucket=bucket)
    found = [len(answer.get(name, [])) for name in ("Versions", "DeleteMarkers")]
    assert found == [int(versions), int(markers)]


@then(parsers.re(r'the answer\'s (?P<member>\w+) is "(?P<text>.*)"$'))
def answer_says(world, member, text):
    assert world.answer.get(member) == text.replace("'", '"')


@then(parsers.re(rf"there is no {KEY} in {BUCKET}$"))
def is_gone(buckets, key, bucket):
    with pytest.raises(ClientError) as raised:
        buckets.client.head_object(Bucket=bucket, Key=key)
    assert raised.value.response["Error"]["Code"] == "404"


@when(parsers.re(rf"I delete {BUCKET}$"))
def delete_bucket(world, buckets, bucket):
    world.attempt(buckets.client.delete_bucket, Bucket=bucket)


@given(parsers.re(rf'{KEY} was put into {BUCKET} saying "(?P<text>[^"]*)"$'))
@when(parsers.re(rf'I put {KEY} into {BUCKET} saying "(?P<text>[^"]*)"$'))
def put_text(buckets, key, bucket, text):
    buckets.put(bucket, key, text)


@when(parsers.re(rf'I put {KEY} into {BUCKET} saying "(?P<text>[^"]*)" with$'))
def put_text_with(buckets, key, bucket, text, datatable):
    buckets.put(bucket, key, text, **named(datatable))


@when(parsers.re(rf"I get {KEY} from {BUCKET}$"))
def get_object(world, buckets, key, bucket):
    buckets.get(bucket, key)


@then(parsers.re(r'the browser gets (?P<status>\d+) with "(?P<text>[^"]+)"$'))
def page_shows(world, status, text):
    answer, body = world.page
    assert answer.status == int(status), body
    assert text in body


@when(parsers.re(rf"I ask for the (?P<kind>\w+) of {BUCKET}$"))
def ask_for(world, buckets, kind, bucket):
    calls = {
        "tags": buckets.client.get_bucket_tagging,
        "website": buckets.client.get_bucket_website,
        "rules": buckets.client.get_bucket_cors,
        "metrics": buckets.client.list_bucket_metrics_configurations,
        "logging": buckets.client.get_bucket_logging,
    }
    world.attempt(calls[kind], Bucket=bucket)


@then(parsers.re(rf'{KEY} in {BUCKET} says "(?P<text>[^"]*)"$'))
def object_says(buckets, key, bucket, text):
    assert buckets.client.get_object(Bucket=bucket, Key=key)["Body"].read().decode() == text
