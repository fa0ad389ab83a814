"""Steps that speak of what S3 tells: notifications and access logs."""

import json
import re

from buckets import BUCKET, KEY, settle
from pytest_bdd import given, parsers, then, when


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
