"""Steps that make worlds, and act in them as a tester would: a client for each world, by host or by header."""

import json
import socket
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from pytest_bdd import given, parsers, then, when

NAME = r'"(?P<name>[a-z0-9-]+)"'
WORLD = r'"(?P<world_name>[a-z0-9-]+)"'


@pytest.fixture(scope="session", autouse=True)
def localhost():
    """Resolves what lies under `localhost` to this machine, as most systems do by themselves."""
    real = socket.getaddrinfo

    def resolve(host, *arguments, **more):
        if isinstance(host, str) and host.endswith(".localhost"):
            host = "127.0.0.1"
        return real(host, *arguments, **more)

    socket.getaddrinfo = resolve
    yield
    socket.getaddrinfo = real


class Cloud:
    """One world as its tester sees it."""

    def __init__(self, virga, name, by="host"):
        host = "localhost" if by == "header" else f"{name}.localhost"
        self.sqs = virga.client("sqs", endpoint_url=f"http://{host}:{virga.port}", parameter_validation=False)
        if by == "header":

            def choose(request, **_):
                request.headers["x-virga-world"] = name

            self.sqs.meta.events.register("before-send.sqs", choose)
        self.urls = {}

    def url(self, queue):
        if queue not in self.urls:
            self.urls[queue] = self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        return self.urls[queue]

    def receive(self, queue, **more):
        answer = self.sqs.receive_message(QueueUrl=self.url(queue), MaxNumberOfMessages=10, **more)
        return sorted(message["Body"] for message in answer.get("Messages", []))


