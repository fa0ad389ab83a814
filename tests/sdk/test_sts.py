"""STS with boto3, whose protocol is the query protocol in every SDK, and SQS as whoever STS says."""

import json

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::111122223333:role/reader"


@pytest.fixture
def sts(virga):
    return virga.client("sts")


def test_who_am_i(sts, virga):
    answer = sts.get_caller_identity()
    assert (answer["Account"], answer["Arn"]) == ("000000000000", "arn:aws:iam::000000000000:root")
    assert virga.client("sts", key="123456789012").get_caller_identity()["Account"] == "123456789012"


def test_the_credentials_of_a_role_act_as_the_role(sts, virga):
    credentials = sts.assume_role(RoleArn=ROLE, RoleSessionName="anna")["Credentials"]
    identity = virga.client_as("sts", credentials).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::111122223333:assumed-role/reader/anna"
    url = virga.client_as("sqs", credentials).create_queue(QueueName="results")["QueueUrl"]
    assert url.endswith("/111122223333/results")
    assert virga.client("sqs", key="111122223333").list_queues()["QueueUrls"] == [url]
    assert "QueueUrls" not in virga.client("sqs").list_queues()


def test_the_credentials_end(sts, virga):
    credentials = sts.assume_role(RoleArn=ROLE, RoleSessionName="anna", DurationSeconds=900)["Credentials"]
    virga.advance(901)
    for service, call in (("sts", "get_caller_identity"), ("sqs", "list_queues")):
        with pytest.raises(ClientError) as caught:
            getattr(virga.client_as(service, credentials), call)()
        assert caught.value.response["Error"]["Code"].startswith("ExpiredToken")


def test_a_wrong_secret_is_found_out(sts, virga):
    credentials = sts.get_session_token()["Credentials"]
    wrong = {**credentials, "SecretAccessKey": "wrong"}
    with pytest.raises(ClientError) as caught:
        virga.client_as("sts", wrong).get_caller_identity()
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_policies_and_tags_go_into_a_session(sts):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    answer = sts.assume_role(
        RoleArn=ROLE,
        RoleSessionName="anna",
        Policy=json.dumps(policy),
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
        Tags=[{"Key": "team", "Value": "red"}],
        TransitiveTagKeys=["team"],
        SourceIdentity="anna",
    )
    assert 0 < answer["PackedPolicySize"] < 50
    assert answer["SourceIdentity"] == "anna"


def test_errors_are_those_that_the_sdk_knows(sts):
    with pytest.raises(sts.exceptions.MalformedPolicyDocumentException):
        sts.assume_role(RoleArn=ROLE, RoleSessionName="anna", Policy="{")
    with pytest.raises(sts.exceptions.InvalidIdentityTokenException):
        sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="anna", WebIdentityToken="nonsense")
    with pytest.raises(sts.exceptions.InvalidAuthorizationMessageException):
        sts.decode_authorization_message(EncodedMessage="nonsense")
    with pytest.raises(ClientError) as caught:
        sts.get_federation_token(Name="x" * 33)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert "Member must have length less than or equal to 32" in caught.value.response["Error"]["Message"]
