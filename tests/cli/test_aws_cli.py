"""The AWS CLI, as a user types it."""

import base64
import json
import subprocess
import sys
import time

import pytest


@pytest.fixture
def aws(virga, user):
    def run(*words, fails=False, endpoint=virga.endpoint, **environment):
        """Runs `aws` with these words; answers its JSON, or what it says where it shall fail."""
        variables = {name: value for name, value in {**user, **environment}.items() if value is not None}
        option = ["--endpoint-url", endpoint] if endpoint else []
        done = subprocess.run(
            [sys.executable, "-m", "awscli", *option, *words],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        # Version 1 of the CLI says 255 for every refusal, version 2 says 254.
        assert done.returncode in ((254, 255) if fails else (0,)), done.stdout + done.stderr
        if fails:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_a_message_from_send_to_delete(aws):
    url = aws("sqs", "create-queue", "--queue-name", "orders")["QueueUrl"]
    sent = aws("sqs", "send-message", "--queue-url", url, "--message-body", "two apples")
    (message,) = aws("sqs", "receive-message", "--queue-url", url)["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "two apples")
    aws("sqs", "delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    assert aws("sqs", "receive-message", "--queue-url", url) is None
    aws("sqs", "delete-queue", "--queue-url", url)
    said = aws("sqs", "receive-message", "--queue-url", url, fails=True)
    assert "(AWS.SimpleQueueService.NonExistentQueue)" in said
    assert "The specified queue does not exist." in said


def test_the_endpoint_may_come_from_the_environment(aws, virga):
    # SQS is no example: version 1 of the CLI has an endpoint of its own for it, and only an option moves it.
    assert aws("sts", "get-caller-identity", endpoint=None, AWS_ENDPOINT_URL=virga.endpoint)["Account"] == "000000000000"


def test_dead_letters_are_redriven(aws, virga):
    dead = aws("sqs", "create-queue", "--queue-name", "dead")["QueueUrl"]
    words = ("sqs", "get-queue-attributes", "--queue-url", dead, "--attribute-names", "QueueArn")
    arn = aws(*words)["Attributes"]["QueueArn"]
    policy = json.dumps({"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})})
    url = aws("sqs", "create-queue", "--queue-name", "jobs", "--attributes", policy)["QueueUrl"]
    aws("sqs", "send-message", "--queue-url", url, "--message-body", "resize")
    assert len(aws("sqs", "receive-message", "--queue-url", url, "--visibility-timeout", "0")["Messages"]) == 1
    assert aws("sqs", "receive-message", "--queue-url", url) is None
    assert aws("sqs", "start-message-move-task", "--source-arn", arn)["TaskHandle"]
    virga.advance(10)
    (task,) = aws("sqs", "list-message-move-tasks", "--source-arn", arn)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    (message,) = aws("sqs", "receive-message", "--queue-url", url)["Messages"]
    assert message["Body"] == "resize"


def test_the_cli_pages_by_itself(aws, virga):
    client = virga.client("sqs")
    for i in range(5):
        client.create_queue(QueueName=f"queue-{i}")
    assert len(aws("sqs", "list-queues", "--page-size", "2")["QueueUrls"]) == 5


def test_who_am_i(aws):
    assert aws("sts", "get-caller-identity") == {
        "UserId": "000000000000",
        "Account": "000000000000",
        "Arn": "arn:aws:iam::000000000000:root",
    }


def test_a_role_is_assumed_and_acted_as(aws):
    words = ("sts", "assume-role", "--role-arn", "arn:aws:iam::111122223333:role/reader", "--role-session-name", "anna")
    credentials = aws(*words)["Credentials"]
    role = {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }
    arn = aws("sts", "get-caller-identity", **role)["Arn"]
    assert arn == "arn:aws:sts::111122223333:assumed-role/reader/anna"
    assert aws("sqs", "create-queue", "--queue-name", "results", **role)["QueueUrl"].endswith("/111122223333/results")
    said = aws("sts", "get-caller-identity", fails=True, **{**role, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert "(SignatureDoesNotMatch)" in said


def test_a_profile_assumes_its_role_by_itself(aws, virga, tmp_path):
    config = tmp_path / "config"
    config.write_text(
        "[profile base]\naws_access_key_id = test\naws_secret_access_key = test\n"
        "[profile reader]\nrole_arn = arn:aws:iam::111122223333:role/reader\nsource_profile = base\n"
        "role_session_name = anna\nregion = us-east-1\n"
    )
    identity = aws(
        "sts",
        "get-caller-identity",
        # The call that assumes the role is the CLI's own, which the option does not move.
        endpoint=None,
        AWS_ENDPOINT_URL=virga.endpoint,
        AWS_CONFIG_FILE=str(config),
        AWS_PROFILE="reader",
        AWS_ACCESS_KEY_ID=None,
        AWS_SECRET_ACCESS_KEY=None,
    )
    assert identity["Arn"] == "arn:aws:sts::111122223333:assumed-role/reader/anna"


def test_a_web_identity_signs_in_by_a_file(aws, virga, tmp_path):
    def part(claims):
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    claims = {"iss": "https://login.example", "sub": "pod", "aud": "sts.amazonaws.com", "exp": time.time() + 600}
    token = tmp_path / "token"
    token.write_text(f"{part({'alg': 'RS256'})}.{part(claims)}.c2ln")
    identity = aws(
        "sts",
        "get-caller-identity",
        endpoint=None,
        AWS_ENDPOINT_URL=virga.endpoint,
        AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
        AWS_ROLE_ARN="arn:aws:iam::111122223333:role/pod",
        AWS_ROLE_SESSION_NAME="pod-1",
        AWS_ACCESS_KEY_ID=None,
        AWS_SECRET_ACCESS_KEY=None,
    )
    assert identity["Arn"] == "arn:aws:sts::111122223333:assumed-role/pod/pod-1"


def test_what_virga_does_not_do_it_says(aws):
    said = aws("kinesis", "list-streams", fails=True)
    assert "(NotImplemented)" in said and "ListStreams" in said