class Clouds:
    def __init__(self, virga):
        self.virga = virga
        self.known = {}
        self.answer = None

    def __getitem__(self, name) -> Cloud:
        if name not in self.known:
            self.known[name] = Cloud(self.virga, name)
        return self.known[name]

    def ask(self, path, body=None, method=None, world=None):
        """Calls one of Virga's own paths; answers status and body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **({"x-virga-world": world} if world else {})}
        request = urllib.request.Request(self.virga.endpoint + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.answer = (answer.status, json.loads(answer.read()))
        except urllib.error.HTTPError as error:
            self.answer = (error.code, json.loads(error.read()))
        return self.answer

    def ok(self, *arguments, **more):
        status, body = self.ask(*arguments, **more)
        assert status == 200, body
        return body

    def drop_all(self):
        for world in self.ok("/_virga/worlds")["worlds"]:
            if world["name"] != "main":
                self.ok(f"/_virga/worlds/{world['name']}", method="DELETE")


@pytest.fixture
def clouds(world):
    clouds = Clouds(world.virga)
    yield clouds
    clouds.drop_all()


@given(parsers.re(r'a cloud with the queue "(?P<queue>[^"]+)" that holds (?P<bodies>".+")$'))
def seeded(clouds, queue, bodies):
    url = clouds["main"].sqs.create_queue(QueueName=queue)["QueueUrl"]
    for body in bodies.strip('"').split('", "'):
        clouds["main"].sqs.send_message(QueueUrl=url, MessageBody=body)


@given(parsers.re(rf"a fork {NAME}(?: of {WORLD})?$"))
@when(parsers.re(rf"I fork (?:it|{WORLD}) as {NAME}$"))
def fork(clouds, name, world_name):
    clouds.ok("/_virga/worlds", {"name": name, "from": world_name})


@when(parsers.re(rf"I try to fork (?:it|{WORLD}) as (?P<name>\S+)$"))
def try_fork(clouds, name, world_name):
    clouds.ask("/_virga/worlds", {"name": name.strip('"'), "from": world_name})


@when(parsers.re(rf"I fork {WORLD} as {NAME} afresh$"))
def fork_afresh(clouds, name, world_name):
    clouds.ok("/_virga/worlds", {"name": name, "from": world_name, "replace": True})
    clouds.known.pop(name, None)


@when(parsers.re(rf"I drop {NAME}$"))
def drop(clouds, name):
    clouds.ok(f"/_virga/worlds/{name}", method="DELETE")


@when(parsers.re(rf"I try to drop {NAME}$"))
def try_drop(clouds, name):
    clouds.ask(f"/_virga/worlds/{name}", method="DELETE")


@when(parsers.re(rf"I reset {NAME}$"))
def reset(clouds, name):
    clouds.ok("/_virga/reset", {}, world=name)


@when(parsers.re(rf"(?P<number>\d+) (?P<unit>second|minute|hour|day)s? pass in {NAME}$"))
def pass_there(clouds, number, unit, name):
    clouds.ok("/_virga/time", {"action": "advance", "by": f"{number}{unit[0]}"}, world=name)


@when(parsers.re(rf'in {WORLD} I send "(?P<body>[^"]*)" to "(?P<queue>[^"]+)"(?: with a delay of (?P<delay>\d+) seconds)?$'))
@given(parsers.re(rf'in {WORLD} "(?P<body>[^"]*)" was sent to "(?P<queue>[^"]+)"(?: with a delay of (?P<delay>\d+) seconds)?$'))
def send(clouds, world_name, body, queue, delay):
    cloud = clouds[world_name]
    cloud.sqs.send_message(QueueUrl=cloud.url(queue), MessageBody=body, DelaySeconds=int(delay or 0))


@when(parsers.re(rf'in {WORLD} I delete the queue "(?P<queue>[^"]+)"$'))
def delete_queue(clouds, world_name, queue):
    clouds[world_name].sqs.delete_queue(QueueUrl=clouds[world_name].url(queue))


@then(parsers.re(rf'in {WORLD} the queue "(?P<queue>[^"]+)" gives (?P<bodies>nothing|".*")$'))
def gives(clouds, world_name, queue, bodies):
    wanted = [] if bodies == "nothing" else sorted(bodies.strip('"').split('", "'))
    assert clouds[world_name].receive(queue) == wanted


@then(parsers.re(rf'by its header, {WORLD} has the queue "(?P<queue>[^"]+)", which gives (?P<bodies>".*")$'))
def gives_by_header(clouds, world_name, queue, bodies):
    cloud = Cloud(clouds.virga, world_name, by="header")
    assert f"//localhost:{clouds.virga.port}/" in cloud.url(queue)
    assert cloud.receive(queue) == sorted(bodies.strip('"').split('", "'))


@then(parsers.re(rf"the queues of {WORLD} are (?P<names>nothing|\".*\")$"))
def queues_are(clouds, world_name, names):
    urls = clouds[world_name].sqs.list_queues().get("QueueUrls", [])
    wanted = [] if names == "nothing" else sorted(names.strip('"').split('", "'))
    assert sorted(url.rsplit("/", 1)[1] for url in urls) == wanted


@then(parsers.re(rf'in {WORLD} the URL of "(?P<queue>[^"]+)" has the host "(?P<host>[^"]+)"$'))
def url_host(clouds, world_name, queue, host):
    assert clouds[world_name].url(queue).startswith(f"http://{host}:{clouds.virga.port}/")


@when(parsers.re(rf'in {WORLD} I wait for a message from "(?P<queue>[^"]+)"$'))
def wait(world, clouds, world_name, queue):
    cloud = clouds[world_name]
    url = cloud.url(queue)
    world.attempt_in_background(cloud.sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)


@then(parsers.re(r'the waiting call fails with "(?P<code>[^"]+)"$'))
def waiting_fails(world, code):
    with pytest.raises(ClientError) as failure:
        world.finish()
    assert failure.value.response["Error"]["Code"] == code


@then(parsers.re(r'the waiting call gets "(?P<body>[^"]+)"$'))
def waiting_gets(world, body):
    assert [message["Body"] for message in world.finish()["Messages"]] == [body]


@when(parsers.re(rf'in {WORLD} I ask for the queue "(?P<queue>[^"]+)"$'))
def ask_for_queue(world, clouds, world_name, queue):
    world.attempt(clouds[world_name].sqs.get_queue_url, QueueName=queue)


@then(parsers.re(r'it is refused with "(?P<code>[^"]+)"$'))
def refused(clouds, code):
    status, body = clouds.answer
    assert status >= 400 and body["error"]["code"] == code, body


@then(parsers.re(r'the worlds are (?P<names>".*")$'))
def worlds_are(clouds, names):
    listed = [world["name"] for world in clouds.ok("/_virga/worlds")["worlds"]]
    assert listed == names.strip('"').split('", "')


@then(parsers.re(rf"{NAME} was made from {WORLD} and is dropped after (?P<ttl>\d+) seconds without use$"))
def made_from(clouds, name, world_name, ttl):
    described = clouds.ok(f"/_virga/worlds/{name}")
    assert (described["parent"], described["ttl_s"]) == (world_name, int(ttl))


@when(parsers.re(rf'I fork it as {NAME} for "(?P<ttl>[^"]+)"$'))
def fork_for(clouds, name, ttl):
    clouds.ok("/_virga/worlds", {"name": name, "ttl": ttl})


@then(parsers.re(rf"{NAME} and {WORLD} (?P<verb>have|do not have) the same$"))
def same(clouds, name, world_name, verb):
    assert clouds.ok(f"/_virga/worlds/{name}/diff/{world_name}")["same"] == (verb == "have")


@then(parsers.re(rf'only {NAME} has a row of "(?P<table>[^"]+)" with the key (?P<key>.+) beside {WORLD}$'))
def only_there(clouds, name, table, key, world_name):
    rows = clouds.ok(f"/_virga/worlds/{world_name}/diff/{name}")["rows"]
    found = [row["key"] for row in rows if row["table"] == table and row["where"] == "only_b"]
    assert found == [key]


@then(parsers.re(rf'the time in {WORLD} is "(?P<at>[^"]+)"$'))
def time_is(clouds, world_name, at):
    assert clouds.ok("/_virga/time", world=world_name)["now"] == at


@then("the call still waits")
def still_waits(world):
    thread, _ = world.waiting
    thread.join(0.3)
    assert thread.is_alive(), "the call does not wait"
