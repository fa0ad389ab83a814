"""Steps that speak of buckets and objects, and of what S3 does by itself."""

import base64
import hashlib
import html
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from pytest_bdd import given, parsers, then, when

BUCKET = r'the bucket "(?P<bucket>[^"]+)"'
KEY = r'"(?P<key>[^"]+)"'


class Buckets:
    """What a scenario knows of its buckets and queues."""

    def __init__(self, world):
        self.world = world
        self.client = world.client("s3")
        self.queues = world.client("sqs")
        self.urls = {}
        self.records = []
        self.lifecycle = {}
        self.versions = []

    def queue_arn(self, name):
        return f"arn:aws:sqs:us-east-1:000000000000:{name}"

    def put(self, bucket, key, body="hello", **more):
        return self.world.attempt(self.client.put_object, Bucket=bucket, Key=key, Body=body.encode(), **more)

    def keys(self, bucket):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def drain(self, queue):
        """All messages of a queue, read as JSON, oldest first."""
        bodies = []
        while True:
            answer = self.queues.receive_message(QueueUrl=self.urls[queue], MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            if not messages:
                return bodies
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                self.queues.delete_message(QueueUrl=self.urls[queue], ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture
def buckets(world):
    return Buckets(world)


def settle(world):
    world.virga.ask("/_virga/time", {"action": "settle"})


# Buckets and objects


@given(parsers.re(r'a bucket "(?P<bucket>[^"]+)"$'))
def a_bucket(buckets, bucket):
    buckets.client.create_bucket(Bucket=bucket)


@given(parsers.re(r'a bucket "(?P<bucket>[^"]+)" with versions$'))
def a_versioned_bucket(buckets, bucket):
    buckets.client.create_bucket(Bucket=bucket)
    buckets.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@given(parsers.re(r'a bucket "(?P<bucket>[^"]+)" with locks$'))
def a_bucket_with_locks(buckets, bucket):
    buckets.client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)


@given(parsers.re(rf"{KEY} was put into {BUCKET}$"))
@when(parsers.re(rf"I put {KEY} into {BUCKET}$"))
def put_object(buckets, key, bucket):
    buckets.put(bucket, key)


@given(parsers.re(rf"{KEY} of (?P<size>\d+) bytes was put into {BUCKET}$"))
def put_bytes(buckets, key, size, bucket):
    buckets.put(bucket, key, "x" * int(size))


@when(parsers.re(rf'I put {KEY} into {BUCKET} with the tag "(?P<tag>[^"]+)"$'))
def put_tagged(buckets, key, bucket, tag):
    buckets.put(bucket, key, Tagging=tag)


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


@then(parsers.re(rf'{KEY} in {BUCKET} is in the storage class "(?P<wanted>[^"]+)"$'))
def storage_class(buckets, key, bucket, wanted):
    head = buckets.client.head_object(Bucket=bucket, Key=key)
    assert head.get("StorageClass", "STANDARD") == wanted


@then(parsers.re(r'the answer\'s (?P<member>\w+) is "(?P<text>.*)"$'))
def answer_says(world, member, text):
    assert world.answer.get(member) == text.replace("'", '"')


@then(parsers.re(r"the answer has no (?P<member>\w+)$"))
def answer_is_silent(world, member):
    assert member not in world.answer


# Notifications


@given(parsers.re(r'a queue "(?P<queue>[^"]+)"(?P<open> that lets S3 in)?$'))
def a_queue(buckets, queue, open):
    attributes = {}
    if open:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": buckets.queue_arn(queue),
        }
        attributes["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    buckets.urls[queue] = buckets.queues.create_queue(QueueName=queue, Attributes=attributes)["QueueUrl"]


def notify(world, buckets, bucket, events, queue, rules=()):
    configuration = {"Id": "rule", "QueueArn": buckets.queue_arn(queue), "Events": json.loads(f"[{events}]")}
    if rules:
        filters = [{"Name": name, "Value": value} for name, value in rules if value is not None]
        configuration["Filter"] = {"Key": {"FilterRules": filters}}
    world.attempt(
        buckets.client.put_bucket_notification_configuration,
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [configuration]},
    )


@given(parsers.re(rf'{BUCKET} tells the queue "(?P<queue>[^"]+)" of (?P<events>"s3:[^ ]+(?:, "[^ ]+")*)$'))
@when(parsers.re(rf'{BUCKET} shall tell the queue "(?P<queue>[^"]+)" of (?P<events>"s3:[^ ]+(?:, "[^ ]+")*)$'))
def tells(world, buckets, bucket, queue, events):
    notify(world, buckets, bucket, events, queue)


