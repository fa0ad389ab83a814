"""Steps that record on one Virga and replay on another."""

import json
import re
import subprocess

import pytest
from botocore.exceptions import ClientError
from pytest_bdd import given, parsers, then, when
from virga import Virga, binary, clean_environment


class History:
    """A Virga that is recorded, another that is replayed on, and what the command line said."""

    def __init__(self):
        self.first = self.second = self.file = self.said = self.told = None
        self.secrets = []

    def virga(self, server, *arguments):
        environment = {**clean_environment(), "VIRGA_ENDPOINT": server.endpoint}
        self.said = subprocess.run(
            [binary(), *arguments], env=environment, cwd=server.folder.name, capture_output=True, text=True, timeout=60
        )
        return self.said

    def replay(self):
        self.virga(self.second, "replay", self.file, "--output", "json")
        self.told = json.loads(self.said.stdout) if self.said.stdout else None

    def sqs(self):
        return self.first.client("sqs")

    def url(self):
        return self.sqs().get_queue_url(QueueName="mail")["QueueUrl"]


@pytest.fixture
def history():
    history = History()
    yield history
    for server in (history.first, history.second):
        if server is not None:
            server.stop()


@given(parsers.re(r"a Virga of my own( with seed (?P<seed>\d+))?$"))
def own(history, seed):
    history.first = Virga(*(["--seed", seed] if seed else []))
    history.first.freeze("2026-01-01T00:00:00Z")


@given(parsers.re(r'I create the queue "(?P<name>[^"]+)"(, whose messages stay hidden for (?P<seconds>\d+) seconds)?$'))
def create(history, name, seconds):
    attributes = {"VisibilityTimeout": seconds} if seconds else {}
    history.sqs().create_queue(QueueName=name, Attributes=attributes)


@given(parsers.parse('I ask for the queue "{name}", which is not there'))
def ask(history, name):
    with pytest.raises(ClientError):
        history.sqs().get_queue_url(QueueName=name)


@given(parsers.parse("I send, receive and delete {number:d} messages"))
def exchange(history, number):
    sqs, url = history.sqs(), history.url()
    for n in range(number):
        sqs.send_message(QueueUrl=url, MessageBody=f"message {n}")
    left = number
    while left:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            left -= 1


@given(parsers.parse('I call as the role "{name}"'))
def call_as(history, name):
    sts = history.first.client("sts")
    role = f"arn:aws:iam::000000000000:role/{name}"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    history.secrets = [keys["SecretAccessKey"], keys["SessionToken"]]
    session = history.first.client(
        "sts", key=keys["AccessKeyId"], secret=keys["SecretAccessKey"], token=keys["SessionToken"]
    )
    assert session.get_caller_identity()["Arn"].endswith(f"assumed-role/{name}/me")


@given(parsers.parse("I send a message that is delayed by {seconds:d} seconds"))
def send_delayed(history, seconds):
    history.sqs().send_message(QueueUrl=history.url(), MessageBody="later", DelaySeconds=seconds)


@given(parsers.re(r"I let (?P<seconds>\d+) seconds? pass and receive (?P<what>nothing|it)$"))
def pass_and_receive(history, seconds, what):
    history.first.advance(int(seconds))
    received = history.sqs().receive_message(QueueUrl=history.url()).get("Messages", [])
    assert len(received) == (what == "it")


@when("I show the calls that failed, with what they sent")
def show(history):
    assert history.virga(history.first, "calls", "--status", "error", "--body").returncode == 0


@then(parsers.parse('I see "{text}"'))
def see(history, text):
    assert text in history.said.stdout


@then(parsers.parse('I do not see "{text}"'))
def do_not_see(history, text):
    assert text not in history.said.stdout


@when("I save the calls")
def save(history):
    history.file = f"{history.first.folder.name}/calls.jsonl"
    assert history.virga(history.first, "calls", "--save", history.file).returncode == 0, history.said.stderr


@when("I lose the end of the file")
def cut(history):
    with open(history.file, "r+") as file:
        text = file.read()
        file.truncate(len(text.encode()) - 30)


@when(parsers.re(r"I replay them against another Virga (with seed (?P<seed>\d+)|without a seed)$"))
def replay(history, seed):
    history.second = Virga(*(["--seed", seed] if seed else []))
    history.replay()


@when(parsers.parse('I replay them against another Virga, which has a queue "{name}" with other attributes'))
def replay_on_other(history, name):
    history.second = Virga()
    history.second.client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})
    history.virga(history.second, "replay", history.file)


@then("every call ended as recorded")
def all_same(history):
    assert history.said.returncode == 0, history.said.stdout + history.said.stderr
    assert history.told["sent"] == history.told["same"] > 0
    assert (history.told["different"], history.told["left_out"]) == ([], [])


@then("every answer was the same")
def all_answers_same(history):
    assert history.told["same_answers"] == history.told["sent"], history.said.stdout


@then(parsers.parse("{number:d} calls carried the new receipt handles"))
def changed(history, number):
    assert history.told["changed"] == number


@then(parsers.parse('the queue "{name}" of the other Virga is empty'))
def is_empty(history, name):
    sqs = history.second.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert set(counts.values()) == {"0"}


@then("no secret is in the file")
def no_secret(history):
    text = open(history.file).read()
    assert history.secrets and not any(secret in text for secret in history.secrets)


@then(parsers.parse('the replay tells that "{call}" was 200 and is "{outcome}"'))
def tells_difference(history, call, outcome):
    assert re.search(rf"^#\d+ {re.escape(call)}: was 200, is {outcome}", history.said.stdout, re.M), history.said.stdout


@then("the replay tells that the file is damaged")
def tells_damage(history):
    assert "is damaged" in history.said.stderr
    assert len(history.said.stderr.splitlines()) == 1


@then(parsers.parse("its exit code is {code:d}"))
def exit_code(history, code):
    assert history.said.returncode == code


@then("the other Virga was not called")
def not_called(history):
    assert history.second.ask("/_virga/health")["calls"] == 0
