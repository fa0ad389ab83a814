"""Steps that start a Virga with a seed, and play the same calls each time."""

import pytest
from pytest_bdd import parsers, then, when
from virga import Virga


def play(seed: int, idle: int) -> list:
    """The answers to some calls of SQS and STS, each as it came but for the server's own `Date`."""
    virga = Virga("--seed", str(seed))
    try:
        virga.freeze("2026-01-01T00:00:00Z")
        sqs, sts, answers = virga.client("sqs"), virga.client("sts"), []

        def call(operation, **parameters):
            for _ in range(idle):
                virga.ask("/_virga/health")
            answer = operation(**parameters)
            answer["ResponseMetadata"]["HTTPHeaders"].pop("date")
            answers.append(answer)
            return answer

        call(sqs.create_queue, QueueName="mail")
        # The port differs from run to run, and URLs have it; a queue's name will do.
        answers.clear()
        for n in range(5):
            call(sqs.send_message, QueueUrl="mail", MessageBody=str(n))
        received = call(sqs.receive_message, QueueUrl="mail", MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])
        assert len(received["Messages"]) == 5
        for message in received["Messages"]:
            call(sqs.delete_message, QueueUrl="mail", ReceiptHandle=message["ReceiptHandle"])
        call(sts.get_session_token)
        call(sts.assume_role, RoleArn="arn:aws:iam::000000000000:role/reader", RoleSessionName="me")
        return answers
    finally:
        virga.stop()


@pytest.fixture
def runs():
    return []


@when(parsers.re(r"I play my calls against a Virga with seed (?P<seed>\d+)$"))
def play_calls(runs, seed):
    runs.append(play(int(seed), 0))


@when(parsers.re(r"I play my calls against a Virga with seed (?P<seed>\d+), asking for its health between them$"))
def play_calls_and_ask(runs, seed):
    runs.append(play(int(seed), 2))


@then("both runs got the same answers")
def same(runs):
    one, other = runs
    assert one == other


@then("no two answers are the same")
def different(runs):
    one, other = runs
    assert len(one) == len(other)
    assert all(a != b for a, b in zip(one, other))