@given(
    parsers.re(
        rf'{BUCKET} tells the queue "(?P<queue>[^"]+)" of (?P<events>"[^"]+") where keys begin with'
        r' "(?P<prefix>[^"]*)" and end with "(?P<suffix>[^"]*)"$'
    )
)
def tells_of_some(world, buckets, bucket, queue, events, prefix, suffix):
    notify(world, buckets, bucket, events, queue, [("prefix", prefix), ("suffix", suffix)])


@given(parsers.re(r'the test event has been taken from the queue "(?P<queue>[^"]+)"$'))
@then(parsers.re(r'the queue "(?P<queue>[^"]+)" gets the test event$'))
def test_event(world, buckets, queue):
    world.must_not_have_failed()
    (event,) = buckets.drain(queue)
    assert (event["Service"], event["Event"]) == ("Amazon S3", "s3:TestEvent")


@then(parsers.re(r'the queue "(?P<queue>[^"]+)" gets$'))
def queue_gets(world, buckets, queue, datatable):
    world.must_not_have_failed()
    settle(world)
    buckets.records = [record for body in buckets.drain(queue) for record in body["Records"]]
    seen = [[record["eventName"], record["s3"]["object"]["key"]] for record in buckets.records]
    assert sorted(seen) == sorted(list(row) for row in datatable)


@then(parsers.re(r'the queue "(?P<queue>[^"]+)" gets nothing$'))
def queue_gets_nothing(world, buckets, queue):
    settle(world)
    assert buckets.drain(queue) == []


@then("the record is")
def record_is(buckets, docstring):
    (record,) = buckets.records
    wanted = json.loads(docstring)

    def compare(wanted, found, path):
        if isinstance(wanted, dict):
            assert list(found) == list(wanted), f"{path}: {list(found)}"
            for name, value in wanted.items():
                compare(value, found[name], f"{path}.{name}")
        elif wanted != "*":
            assert found == wanted, path

    compare(wanted, record, "record")


@then("each record's sequencer is greater than the one before")
def in_sequence(buckets):
    by_time = [record["s3"]["object"]["sequencer"] for record in buckets.records]
    assert len(set(by_time)) == len(by_time)


@when(parsers.re(rf"I restore {KEY} in {BUCKET} for (?P<days>\d+) days?$"))
def restore(world, buckets, key, bucket, days):
    world.attempt(buckets.client.restore_object, Bucket=bucket, Key=key, RestoreRequest={"Days": int(days)})


@then(parsers.re(r'the record tells when the copy of class "(?P<name>[A-Z_]+)" will be gone$'))
def record_of_restored(buckets, name):
    (record,) = buckets.records
    told = record["glacierEventData"]["restoreEventData"]
    assert told == {
        "lifecycleRestorationExpiryTime": "2026-01-03T00:00:00.000Z",
        "lifecycleRestoreStorageClass": name,
    }


# Access logs


def put_logging(world, buckets, bucket, status):
    world.attempt(buckets.client.put_bucket_logging, Bucket=bucket, BucketLoggingStatus=status)


@given(
    parsers.re(
        rf'{BUCKET} is logged in "(?P<target>[^"]+)" under "(?P<prefix>[^"]*)"(?P<by_day> by the day of delivery)?$'
    )
)
def logged(world, buckets, bucket, target, prefix, by_day):
    status = {"TargetBucket": target, "TargetPrefix": prefix}
    if by_day:
        status["TargetObjectKeyFormat"] = {"PartitionedPrefix": {"PartitionDateSource": "DeliveryTime"}}
    put_logging(world, buckets, bucket, {"LoggingEnabled": status})


@given(parsers.re(rf"{BUCKET} is logged no more$"))
def logged_no_more(world, buckets, bucket):
    put_logging(world, buckets, bucket, {})


@when(parsers.re(rf"I list {BUCKET} to its log$"))
def list_for_log(buckets, bucket):
    buckets.client.list_objects_v2(Bucket=bucket)


