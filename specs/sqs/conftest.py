"""Steps that speak of queues and messages."""

import hashlib
import json
import time

import pytest
from pytest_bdd import given, parsers, then, when

QUEUE = r'the queue "(?P<queue>[^"]+)"'


class Queues:
    """What a scenario knows of its queues and of the messages that it received."""

    def __init__(self, world):
        self.world = world
        self.client = world.client("sqs")
        self.urls = {}
        self.received = []
        # Each message's latest receipt, by body.
        self.receipts = {}
        self.handles = {}

    def create(self, name, attributes=None, tags=None, client=None):
        return (client or self.client).create_queue(
            QueueName=name, Attributes=attributes or {}, **({"tags": tags} if tags else {})
        )["QueueUrl"]

    def url(self, name):
        if name not in self.urls:
            self.urls[name] = self.client.get_queue_url(QueueName=name)["QueueUrl"]
        return self.urls[name]

    def arn(self, name):
        return self.attributes(name)["QueueArn"]

    def attributes(self, name):
        return self.client.get_queue_attributes(QueueUrl=self.url(name), AttributeNames=["All"])["Attributes"]

    def receive(self, name, **more):
        more = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"], **more}
        answer = self.world.attempt(self.client.receive_message, QueueUrl=self.url(name), **more)
        self.note(answer)

    def note(self, answer):
        self.received = (answer or {}).get("Messages", [])
        for message in self.received:
            self.receipts[message["Body"]] = message["ReceiptHandle"]

    def one(self):
        assert len(self.received) == 1, f"received {self.received}"
        return self.received[0]


@pytest.fixture
def queues(world):
    return Queues(world)


def table(datatable) -> dict:
    return {row[0]: row[1] for row in datatable}


# Queues


@given(parsers.re(r'a queue "(?P<name>[^"]+)"$'))
@given(parsers.re(r'a FIFO queue "(?P<name>[^"]+)"$'))
def a_queue(queues, name):
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    queues.urls[name] = queues.create(name, attributes)


@given(parsers.re(r'a (FIFO )?queue "(?P<name>[^"]+)" with$'))
def a_queue_with(queues, name, datatable):
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    queues.urls[name] = queues.create(name, {**attributes, **table(datatable)})


@given(parsers.re(r'the queue "(?P<name>[^"]+)" gives up on messages to "(?P<target>[^"]+)" after (?P<count>\d+) receives?'))
def redrive(queues, name, target, count):
    policy = {"deadLetterTargetArn": queues.arn(target), "maxReceiveCount": int(count)}
    queues.client.set_queue_attributes(QueueUrl=queues.url(name), Attributes={"RedrivePolicy": json.dumps(policy)})


@when(parsers.re(r'I create the queue "(?P<name>[^"]+)"$'))
def create(world, queues, name):
    world.attempt(queues.client.create_queue, QueueName=name)


@when(parsers.re(r'I create the queue "(?P<name>[^"]+)" with$'))
def create_with(world, queues, name, datatable):
    world.attempt(queues.client.create_queue, QueueName=name, Attributes=table(datatable))


@when(parsers.re(rf"I (?P<what>delete|purge) {QUEUE}$"))
def delete_or_purge(world, queues, what, queue):
    world.attempt(getattr(queues.client, f"{what}_queue"), QueueUrl=queues.url(queue))


@when(parsers.re(rf"I set on {QUEUE}$"))
def set_attributes(world, queues, queue, datatable):
    world.attempt(queues.client.set_queue_attributes, QueueUrl=queues.url(queue), Attributes=table(datatable))


@then(parsers.re(rf"{QUEUE} has$"))
def has_attributes(queues, queue, datatable):
    attributes = queues.attributes(queue)
    wanted = table(datatable)
    assert {name: attributes.get(name) for name in wanted} == wanted


