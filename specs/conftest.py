"""What all features share: the server, the clock, and how calls that fail are told."""

import os
import threading

import pytest
from botocore.exceptions import ClientError
from pytest_bdd import given, parsers, then, when
from virga import Virga, clean_environment

BEGIN = "2026-01-01T00:00:00Z"
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@pytest.fixture(scope="session")
def server():
    before, clean = dict(os.environ), clean_environment()
    os.environ.clear()
    os.environ.update(clean)
    os.environ.update({name: before[name] for name in ("VIRGA_BINARY",) if name in before})
    virga = Virga()
    yield virga
    virga.stop()
    os.environ.clear()
    os.environ.update(before)


class World:
    """What a scenario remembers between its steps."""

    def __init__(self, virga: Virga):
        self.virga = virga
        self.clients = {}
        self.answer = None
        self.error = None
        self.waiting = None

    def client(self, service: str, account="test", region="us-east-1"):
        who = (service, account, region)
        if who not in self.clients:
            # Virga shall be the one that refuses, not the SDK before it.
            self.clients[who] = self.virga.client(service, key=account, region=region, parameter_validation=False)
        return self.clients[who]

    def attempt(self, call, **parameters):
        """Makes a call that may fail. A failure that no later step speaks of fails the scenario."""
        self.must_not_have_failed()
        self.answer = None
        try:
            self.answer = call(**parameters)
        except ClientError as error:
            self.error = error
        return self.answer

    def attempt_in_background(self, call, **parameters):
        """Makes a call that waits; `finish` joins it."""

        def run():
            try:
                results.append(call(**parameters))
            except Exception as error:  # told by whoever joins
                results.append(error)

        results = []
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.waiting = (thread, results)

    def finish(self):
        thread, results = self.waiting
        thread.join(20)
        assert not thread.is_alive(), "the call still waits"
        self.waiting = None
        if isinstance(results[0], Exception):
            raise results[0]
        self.answer = results[0]
        return self.answer

    def take_error(self) -> dict:
        assert self.error is not None, f"the call did not fail, but answered {self.answer}"
        error, self.error = self.error, None
        return error.response

    def must_not_have_failed(self):
        if self.error is not None:
            error, self.error = self.error, None
            raise AssertionError(f"a step failed: {error}") from error


@pytest.fixture
def world(server):
    server.reset()
    server.freeze(BEGIN)
    world = World(server)
    yield world
    if world.waiting:
        # Time goes on, so that the waiting call ends and does not meet the next scenario.
        server.reset()
    world.must_not_have_failed()


def seconds(number: str, unit: str) -> int:
    return int(number) * UNITS[unit.rstrip("s")]


@given(parsers.re(r"(?P<number>\d+) (?P<unit>second|minute|hour|day)s? (have|has) passed"))
@when(parsers.re(r"(?P<number>\d+) (?P<unit>second|minute|hour|day)s? pass(es)?"))
def pass_time(world, number, unit):
    world.must_not_have_failed()
    world.virga.advance(seconds(number, unit))


@then(parsers.re(r'the call fails with "(?P<code>[^"]+)"$'))
def fails_with_code(world, code):
    assert world.take_error()["Error"]["Code"] == code


@then(parsers.re(r'the call fails with "(?P<code>[^"]+)", saying$'))
def fails_with_code_and_message(world, code, docstring):
    error = world.take_error()["Error"]
    wanted = " ".join(docstring.split())
    assert (error["Code"], error["Message"]) == (code, wanted)


@then(parsers.parse("the HTTP status is {status:d}"))
def http_status(world, status):
    response = world.error.response if world.error is not None else world.answer
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status


@then("the call succeeds")
def call_succeeds(world):
    world.must_not_have_failed()
    assert world.answer is not None