LOG_LINE = re.compile(
    r"[0-9a-f]{64} (?P<bucket>\S+) \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] (?P<address>\S+) [0-9a-f]{64} (?P<id>[0-9A-F]{16})"
    r' (?P<operation>\S+) (?P<key>\S+) "[A-Z]+ [^"]+ HTTP/1.1" (?P<status>\d{3}) (?P<error>\S+) (?P<sent>\S+) (?P<size>\S+)'
    r' (?P<total>\d+) (?P<turn>\S+) "[^"]*" "[^"]*" (?P<version>\S+) (?P<host_id>\S+) SigV4 - AuthHeader \S+ - - -'
)


@then(parsers.re(rf'the log under "(?P<prefix>[^"]*)" in {BUCKET} tells$'))
def log_tells(buckets, prefix, bucket, datatable):
    (key,) = buckets.keys(bucket)
    assert re.fullmatch(re.escape(prefix) + r"2026-01-01-\d\d-\d\d-\d\d-[0-9A-F]{16}", key), key
    lines = buckets.client.get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()
    seen = []
    for line in lines:
        found = LOG_LINE.fullmatch(line)
        assert found, line
        seen.append([found[name] for name in ("operation", "key", "status", "error", "size")])
    # Of what happens in the same millisecond, the order is not kept.
    assert sorted(seen) == sorted(list(row) for row in datatable)


# Lifecycle


@given(parsers.re(rf"{BUCKET} has the lifecycle rule$"))
@when(parsers.re(rf"I give {BUCKET} the lifecycle rule$"))
def lifecycle(world, buckets, bucket, docstring):
    rules = [{"Status": "Enabled", **json.loads(docstring)}]
    world.attempt(
        buckets.client.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration={"Rules": rules}
    )


@when(parsers.re(rf"I look at {KEY} in {BUCKET}$"))
def look(world, buckets, key, bucket):
    world.attempt(buckets.client.head_object, Bucket=bucket, Key=key)


@given(parsers.re(rf"an upload of {KEY} to {BUCKET} was begun$"))
@when(parsers.re(rf"I begin an upload of {KEY} to {BUCKET}$"))
def begin_upload(world, buckets, key, bucket):
    world.attempt(buckets.client.create_multipart_upload, Bucket=bucket, Key=key)


@then(parsers.re(rf"{BUCKET} has (?P<count>\d+) uploads? under way$"))
def uploads(buckets, bucket, count):
    assert len(buckets.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])) == int(count)


# Replication