@then(parsers.re(rf"{QUEUE} holds (?P<visible>\d+) visible, (?P<hidden>\d+) in flight and (?P<delayed>\d+) delayed"))
def holds(queues, queue, visible, hidden, delayed):
    attributes = queues.attributes(queue)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    assert [attributes[name] for name in names] == [visible, hidden, delayed]


@when(parsers.re(r'I list the queues(?: whose name begins with "(?P<prefix>[^"]+)")?$'))
def list_queues(world, queues, prefix):
    world.attempt(queues.client.list_queues, **({"QueueNamePrefix": prefix} if prefix else {}))


@when(parsers.re(r"I list the queues (?P<size>\d+) at a time"))
def list_pages(world, queues, size):
    pages = queues.client.get_paginator("list_queues").paginate(PaginationConfig={"PageSize": int(size)})
    pages = [page.get("QueueUrls", []) for page in pages]
    assert all(len(page) <= int(size) for page in pages) and len(pages) > 1, pages
    world.answer = {"QueueUrls": [url for page in pages for url in page]}


@then(parsers.re(r"I see the queues? (?P<names>.+)"))
def see_queues(world, names):
    seen = [url.rsplit("/", 1)[1] for url in world.answer.get("QueueUrls", world.answer.get("queueUrls", []))]
    assert seen == [] if names == "(none)" else sorted(seen) == sorted(json.loads(f"[{names}]"))


@then(parsers.re(r'its URL ends with "(?P<end>[^"]+)"'))
def url_ends(world, end):
    scheme, _, host, path = world.answer["QueueUrl"].split("/", 3)
    assert (scheme, host.rsplit(":", 1)[1], "/" + path) == ("http:", str(world.virga.port), end)


# Sending


def send(queues, queue, body, **more):
    return queues.world.attempt(queues.client.send_message, QueueUrl=queues.url(queue), MessageBody=body, **more)


@given(parsers.re(rf"(?P<bodies>\"[^ ].*\") (was|were) sent to {QUEUE}"))
@when(parsers.re(rf"I send (?P<bodies>\"[^\"]*\"(?:, \"[^\"]*\")*) to {QUEUE}$"))
def send_all(queues, bodies, queue):
    for body in json.loads(f"[{bodies}]"):
        send(queues, queue, body)


@when(parsers.re(rf'I send "(?P<body>[^"]*)" to {QUEUE} with a delay of (?P<delay>\d+) seconds?'))
def send_delayed(queues, body, queue, delay):
    send(queues, queue, body, DelaySeconds=int(delay))


@when(parsers.re(rf'I send "(?P<body>[^"]*)" to {QUEUE} in group "(?P<group>[^"]*)"$'))
@given(parsers.re(rf'"(?P<body>[^"]*)" was sent to {QUEUE} in group "(?P<group>[^"]*)"$'))
def send_in_group(queues, body, queue, group):
    queues.sent = getattr(queues, "sent", 0) + 1
    send(queues, queue, body, MessageGroupId=group, MessageDeduplicationId=f"unique-{queues.sent}")


@when(parsers.re(rf'I send "(?P<body>[^"]*)" to {QUEUE} in group "(?P<group>[^"]*)" as "(?P<identity>[^"]*)"$'))
def send_as(queues, body, queue, group, identity):
    send(queues, queue, body, MessageGroupId=group, MessageDeduplicationId=identity)


@when(parsers.re(rf'I send "(?P<body>[^"]*)" to {QUEUE} in group "(?P<group>[^"]*)", delayed by (?P<delay>\d+) seconds$'))
def send_delayed_in_group(queues, body, queue, group, delay):
    send(queues, queue, body, MessageGroupId=group, MessageDeduplicationId=body, DelaySeconds=int(delay))


@when(parsers.re(rf'I send "(?P<body>[^"]*)" to {QUEUE} in group "(?P<group>[^"]*)" without an id$'))
def send_without_id(queues, body, queue, group):
    send(queues, queue, body, MessageGroupId=group)


