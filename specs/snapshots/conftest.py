"""Steps of a tester with clouds of their own and files: the commands as a shell would run them, and boto3."""

import json
import subprocess
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, then, when
from virga import Virga, binary, clean_environment

FILE = r'"(?P<file>[^"]+\.snap)"'
QUEUE = r'"(?P<queue>[a-z]+)"'
THERE = r"(?P<there> there)?"
REPLACING = r"(?P<replacing>, replacing what is there)?"


class Cloud:
    """One Virga, and calls in its accounts and worlds."""

    def __init__(self, **more):
        self.virga = Virga(**more)

    def sqs(self, account="test", world=None):
        sqs = self.virga.client("sqs", key=account)
        if world:

            def choose(request, **_):
                request.headers["x-virga-world"] = world

            sqs.meta.events.register("before-send.sqs", choose)
        return sqs

    def url(self, queue, **where):
        return self.sqs(**where).get_queue_url(QueueName=queue)["QueueUrl"]

    def create(self, queue, **where):
        self.sqs(**where).create_queue(QueueName=queue)

    def send(self, queue, body, delay=0, **where):
        self.sqs(**where).send_message(QueueUrl=self.url(queue, **where), MessageBody=body, DelaySeconds=delay)

    def receive(self, queue, timeout=0, **where):
        answer = self.sqs(**where).receive_message(
            QueueUrl=self.url(queue, **where), MaxNumberOfMessages=10, VisibilityTimeout=timeout
        )
        return answer.get("Messages", [])


class Tester:
    def __init__(self, folder):
        self.folder = folder
        self.clouds = []
        self.result = None

    @property
    def here(self) -> Cloud:
        return self.clouds[0]

    @property
    def there(self) -> Cloud:
        assert len(self.clouds) == 2, "there is no other cloud"
        return self.clouds[1]

    def at(self, there) -> Cloud:
        return self.there if there else self.here

    def virga(self, *arguments, cloud=None):
        """Runs a command in the tester's folder."""
        more = ["--endpoint", cloud.virga.endpoint] if cloud else []
        self.result = subprocess.run(
            [binary(), *arguments, *more], cwd=self.folder, env=clean_environment(), capture_output=True, text=True, timeout=60
        )
        return self.result

    def ok(self, *arguments, **more):
        result = self.virga(*arguments, **more)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def file(self, name) -> Path:
        return Path(self.folder) / name


@pytest.fixture
def tester(tmp_path):
    tester = Tester(tmp_path)
    yield tester
    for cloud in tester.clouds:
        cloud.virga.stop()


def bodies_of(text):
    return [] if text == "nothing" else text.strip('"').split('", "')


@given(parsers.re(rf'a cloud with the queue {QUEUE} that holds (?P<bodies>".+")$'))
def a_cloud(tester, queue, bodies):
    tester.clouds.append(Cloud())
    tester.here.create(queue)
    for body in bodies_of(bodies):
        tester.here.send(queue, body)


@given("another cloud")
def another(tester):
    tester.clouds.append(Cloud())


@given("another cloud that keeps its data")
def another_that_keeps(tester):
    tester.clouds.append(Cloud(data=True))


@given("its clock stands still")
def stands_still(tester):
    tester.here.virga.ask("/_virga/time", {"action": "freeze"})


@given(parsers.re(rf'a fork "(?P<name>[a-z0-9-]+)" where "(?P<body>[^"]+)" was sent to {QUEUE}$'))
def a_fork(tester, name, body, queue):
    tester.here.virga.ask("/_virga/worlds", {"name": name})
    tester.here.send(queue, body, world=name)


@given(parsers.re(rf'account (?P<account>\d+) has the queue {QUEUE} that holds "(?P<body>[^"]+)"$'))
def an_account(tester, account, queue, body):
    tester.here.create(queue, account=account)
    tester.here.send(queue, body, account=account)


@given(parsers.re(rf"the whole cloud is saved to {FILE}$"))
@when(parsers.re(rf"the whole cloud is saved to {FILE}$"))
def save_all(tester, file):
    tester.ok("snapshot", "save", file, cloud=tester.here)


@when(parsers.re(rf"account (?P<account>\d+) is saved to {FILE}$"))
def save_account(tester, account, file):
    tester.ok("snapshot", "save", file, "--account", account, cloud=tester.here)