def replicate(world, buckets, bucket, target, markers):
    rule = {
        "ID": "all",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {},
        "DeleteMarkerReplication": {"Status": "Enabled" if markers else "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
    }
    configuration = {"Role": "arn:aws:iam::000000000000:role/replication", "Rules": [rule]}
    world.attempt(
        buckets.client.put_bucket_replication, Bucket=bucket, ReplicationConfiguration=configuration
    )


@given(parsers.re(rf'{BUCKET} is replicated to "(?P<target>[^"]+)"(?P<markers> with its delete markers)?$'))
@when(parsers.re(rf'I have {BUCKET} replicated to "(?P<target>[^"]+)"(?P<markers>)$'))
def replicated(world, buckets, bucket, target, markers):
    replicate(world, buckets, bucket, target, bool(markers))


@when("replication has caught up")
def caught_up(world):
    world.must_not_have_failed()
    settle(world)


@then(parsers.re(rf'{KEY} in {BUCKET} is said to be "(?P<status>[A-Z]+)"$'))
def replication_status(buckets, key, bucket, status):
    assert buckets.client.head_object(Bucket=bucket, Key=key)["ReplicationStatus"] == status


@when(parsers.re(rf"I upload {KEY} in (?P<count>\d+) parts to {BUCKET}$"))
def upload_in_parts(buckets, key, count, bucket):
    where = {"Bucket": bucket, "Key": key}
    where["UploadId"] = buckets.client.create_multipart_upload(**where)["UploadId"]
    parts = []
    for number in range(1, int(count) + 1):
        body = bytes([number]) * (5 * 1024 * 1024 if number < int(count) else 10)
        answer = buckets.client.upload_part(**where, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    buckets.client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


@then(parsers.re(rf'{KEY} reads the same in "(?P<one>[^"]+)" and "(?P<other>[^"]+)"$'))
def reads_the_same(buckets, key, one, other):
    bodies = [buckets.client.get_object(Bucket=bucket, Key=key)["Body"].read() for bucket in (one, other)]
    assert bodies[0] == bodies[1] != b""


@then(parsers.re(rf'{KEY} has the same version in "(?P<one>[^"]+)" and "(?P<other>[^"]+)"$'))
def same_version(buckets, key, one, other):
    heads = [buckets.client.head_object(Bucket=bucket, Key=key) for bucket in (one, other)]
    for member in ("VersionId", "ETag", "ContentLength", "Metadata", "LastModified"):
        assert heads[0][member] == heads[1][member], member


@then(parsers.re(rf"there is no {KEY} in {BUCKET}$"))
def is_gone(buckets, key, bucket):
    with pytest.raises(ClientError) as raised:
        buckets.client.head_object(Bucket=bucket, Key=key)
    assert raised.value.response["Error"]["Code"] == "404"


# Buckets, bodies, versions and lists


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


@when(parsers.re(rf"I delete {BUCKET}$"))
def delete_bucket(world, buckets, bucket):
    world.attempt(buckets.client.delete_bucket, Bucket=bucket)


@then(parsers.re(rf'{BUCKET} is in the region "(?P<region>[^"]+)"$'))
def bucket_region(buckets, bucket, region):
    assert buckets.client.head_bucket(Bucket=bucket)["BucketRegion"] == region


def named(datatable) -> dict:
    return {row[0]: row[1] for row in datatable}


@given(parsers.re(rf'{KEY} was put into {BUCKET} saying "(?P<text>[^"]*)"$'))
@when(parsers.re(rf'I put {KEY} into {BUCKET} saying "(?P<text>[^"]*)"$'))
def put_text(buckets, key, bucket, text):
    buckets.put(bucket, key, text)


@when(parsers.re(rf'I put {KEY} into {BUCKET} saying "(?P<text>[^"]*)" with$'))
def put_text_with(buckets, key, bucket, text, datatable):
    buckets.put(bucket, key, text, **named(datatable))


def get(world, buckets, bucket, key, **more):
    answer = world.attempt(buckets.client.get_object, Bucket=bucket, Key=key, **more)
    buckets.text = answer and answer["Body"].read().decode()


@when(parsers.re(rf"I get {KEY} from {BUCKET}$"))
def get_object(world, buckets, key, bucket):
    get(world, buckets, bucket, key)


@when(parsers.re(rf"I get {KEY} from {BUCKET} with$"))
def get_object_with(world, buckets, key, bucket, datatable):
    get(world, buckets, bucket, key, **named(datatable))


@when(parsers.re(rf'I get the bytes "(?P<range>[^"]+)" of {KEY} from {BUCKET}$'))
def get_range(world, buckets, range, key, bucket):
    get(world, buckets, bucket, key, Range=f"bytes={range}")


def version_id(buckets, bucket, key, number):
    """The id of the version that is so many-th from the newest, delete markers among them."""
    answer = buckets.client.list_object_versions(Bucket=bucket, Prefix=key)
    found = [entry for name in ("Versions", "DeleteMarkers") for entry in answer.get(name, [])]
    found.sort(key=lambda entry: not entry["IsLatest"])
    return found[number - 1]["VersionId"]


@when(parsers.re(rf"I get version (?P<number>\d+) of {KEY} from {BUCKET}$"))
def get_version(world, buckets, number, key, bucket):
    get(world, buckets, bucket, key, VersionId=version_id(buckets, bucket, key, int(number)))


@when(parsers.re(rf"I delete the newest version of {KEY} from {BUCKET}$"))
def delete_version(world, buckets, key, bucket):
    found = version_id(buckets, bucket, key, 1)
    world.attempt(buckets.client.delete_object, Bucket=bucket, Key=key, VersionId=found)


@when(parsers.re(rf"I suspend the versions of {BUCKET}$"))
def suspend(world, buckets, bucket):
    world.attempt(
        buckets.client.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    )


@then(parsers.re(r'I get the text "(?P<text>[^"]*)"$'))
def got_text(world, buckets, text):
    world.must_not_have_failed()
    assert buckets.text == text


@when(parsers.re(rf"I list {BUCKET}(?P<slowly> one at a time)? with$"))
def list_bucket(world, buckets, bucket, slowly, datatable):
    world.must_not_have_failed()
    size = {"PaginationConfig": {"PageSize": 1}} if slowly else {}
    pages = buckets.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, **named(datatable), **size)
    pages = list(pages)
    assert not slowly or all(page["KeyCount"] <= 1 for page in pages)
    buckets.seen_keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    buckets.seen_prefixes = [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]


@then(parsers.re(r"I see the keys (?P<keys>.+)$"))
def see_keys(buckets, keys):
    assert buckets.seen_keys == json.loads(f"[{keys}]")


@then(parsers.re(r"I see the prefixes (?P<prefixes>.+)$"))
def see_prefixes(buckets, prefixes):
    assert buckets.seen_prefixes == json.loads(f"[{prefixes}]")


# Browsers: pages of other origins, websites


def browse(world, method, path, host=None, **headers):
    """One request as a browser makes it, which no SDK shapes."""
    url = urlsplit(world.virga.endpoint)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers={"Host": host or url.netloc, **headers})
    answer = connection.getresponse()
    world.page = (answer, answer.read().decode())
    connection.close()