@when(parsers.re(rf'I send "(?P<body>[^"]*)" to {QUEUE} with the attributes$'))
def send_with_attributes(queues, body, queue, datatable):
    attributes = {}
    for name, kind, value in datatable[1:]:
        field = "BinaryValue" if kind.startswith("Binary") else "StringValue"
        attributes[name] = {"DataType": kind, field: value.encode() if field == "BinaryValue" else value}
    send(queues, queue, body, MessageAttributes=attributes)


@when(parsers.re(rf"I send (?P<size>\d+) bytes to {QUEUE}"))
def send_bytes(queues, size, queue):
    send(queues, queue, "x" * int(size))


@when(parsers.re(rf"I send to {QUEUE} in one batch$"))
def send_batch(world, queues, queue, datatable):
    header, *rows = datatable
    entries = []
    for row in rows:
        entry = dict(zip(header, row))
        if "DelaySeconds" in entry:
            entry["DelaySeconds"] = int(entry["DelaySeconds"])
        entries.append(entry)
    world.attempt(queues.client.send_message_batch, QueueUrl=queues.url(queue), Entries=entries)


@when(parsers.re(rf"I send (?P<count>\d+) messages to {QUEUE} in one batch$"))
def send_many(world, queues, count, queue):
    entries = [{"Id": str(i), "MessageBody": f"message {i}"} for i in range(int(count))]
    world.attempt(queues.client.send_message_batch, QueueUrl=queues.url(queue), Entries=entries)


@then(parsers.re(r"the entries (?P<ids>.+) succeed"))
def entries_succeed(world, ids):
    assert [entry["Id"] for entry in world.answer.get("Successful", [])] == json.loads(f"[{ids}]")


@then(parsers.re(r'the entry "(?P<entry>[^"]+)" fails with "(?P<code>[^"]+)"'))
def entry_fails(world, entry, code):
    failed = {failure["Id"]: failure for failure in world.answer.get("Failed", [])}
    assert failed[entry]["Code"] == code
    assert failed[entry]["SenderFault"] is True


