"""Steps that move the clock, and queues whose work falls due by it."""

import json
import urllib.error

import pytest
from pytest_bdd import given, parsers, then, when


class Clock:
    def __init__(self, virga):
        self.virga = virga
        self.answer = None

    def ask(self, **body):
        try:
            self.answer = self.virga.ask("/_virga/time", body)
        except urllib.error.HTTPError as error:
            self.answer = {"status": error.code, **json.loads(error.read())}
        return self.answer


@pytest.fixture
def clock(world):
    return Clock(world.virga)


def url(world, queue):
    return world.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]


@given(parsers.re(r'a queue "(?P<queue>[^"]+)"$'))
def a_queue(world, queue):
    world.client("sqs").create_queue(QueueName=queue)


@given(parsers.re(r'"(?P<body>[^"]*)" was sent to the queue "(?P<queue>[^"]+)"(?: with a delay of (?P<delay>\d+) seconds)?$'))
def sent(world, body, queue, delay):
    world.client("sqs").send_message(QueueUrl=url(world, queue), MessageBody=body, DelaySeconds=int(delay or 0))


@then(parsers.re(r'the queue "(?P<queue>[^"]+)" gives (?P<bodies>nothing|".*")$'))
def gives(world, queue, bodies):
    answer = world.client("sqs").receive_message(QueueUrl=url(world, queue), MaxNumberOfMessages=10)
    wanted = [] if bodies == "nothing" else sorted(bodies.strip('"').split('", "'))
    assert sorted(message["Body"] for message in answer.get("Messages", [])) == wanted


@given(parsers.re(r'(?P<count>\d+) messages that the queue "(?P<dead>[^"]+)" keeps for the queue "(?P<queue>[^"]+)"$'))
def dead_letters(world, count, dead, queue):
    sqs = world.client("sqs")
    for name in (dead, queue):
        sqs.create_queue(QueueName=name)
    arn = sqs.get_queue_attributes(QueueUrl=url(world, dead), AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=url(world, queue), Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "0"})
    for number in range(int(count)):
        sqs.send_message(QueueUrl=url(world, queue), MessageBody=str(number))
    for _ in range(2 * int(count) + 2):
        sqs.receive_message(QueueUrl=url(world, queue), MaxNumberOfMessages=10)
    world.dead_arn = arn


@when(parsers.re(r"I start moving them back$"))
def move_back(world):
    world.client("sqs").start_message_move_task(SourceArn=world.dead_arn)


@then(parsers.re(r'the queue "(?P<queue>[^"]+)" holds (?P<count>\d+) messages$'))
def holds(world, queue, count):
    attributes = world.client("sqs").get_queue_attributes(QueueUrl=url(world, queue), AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == count


@when(parsers.re(r'I freeze the clock(?: at "(?P<at>[^"]+)")?$'))
def freeze(clock, at):
    clock.ask(action="freeze", **({"at": at} if at else {}))


@when(parsers.re(r'I set the clock to "(?P<at>[^"]+)"$'))
def set_to(clock, at):
    clock.ask(action="set", at=at)


@when(parsers.re(r"I advance the clock by (?P<by>\w+)(?:, in (?P<steps>\d+) steps? at most)?$"))
def advance(clock, by, steps):
    clock.ask(action="advance", by=by, **({"steps_max": int(steps)} if steps else {}))


@when(parsers.re(r"I let the clock run at the rate (?P<rate>\d+)$"))
def run(clock, rate):
    clock.ask(action="run", rate=int(rate))


@when("I settle")
def settle(clock):
    clock.ask(action="settle")


@when(parsers.re(r"I reset the clock$"))
def reset(clock):
    clock.ask(action="reset")


@then(parsers.re(r'it is "(?P<at>[^"]+)" and the clock is (?P<mode>frozen|running)$'))
def it_is(world, at, mode):
    time = world.virga.ask("/_virga/time")
    assert (time["now"], time["mode"]) == (at, mode)


@then(parsers.re(r"the clock runs at the rate (?P<rate>\d+)$"))
def runs_at(world, rate):
    time = world.virga.ask("/_virga/time")
    assert (time["mode"], time["rate"]) == ("running", int(rate))


@then(parsers.re(r"work was done$"))
def work_was_done(clock):
    assert clock.answer["steps"] > 0


@then(parsers.re(r'it is refused with "(?P<code>[^"]+)"$'))
def refused(clock, code):
    assert clock.answer["error"]["code"] == code


@when(parsers.re(r'I wait for a message from the queue "(?P<queue>[^"]+)"$'))
def wait(world, queue):
    world.attempt_in_background(world.client("sqs").receive_message, QueueUrl=url(world, queue), WaitTimeSeconds=20)


@then(parsers.re(r'the waiting call gets "(?P<body>[^"]+)"$'))
def waiting_gets(world, body):
    assert [message["Body"] for message in world.finish()["Messages"]] == [body]