@given(parsers.re(rf"{BUCKET} has the cross-origin rules$"))
@when(parsers.re(rf"I give {BUCKET} the cross-origin rules$"))
def put_cors(world, buckets, bucket, docstring):
    rules = {"CORSRules": json.loads(f"[{docstring}]")}
    world.attempt(buckets.client.put_bucket_cors, Bucket=bucket, CORSConfiguration=rules)


@given(parsers.re(rf"{BUCKET} has the website$"))
@when(parsers.re(rf"I give {BUCKET} the website$"))
def put_website(world, buckets, bucket, docstring):
    configuration = json.loads(docstring)
    world.attempt(buckets.client.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration)


@given(parsers.re(rf"everyone may (?P<action>\w+) of {BUCKET}$"))
def everyone_may(buckets, bucket, action):
    objects, listed = f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"
    actions, resources = {
        "read": (["s3:GetObject"], [objects]),
        "list": (["s3:GetObject", "s3:ListBucket"], [listed, objects]),
    }[action]
    statement = {"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": resources}
    buckets.client.delete_public_access_block(Bucket=bucket)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    buckets.client.put_bucket_policy(Bucket=bucket, Policy=policy)


@when(parsers.re(rf'a page of "(?P<origin>[^"]+)" asks whether it may (?P<method>[A-Z]+) {KEY} in {BUCKET}$'))
def preflight(world, origin, method, key, bucket):
    browse(world, "OPTIONS", f"/{bucket}/{key}", Origin=origin, Access_Control_Request_Method=method)


@when(parsers.re(rf'a page of "(?P<origin>[^"]+)" reads {KEY} in {BUCKET}$'))
def cross_read(world, origin, key, bucket):
    browse(world, "GET", f"/{bucket}/{key}", Origin=origin)


@when(parsers.re(r'a browser (?P<method>GET|HEAD|POST)s "(?P<path>[^"]+)" of the website "(?P<bucket>[^"]+)"$'))
def visit(world, method, path, bucket):
    browse(world, method, path, host=f"{bucket}.s3-website.us-east-1.localhost")


@when(parsers.re(r'a browser (?P<method>GET|HEAD|POST)s "(?P<path>[^"]+)" at the host "(?P<host>[^"]+)"$'))
def visit_host(world, method, path, host):
    browse(world, method, path, host=host)


@when(parsers.re(r'a browser sends "(?P<method>[A-Z]+) (?P<path>[^"]+)"$'))
def browser_sends(world, method, path):
    browse(world, method, path)


@then(parsers.re(r"the browser gets (?P<status>\d+)$"))
def page_status(world, status):
    assert world.page[0].status == int(status), world.page[1]


@then(parsers.re(r'the browser gets (?P<status>\d+) with "(?P<text>[^"]+)"$'))
def page_shows(world, status, text):
    answer, body = world.page
    assert answer.status == int(status), body
    assert text in body


@then(parsers.re(r'the browser is sent to "(?P<path>[^"]+)" by (?P<status>\d+)$'))
def page_leads(world, path, status):
    answer, _ = world.page
    assert (answer.status, answer.getheader("Location")) == (int(status), path)


@then(parsers.re(r'the page of "(?P<origin>[^"]+)" is allowed$'))
def page_allowed(world, origin):
    answer, body = world.page
    assert answer.status == 200, body
    assert answer.getheader("Access-Control-Allow-Origin") in (origin, "*")


@then("no page is allowed")
def page_not_allowed(world):
    assert world.page[0].getheader("Access-Control-Allow-Origin") is None


# Configurations that have no steps of their own


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


# Who may


def as_account(world, account):
    """A client of an account by its number, or of nobody."""
    if account == "nobody":
        return world.virga.client("s3", signature_version=UNSIGNED)
    return world.client("s3", account=account)


def account_of(who):
    return "nobody" if who == "nobody" else re.search(r"\d{12}", who).group()