@when(parsers.re(rf"I load {FILE}{THERE}{REPLACING}$"))
def load(tester, file, there, replacing):
    tester.ok("snapshot", "load", file, *(["--replace"] if replacing else []), cloud=tester.at(there))


@when(parsers.re(rf"I try to load {FILE}{REPLACING}$"))
def try_load(tester, file, replacing):
    tester.virga("snapshot", "load", file, *(["--replace"] if replacing else []), cloud=tester.here)


@when(parsers.re(rf'I load the world of {FILE} as "(?P<name>[a-z0-9-]+)"$'))
def load_as(tester, file, name):
    tester.ok("snapshot", "load", file, "--as", name, cloud=tester.here)


@given(parsers.re(rf'"(?P<body>[^"]+)" was sent to {QUEUE} since$'))
@when(parsers.re(rf'I send "(?P<body>[^"]+)" to {QUEUE}(?: with a delay of (?P<delay>\d+) seconds)?{THERE}$'))
def send(tester, body, queue, delay=None, there=None):
    tester.at(there).send(queue, body, int(delay or 0))


@when(parsers.re(rf'account (?P<account>\d+) sends "(?P<body>[^"]+)" to {QUEUE}$'))
def send_as(tester, account, body, queue):
    tester.here.send(queue, body, account=account)


@when(parsers.re(rf'I receive "(?P<body>[^"]+)" from {QUEUE} for (?P<seconds>\d+) seconds$'))
def receive(tester, body, queue, seconds):
    assert [message["Body"] for message in tester.here.receive(queue, int(seconds))] == [body]


@when(parsers.re(rf"I delete the queue {QUEUE}$"))
def delete(tester, queue):
    tester.here.sqs().delete_queue(QueueUrl=tester.here.url(queue))


@when(parsers.re(r"(?P<seconds>\d+) seconds pass there$"))
def pass_there(tester, seconds):
    tester.there.virga.advance(int(seconds))


@when("that cloud is killed and started again")
def killed(tester):
    tester.there.virga.process.kill()
    tester.there.virga.process.wait(15)
    tester.there.virga.start()


@when(parsers.re(rf"{FILE} is (?P<how>cut off in the middle|cut off one byte too early|changed by one bit|followed by something else|another kind of file|of a later form)$"))
def damage(tester, file, how):
    path = tester.file(file)
    good = path.read_bytes()
    middle = len(good) // 2
    path.write_bytes(
        {
            "cut off in the middle": good[:middle],
            "cut off one byte too early": good[:-1],
            "changed by one bit": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :],
            "followed by something else": good + b"\n",
            "another kind of file": b'{"Queues": []}\n',
            "of a later form": good[:8] + (999).to_bytes(2, "little") + good[10:],
        }[how]
    )


@then(parsers.re(r"it is refused, as (?P<why>.+)$"))
def refused(tester, why):
    assert tester.result.returncode == 1
    assert why in tester.result.stderr


@then(parsers.re(rf"no look into {FILE} succeeds$"))
def no_look(tester, file):
    result = tester.virga("snapshot", "inspect", file)
    assert (result.returncode, result.stdout) == (1, "")


@then(
    parsers.re(
        rf'(?:(?P<there>there) )?(?:in (?:"(?P<name>[a-z0-9-]+)"|account (?P<account>\d+)) )?the queue {QUEUE} gives '
        rf'(?P<bodies>nothing|".+")$'
    )
)
def gives(tester, there, name, account, queue, bodies):
    where = {"world": name} if name else {"account": account} if account else {}
    found = tester.at(there).receive(queue, **where)
    assert sorted(message["Body"] for message in found) == sorted(bodies_of(bodies))


@then(parsers.re(rf"there no two messages of {QUEUE} have the same id$"))
def no_two(tester, queue):
    found = [message["MessageId"] for message in tester.there.receive(queue)]
    assert len(found) == 3 and len(set(found)) == 3


@then(parsers.re(rf'{FILE} has (?P<count>\d+) rows of "(?P<table>[^"]+)" in account (?P<account>\d+)$'))
def has_rows(tester, file, count, table, account):
    inside = json.loads(tester.ok("snapshot", "inspect", file, "--output", "json"))
    tables = inside["worlds"][0]["tables"]
    assert [each["rows"] for each in tables if (each["table"], each["account"]) == (table, account)] == [int(count)]