@then(parsers.re(r'the answer carries the MD5 of "(?P<body>[^"]*)"'))
def md5_of_body(world, body):
    assert world.answer["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()


@then(parsers.re(r'the answer carries the MD5 "(?P<md5>[^"]*)" of the attributes'))
def md5_of_attributes(world, md5):
    assert world.answer["MD5OfMessageAttributes"] == md5


@then("each sequence number is greater than the one before")
def sequence_numbers(queues):
    numbers = [int(message["Attributes"]["SequenceNumber"]) for message in queues.received]
    assert len(numbers) > 1 and numbers == sorted(set(numbers)), numbers


# Receiving


@when(parsers.re(rf"I receive from {QUEUE}$"))
@given(parsers.re(rf"I received from {QUEUE}$"))
def receive(queues, queue):
    queues.receive(queue)


@when(parsers.re(rf"I receive from {QUEUE} (?P<count>\d+) at most"))
def receive_at_most(queues, queue, count):
    queues.receive(queue, MaxNumberOfMessages=int(count))


@when(parsers.re(rf"I receive from {QUEUE}, hiding what I get for (?P<hidden>\d+) seconds?"))
def receive_hiding(queues, queue, hidden):
    queues.receive(queue, VisibilityTimeout=int(hidden))


@when(parsers.re(rf"I receive from {QUEUE}, asking only for the attribute \"(?P<name>[^\"]+)\""))
def receive_attribute(queues, queue, name):
    queues.receive(queue, MessageAttributeNames=[name])


@when(parsers.re(rf"I receive from {QUEUE}, waiting up to (?P<wait>-?\d+) seconds$"))
def receive_waiting(queues, queue, wait):
    queues.receive(queue, WaitTimeSeconds=int(wait))


@when(parsers.re(rf"I wait for a message from {QUEUE}(?: for up to (?P<wait>\d+) seconds)?$"))
def wait_for_message(world, queues, queue, wait):
    more = {"WaitTimeSeconds": int(wait)} if wait else {}
    # A client of its own: the scenario's other calls must not queue up behind this one.
    client = world.virga.client("sqs")
    world.attempt_in_background(client.receive_message, QueueUrl=queues.url(queue), **more)
    before = time.monotonic()
    while world.waiting[0].is_alive() and time.monotonic() - before < 0.3:
        time.sleep(0.01)


@then("the call still waits")
def still_waits(world):
    assert world.waiting[0].is_alive(), "the call came back at once"


@then(parsers.re(r"the waiting call gets (?P<bodies>.+)"))
def waiting_gets(world, queues, bodies):
    queues.note(world.finish())
    get_bodies(queues, bodies)


@then(parsers.re(r"I get (?P<bodies>nothing|\".*\")$"))
def get_bodies(queues, bodies):
    queues.world.must_not_have_failed()
    got = [message["Body"] for message in queues.received]
    assert got == [] if bodies == "nothing" else got == json.loads(f"[{bodies}]")


@then(parsers.re(r"I get, in any order, (?P<bodies>\".*\")$"))
def get_any_order(queues, bodies):
    assert sorted(message["Body"] for message in queues.received) == sorted(json.loads(f"[{bodies}]"))


@then(parsers.re(r"I get (?P<count>\d+) messages"))
def get_count(queues, count):
    assert len(queues.received) == int(count)


@then("the message carries the attributes")
def message_attributes(queues, datatable):
    wanted = {}
    for name, kind, value in datatable[1:]:
        field = "BinaryValue" if kind.startswith("Binary") else "StringValue"
        wanted[name] = {"DataType": kind, field: value.encode() if field == "BinaryValue" else value}
    assert queues.one().get("MessageAttributes") == wanted


@then("the message tells")
def message_tells(queues, datatable):
    attributes = queues.one()["Attributes"]
    wanted = table(datatable)
    assert {name: attributes.get(name) for name in wanted} == wanted


@when(parsers.re(rf'I delete "(?P<body>[^"]*)" from {QUEUE}'))
def delete_message(world, queues, body, queue):
    world.attempt(queues.client.delete_message, QueueUrl=queues.url(queue), ReceiptHandle=queues.receipts[body])


@when(parsers.re(rf'I delete from {QUEUE} in one batch "(?P<body>[^"]*)" and a receipt that is none'))
def delete_batch(world, queues, queue, body):
    entries = [{"Id": "good", "ReceiptHandle": queues.receipts[body]}, {"Id": "bad", "ReceiptHandle": "nonsense"}]
    world.attempt(queues.client.delete_message_batch, QueueUrl=queues.url(queue), Entries=entries)


@when(parsers.re(rf'I hide "(?P<body>[^"]*)" of {QUEUE} for (?P<hidden>\d+) seconds?'))
def change_visibility(world, queues, body, queue, hidden):
    world.attempt(
        queues.client.change_message_visibility,
        QueueUrl=queues.url(queue),
        ReceiptHandle=queues.receipts[body],
        VisibilityTimeout=int(hidden),
    )


@when(parsers.re(rf'I delete with the receipt "(?P<receipt>[^"]*)" from {QUEUE}'))
def delete_by_receipt(world, queues, receipt, queue):
    world.attempt(queues.client.delete_message, QueueUrl=queues.url(queue), ReceiptHandle=receipt)


# Dead letters


@when(parsers.re(rf"I list the queues that give up to {QUEUE}"))
def list_sources(world, queues, queue):
    world.attempt(queues.client.list_dead_letter_source_queues, QueueUrl=queues.url(queue))


@when(parsers.re(rf"I start moving the messages of {QUEUE} back$"))
@when(parsers.re(rf'I start moving the messages of {QUEUE} to the queue "(?P<to>[^"]+)"(?: at (?P<rate>\d+) per second)?$'))
def start_move(world, queues, queue, to=None, rate=None):
    more = {"DestinationArn": queues.arn(to)} if to else {}
    if rate:
        more["MaxNumberOfMessagesPerSecond"] = int(rate)
    answer = world.attempt(queues.client.start_message_move_task, SourceArn=queues.arn(queue), **more)
    if answer:
        queues.handles[queue] = answer["TaskHandle"]


@when(parsers.re(rf"I cancel moving the messages of {QUEUE}"))
def cancel_move(world, queues, queue):
    world.attempt(queues.client.cancel_message_move_task, TaskHandle=queues.handles[queue])


@then(parsers.re(rf'the last move of {QUEUE} is "(?P<status>[^"]+)" with (?P<moved>\d+) moved'))
def move_status(queues, queue, status, moved):
    task = queues.client.list_message_move_tasks(SourceArn=queues.arn(queue))["Results"][0]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == (status, int(moved))


# Permissions, tags, places


@when(parsers.re(rf'I allow the account "(?P<account>\d+)" to "(?P<action>\w+)" on {QUEUE} as "(?P<label>[^"]+)"'))
def add_permission(world, queues, account, action, queue, label):
    world.attempt(
        queues.client.add_permission, QueueUrl=queues.url(queue), Label=label, AWSAccountIds=[account], Actions=[action]
    )


@when(parsers.re(rf'I take back the permission "(?P<label>[^"]+)" on {QUEUE}'))
def remove_permission(world, queues, label, queue):
    world.attempt(queues.client.remove_permission, QueueUrl=queues.url(queue), Label=label)


@then(parsers.re(rf"the policy of {QUEUE} is$"))
def policy_is(queues, queue, docstring):
    assert json.loads(queues.attributes(queue)["Policy"]) == json.loads(docstring)


@then(parsers.re(rf"{QUEUE} has no policy"))
def no_policy(queues, queue):
    assert "Policy" not in queues.attributes(queue)


@when(parsers.re(rf"I tag {QUEUE} with$"))
def tag(world, queues, queue, datatable):
    world.attempt(queues.client.tag_queue, QueueUrl=queues.url(queue), Tags=table(datatable))


@when(parsers.re(rf'I take the tag "(?P<key>[^"]+)" off {QUEUE}'))
def untag(world, queues, key, queue):
    world.attempt(queues.client.untag_queue, QueueUrl=queues.url(queue), TagKeys=[key])


@then(parsers.re(rf"{QUEUE} is tagged$"))
def is_tagged(queues, queue, datatable):
    assert queues.client.list_queue_tags(QueueUrl=queues.url(queue))["Tags"] == table(datatable)


@when(parsers.re(rf'I send "(?P<body>[^"]*)" to {QUEUE} by a URL of the host "(?P<host>[^"]+)"'))
def send_by_other_host(world, queues, body, queue, host):
    path = queues.url(queue).split("/", 3)[3]
    world.attempt(queues.client.send_message, QueueUrl=f"https://{host}/{path}", MessageBody=body)


@given(parsers.re(r'a queue "(?P<name>[^"]+)" in the account "(?P<account>\d+)"'))
def queue_in_account(world, queues, name, account):
    queues.create(name, client=world.client("sqs", account=account))


@given(parsers.re(r'a queue "(?P<name>[^"]+)" in the region "(?P<region>[^"]+)"'))
def queue_in_region(world, queues, name, region):
    queues.create(name, client=world.client("sqs", region=region))


@when(parsers.re(r'the account "(?P<account>\d+)" lists its queues'))
def account_lists(world, account):
    world.attempt(world.client("sqs", account=account).list_queues)


@when(parsers.re(r'I list the queues of the region "(?P<region>[^"]+)"'))
def region_lists(world, region):
    world.attempt(world.client("sqs", region=region).list_queues)


@when(parsers.re(r'I call "(?P<operation>\w+)" of "(?P<service>[\w-]+)"'))
def call_operation(world, operation, service):
    world.attempt(getattr(world.client(service), operation))


@then(parsers.re(rf"{QUEUE} holds more than (?P<count>\d+) messages"))
def holds_more(queues, queue, count):
    assert int(queues.attributes(queue)["ApproximateNumberOfMessages"]) > int(count)