WHO = r"(?P<who>the account \d{12}|nobody)"


@given(parsers.re(rf"{BUCKET} lets its objects have lists$"))
def with_lists(buckets, bucket):
    rule = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    buckets.client.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rule)


@given(parsers.re(rf"{BUCKET} lets in the public$"))
@when(parsers.re(rf"I let {BUCKET} be public$"))
def unblocked(world, buckets, bucket):
    world.attempt(buckets.client.delete_public_access_block, Bucket=bucket)


def control(world):
    """A client of S3 Control."""
    client = world.virga.client("s3control", key="000000000000")

    def by_address(request, **_):
        # Names before an address do not resolve.
        request.url = request.url.replace("//000000000000.", "//")

    client.meta.events.register("before-sign.s3-control", by_address)
    return client


@when("I block public access for the whole account")
def block_account(world):
    every = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    control(world).put_public_access_block(
        AccountId="000000000000", PublicAccessBlockConfiguration={name: True for name in every}
    )


@given(parsers.re(rf'an access point "(?P<name>[^"]+)" of {BUCKET}$'))
def an_access_point(world, name, bucket):
    control(world).create_access_point(AccountId="000000000000", Name=name, Bucket=bucket)


@given(parsers.re(r'the access point "(?P<name>[^"]+)" has the policy$'))
def an_access_point_has_policy(world, name, docstring):
    control(world).put_access_point_policy(AccountId="000000000000", Name=name, Policy=docstring)


@when(parsers.re(rf'I read {KEY} through the alias of the access point "(?P<name>[^"]+)"$'))
def read_through_alias(world, buckets, key, name):
    alias = control(world).get_access_point(AccountId="000000000000", Name=name)["Alias"]
    world.attempt(buckets.client.get_object, Bucket=alias, Key=key)


@given(parsers.re(rf"{BUCKET} has the policy$"))
@when(parsers.re(rf"I give {BUCKET} the policy$"))
def put_policy(world, buckets, bucket, docstring):
    world.attempt(buckets.client.put_bucket_policy, Bucket=bucket, Policy=docstring)


@when(parsers.re(rf"I delete the policy of {BUCKET}$"))
def delete_policy(world, buckets, bucket):
    world.attempt(buckets.client.delete_bucket_policy, Bucket=bucket)


@given(parsers.re(rf'{KEY} was put into {BUCKET} with the tag "(?P<tag>[^"]+)"$'))
def was_put_tagged(buckets, key, bucket, tag):
    buckets.put(bucket, key, Tagging=tag)


@given(parsers.re(rf'{KEY} was put into {BUCKET} with the list "(?P<acl>[^"]+)"$'))
@when(parsers.re(rf'I put {KEY} into {BUCKET} with the list "(?P<acl>[^"]+)"$'))
def put_with_list(buckets, key, bucket, acl):
    buckets.put(bucket, key, ACL=acl)


@when(parsers.re(rf"{WHO} reads {KEY} in {BUCKET}(?P<pays>, paying for it)?$"))
def somebody_reads(world, who, key, bucket, pays):
    more = {"RequestPayer": "requester"} if pays else {}
    world.attempt(as_account(world, account_of(who)).get_object, Bucket=bucket, Key=key, **more)


@when(parsers.re(rf"{WHO} puts {KEY} into {BUCKET}(?P<acl> with the list \"[^\"]+\")?$"))
def somebody_puts(world, who, key, bucket, acl):
    more = {"ACL": acl.split('"')[1]} if acl else {}
    world.attempt(as_account(world, account_of(who)).put_object, Bucket=bucket, Key=key, Body=b"hello", **more)


@then(parsers.re(rf"{KEY} in {BUCKET} belongs to the account (?P<account>\d+)$"))
def belongs_to(world, buckets, key, bucket, account):
    owner = world.client("s3", account=account).list_buckets()["Owner"]["ID"]
    client = world.client("s3", account=account)
    assert client.get_object_acl(Bucket=bucket, Key=key)["Owner"]["ID"] == owner


@given(parsers.re(rf"whoever reads from {BUCKET} pays$"))
def requester_pays(buckets, bucket):
    payer = {"Payer": "Requester"}
    buckets.client.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration=payer)


# Links and forms


