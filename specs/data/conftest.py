"""Steps that start, stop and kill a Virga of their own."""

import json
import subprocess

import pytest
from pytest_bdd import given, parsers, then, when
from virga import Virga, binary, clean_environment


class Keeper:
    """A Virga that comes and goes, and what the scenario knows of its queues."""

    def __init__(self):
        self.virga = None
        self.other = None

    def sqs(self):
        return self.virga.client("sqs")

    def url(self, queue):
        return self.sqs().get_queue_url(QueueName=queue)["QueueUrl"]

    def arn(self, queue):
        answer = self.sqs().get_queue_attributes(QueueUrl=self.url(queue), AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    def receive(self, queue):
        answer = self.sqs().receive_message(QueueUrl=self.url(queue), MaxNumberOfMessages=10)
        return answer.get("Messages", [])


@pytest.fixture
def keeper():
    keeper = Keeper()
    yield keeper
    if keeper.virga:
        keeper.virga.stop()


@given("a Virga with a data folder")
def with_folder(keeper):
    keeper.virga = Virga(data=True)


@given("a Virga without a data folder")
def without_folder(keeper):
    keeper.virga = Virga()


@given(parsers.re(r'a queue "(?P<queue>[^"]+)"$'))
def a_queue(keeper, queue):
    keeper.sqs().create_queue(QueueName=queue)


@given(parsers.re(r'a queue "(?P<queue>[^"]+)" that gives up to "(?P<dead>[^"]+)"$'))
def a_queue_that_gives_up(keeper, queue, dead):
    keeper.sqs().create_queue(QueueName=dead)
    redrive = json.dumps({"deadLetterTargetArn": keeper.arn(dead), "maxReceiveCount": 3})
    keeper.sqs().create_queue(QueueName=queue, Attributes={"RedrivePolicy": redrive})


@when(parsers.re(r'"(?P<body>[^"]+)" is sent to "(?P<queue>[^"]+)"(?: with a delay of (?P<delay>\d+) seconds)?$'))
def send(keeper, body, queue, delay):
    keeper.sqs().send_message(QueueUrl=keeper.url(queue), MessageBody=body, DelaySeconds=int(delay or 0))


@when(parsers.re(r'(?P<count>\d+) messages are sent to "(?P<queue>[^"]+)"$'))
def send_many(keeper, count, queue):
    for number in range(int(count)):
        send(keeper, f"message {number}", queue, None)


@when(parsers.re(r'it is received from "(?P<queue>[^"]+)" and deleted$'))
def receive_and_delete(keeper, queue):
    (message,) = keeper.receive(queue)
    keeper.sqs().delete_message(QueueUrl=keeper.url(queue), ReceiptHandle=message["ReceiptHandle"])


@when(parsers.re(r'they are moved back to "(?P<queue>[^"]+)" at (?P<rate>\d+) per second$'))
def move_back(keeper, queue, rate):
    keeper.sqs().start_message_move_task(
        SourceArn=keeper.arn("dead"), DestinationArn=keeper.arn(queue), MaxNumberOfMessagesPerSecond=int(rate)
    )


@when("Virga is stopped")
def stopped(keeper):
    stop = [binary(), "stop", "--endpoint", keeper.virga.endpoint]
    subprocess.run(stop, env=clean_environment(), check=True, capture_output=True, timeout=30)
    keeper.virga.process.wait(15)


@when("Virga is killed")
def killed(keeper):
    keeper.virga.process.kill()
    keeper.virga.process.wait(15)


@when("Virga is started again on the same folder")
def started_again(keeper):
    keeper.virga.start()


@when("a minute passes")
def a_minute_passes(keeper):
    keeper.virga.advance(60)


@then(parsers.re(r'"(?P<queue>[^"]+)" gives (?P<body>nothing|"[^"]+")$'))
def gives(keeper, queue, body):
    got = [message["Body"] for message in keeper.receive(queue)]
    assert got == ([] if body == "nothing" else [body.strip('"')])


@then(parsers.re(r'"(?P<queue>[^"]+)" holds (?P<count>\d+) messages and "(?P<other>[^"]+)" none$'))
def holds(keeper, queue, count, other):
    name = "ApproximateNumberOfMessages"
    found = [
        keeper.sqs().get_queue_attributes(QueueUrl=keeper.url(each), AttributeNames=[name])["Attributes"][name]
        for each in (queue, other)
    ]
    assert found == [count, "0"]


@when("another Virga is started on the same folder")
def another(keeper):
    command = [binary(), "start", "--port", "0", "--data", keeper.virga.folder.name]
    keeper.other = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=30)


@then(parsers.re(r'it ends with exit code (?P<code>\d+), saying "(?P<text>[^"]+)"'))
def ends(keeper, code, text):
    assert keeper.other.returncode == int(code)
    assert text in keeper.other.stderr


@then("its status says that state is in memory")
def status_says(keeper):
    assert keeper.virga.ask("/_virga/health")["store"] == "memory"