class Answer:
    """What a browser sees."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def send_bare(url, body=None, headers=None, method=None):
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.build_opener(Stay).open(request) as response:
            return Answer(response.status, response.headers, response.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read().decode())


@given(parsers.re(rf"a link to {KEY} in {BUCKET} for (?P<number>\d+) (?P<unit>second|minute|hour)s?$"))
def link(buckets, key, bucket, number, unit):
    lifetime = int(number) * {"second": 1, "minute": 60, "hour": 3600}[unit]
    where = {"Bucket": bucket, "Key": key}
    client = buckets.world.virga.client("s3", signature_version="s3v4")
    buckets.link = client.generate_presigned_url("get_object", Params=where, ExpiresIn=lifetime)
    # A link tells the second of its signing. What happens in that same second may have come before it.
    second = int(time.time())
    while int(time.time()) == second:
        pass


@when(parsers.re(r'a program sends (?P<method>[A-Z]+) "(?P<path>[^"]+)"(?: saying "(?P<text>[^"]*)")?(?: with)?$'))
def send_by_hand(buckets, method, path, text, datatable=()):
    """One signed request that no SDK has shaped."""
    body = (text or "").encode()
    proof = base64.b64encode(hashlib.md5(body).digest()).decode()
    headers = {name: proof if value == "of the text" else value for name, value in datatable}
    request = AWSRequest(method, buckets.world.virga.endpoint + path, headers, body)
    SigV4Auth(Credentials("test", "test"), "s3", "us-east-1").add_auth(request)
    buckets.answer = send_bare(request.url, None if text is None else body, dict(request.headers), method)


@when("a browser follows the link")
def follow(buckets):
    buckets.answer = send_bare(buckets.link)


@given(parsers.re(rf"a form for {KEY} in {BUCKET} for (?P<minutes>\d+) minutes?$"))
@given(parsers.re(rf"a form for {KEY} in {BUCKET} for (?P<minutes>\d+) minutes? with$"))
def a_form(buckets, key, bucket, minutes, datatable=()):
    fields, conditions = {}, []
    for name, value in datatable:
        if name == "content-length-range":
            conditions.append([name, *(int(part) for part in value.split("-"))])
        else:
            fields[name] = value
            conditions.append({name: value})
    buckets.form = buckets.client.generate_presigned_post(
        bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=60 * int(minutes)
    )


@when(parsers.re(r'a browser sends the form with the file "(?P<name>[^"]+)" that says "(?P<text>[^"]*)"$'))
@when(parsers.re(r'a browser sends the form with the file "(?P<name>[^"]+)" that says "(?P<text>[^"]*)", and with$'))
def send_form(buckets, name, text, datatable=()):
    fields = {**buckets.form["fields"], **dict(datatable)}
    edge = "----form"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    parts.append(
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{text}\r\n--{edge}--\r\n'
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    buckets.answer = send_bare(buckets.form["url"], "".join(parts).encode(), headers, "POST")


@then(parsers.re(r"the browser is answered (?P<status>\d+)$"))
def browser_status(buckets, status):
    assert buckets.answer.status == int(status), buckets.answer.body


@then(parsers.re(r'the browser is answered (?P<status>\d+), saying "(?P<text>.+)"$'))
def browser_status_and_text(buckets, status, text):
    assert buckets.answer.status == int(status), buckets.answer.body
    assert text in html.unescape(buckets.answer.body), buckets.answer.body


@then(parsers.re(r'the browser is sent to "(?P<start>[^"]+)"$'))
def browser_sent(buckets, start):
    assert buckets.answer.headers["Location"].startswith(start)


@then(parsers.re(rf'{KEY} in {BUCKET} says "(?P<text>[^"]*)"$'))
def object_says(buckets, key, bucket, text):
    assert buckets.client.get_object(Bucket=bucket, Key=key)["Body"].read().decode() == text


# Batch jobs


@given(parsers.re(rf'a manifest of "(?P<one>[^"]+)" and "(?P<other>[^"]+)" in {BUCKET}$'))
def a_manifest(buckets, one, other, bucket):
    lines = "".join(f"{bucket},{key}\n" for key in (one, other))
    answer = buckets.client.put_object(Bucket=bucket, Key="manifest.csv", Body=lines.encode())
    buckets.manifest = (bucket, answer["ETag"].strip('"'))


@when(parsers.re(r'a batch job(?P<waits>, to be confirmed,)? tags what the manifest names with "(?P<tag>[^"]+)"$'))
def a_batch_job(world, buckets, waits, tag):
    bucket, etag = buckets.manifest
    key, value = tag.split("=")
    made = control(world).create_job(
        AccountId="000000000000",
        ClientRequestToken="once",
        ConfirmationRequired=bool(waits),
        Priority=1,
        RoleArn="arn:aws:iam::000000000000:role/batch",
        Operation={"S3PutObjectTagging": {"TagSet": [{"Key": key, "Value": value}]}},
        Manifest={
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
            "Location": {"ObjectArn": f"arn:aws:s3:::{bucket}/manifest.csv", "ETag": etag},
        },
        Report={
            "Enabled": True,
            "Bucket": f"arn:aws:s3:::{bucket}",
            "Prefix": "reports",
            "Format": "Report_CSV_20180820",
            "ReportScope": "AllTasks",
        },
    )
    buckets.job = made["JobId"]


@when("I confirm the job")
def confirm_job(world, buckets):
    control(world).update_job_status(AccountId="000000000000", JobId=buckets.job, RequestedJobStatus="Ready")


@when("all that is due has been done")
def all_done(world):
    settle(world)


@then(parsers.re(r'the job is "(?P<status>[^"]+)", with (?P<done>\d+) objects? done and (?P<failed>\d+) failed$'))
def job_is(world, buckets, status, done, failed):
    job = control(world).describe_job(AccountId="000000000000", JobId=buckets.job)["Job"]
    progress = job["ProgressSummary"]
    assert job["Status"] == status, job.get("FailureReasons")
    assert progress["NumberOfTasksSucceeded"] == int(done) and progress["NumberOfTasksFailed"] == int(failed)


@then(parsers.re(rf'{KEY} in {BUCKET} has the tag "(?P<tag>[^"]+)"$'))
def has_tag(buckets, key, bucket, tag):
    tags = buckets.client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    assert tag in [f"{found['Key']}={found['Value']}" for found in tags]


@then(parsers.re(rf'the job\'s report in {BUCKET} has a file of what "(?P<one>[^"]+)" and one of what "(?P<other>[^"]+)"$'))
def job_report(buckets, bucket, one, other):
    key = f"reports/job-{buckets.job}/manifest.json"
    report = json.loads(buckets.client.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert [result["TaskExecutionStatus"] for result in report["Results"]] == [one, other]
    assert all(result["Key"] in buckets.keys(bucket) for result in report["Results"])


# Asking one object

FORMS = {
    "CSV with a header": {"CSV": {"FileHeaderInfo": "USE"}},
    "JSON documents": {"JSON": {"Type": "DOCUMENT"}},
    "Parquet": {"Parquet": {}},
}


@given(parsers.re(rf'the file "(?P<name>[^"]+)" was put into {BUCKET}$'))
def put_file(buckets, name, bucket):
    body = (Path(__file__).parent / name).read_bytes()
    buckets.client.put_object(Bucket=bucket, Key=name, Body=body)


@given(parsers.re(rf"{KEY} was put into {BUCKET} with the lines$"))
def put_lines(buckets, key, bucket, docstring):
    buckets.put(bucket, key, docstring + "\n")


@when(
    parsers.re(
        r"I ask (the bytes (?P<start>\d+)-(?P<end>\d+) of )?"
        rf"{KEY} in {BUCKET} as (?P<form>[^:]+): (?P<sql>.+)$"
    )
)
def ask_object(world, buckets, start, end, key, bucket, form, sql):
    more = {"ScanRange": {"Start": int(start), "End": int(end)}} if start else {}
    output = {"CSV": {}} if form.startswith("CSV") else {"JSON": {}}
    answer = world.attempt(
        buckets.client.select_object_content,
        Bucket=bucket,
        Key=key,
        ExpressionType="SQL",
        Expression=sql,
        InputSerialization=FORMS[form],
        OutputSerialization=output,
        **more,
    )
    buckets.asked = list(answer["Payload"]) if answer else []


@then(parsers.re(r'the records are "(?P<records>[^"]*)"$'))
def the_records_are(world, buckets, records):
    world.must_not_have_failed()
    found = b"".join(event["Records"]["Payload"] for event in buckets.asked if "Records" in event)
    assert found.decode() == records.replace("\\n", "\n").replace("'", '"')


@then("the answer ends")
def the_answer_ends(buckets):
    returned = sum(len(event["Records"]["Payload"]) for event in buckets.asked if "Records" in event)
    stats, end = buckets.asked[-2:]
    assert stats["Stats"]["Details"]["BytesReturned"] == returned
    assert end == {"End": {}}
