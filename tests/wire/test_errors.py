"""How errors look on the wire, protocol by protocol: what SDKs of every language parse."""

import http.client
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def call(virga, service, method, path, body=b"", headers=None, signed=True):
    """One request, signed for a service; answers status, headers and body."""
    headers = {"Host": f"127.0.0.1:{virga.port}", **(headers or {})}
    request = AWSRequest(method, virga.endpoint + path, headers, body)
    if signed:
        SigV4Auth(Credentials("test", "test"), service, "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", virga.port, timeout=30)
    try:
        connection.request(method, path, body, dict(request.headers.items()))
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode()
    finally:
        connection.close()


def sqs_json(virga, operation, body, **more):
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{operation}"}
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return call(virga, "sqs", "POST", "/", body, headers, **more)


def query(virga, service, body, **more):
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return call(virga, service, "POST", "/", body.encode(), headers, **more)


def without_namespace(text):
    return ElementTree.fromstring(re.sub(r' xmlns="[^"]*"', "", text))


def test_json_errors_name_type_message_and_the_older_code(virga):
    status, headers, body = sqs_json(virga, "GetQueueUrl", {"QueueName": "nowhere"})
    assert status == 400
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert len(headers["x-amzn-requestid"]) == 36
    assert json.loads(body) == {
        "__type": "com.amazonaws.sqs#QueueDoesNotExist",
        "message": "The specified queue does not exist.",
    }


def test_query_errors_name_type_code_and_message(virga):
    status, headers, body = query(virga, "sqs", "Action=GetQueueUrl&Version=2012-11-05&QueueName=nowhere")
    assert status == 400
    assert headers["content-type"].startswith("text/xml")
    assert 'xmlns="http://queue.amazonaws.com/doc/2012-11-05/"' in body
    error = without_namespace(body)
    assert error.tag == "ErrorResponse"
    assert error.findtext("Error/Type") == "Sender"
    assert error.findtext("Error/Code") == "AWS.SimpleQueueService.NonExistentQueue"
    assert error.findtext("Error/Message") == "The specified queue does not exist for this wsdl version."
    assert error.findtext("RequestId") == headers["x-amzn-requestid"]


def test_the_query_protocol_answers_a_queues_own_url(virga):
    url = virga.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    path = "/" + url.split("/", 3)[3]
    status, _, body = call(virga, "sqs", "GET", path + "?Action=GetQueueAttributes&AttributeName.1=QueueArn")
    assert status == 200, body
    answer = without_namespace(body)
    assert answer.tag == "GetQueueAttributesResponse"
    assert answer.findtext("GetQueueAttributesResult/Attribute/Value") == "arn:aws:sqs:us-east-1:000000000000:orders"


def test_constraints_are_worded_as_aws_words_them(virga):
    status, _, body = query(
        virga,
        "sts",
        "Action=AssumeRole&Version=2011-06-15&RoleArn=short&RoleSessionName=a%20b&DurationSeconds=10",
    )
    assert status == 400
    error = without_namespace(body)
    assert error.findtext("Error/Code") == "ValidationError"
    message = error.findtext("Error/Message")
    assert message.startswith("3 validation errors detected: ")
    assert "Value 'short' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20" in message
    assert "Value '10' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900" in message


def test_an_unsigned_call_is_told_so(virga):
    status, _, body = query(virga, "sts", "Action=GetCallerIdentity&Version=2011-06-15", signed=False)
    assert status == 403
    error = without_namespace(body)
    assert error.findtext("Error/Code") == "MissingAuthenticationToken"
    assert error.findtext("Error/Message") == "Request is missing Authentication Token"


def test_an_unsigned_web_identity_is_let_in(virga):
    body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=me&WebIdentityToken=nonsense"
    status, _, body = query(virga, "sts", body + "&RoleArn=arn:aws:iam::111122223333:role/r", signed=False)
    assert (status, without_namespace(body).findtext("Error/Code")) == (400, "InvalidIdentityToken")


def test_what_aws_does_not_have_is_unknown(virga):
    status, _, body = sqs_json(virga, "MakeTea", {})
    assert status in (400, 404)
    assert json.loads(body)["__type"].split("#")[-1] == "UnknownOperationException"
    status, _, body = query(virga, "sts", "Action=MakeTea&Version=2011-06-15")
    assert (status, without_namespace(body).findtext("Error/Code")) == (400, "InvalidAction")


def test_a_body_that_is_no_json_is_refused(virga):
    for body in (b"{", b"[1]", b'{"QueueName": 5'):
        status, _, answer = sqs_json(virga, "GetQueueUrl", body)
        assert status == 400
        assert json.loads(answer)["__type"].split("#")[-1] == "SerializationException"


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "body", "operation"),
    [
        ("states", "POST", "/", {"X-Amz-Target": "AWSStepFunctions.ListStateMachines", "Content-Type": "application/x-amz-json-1.0"}, b"{}", "ListStateMachines"),
        ("sns", "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, b"Action=ListTopics&Version=2010-03-31", "ListTopics"),
        ("ec2", "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, b"Action=DescribeVpcs&Version=2016-11-15", "DescribeVpcs"),
        ("lambda", "GET", "/2015-03-31/functions/", {}, b"", "ListFunctions"),
        ("route53", "GET", "/2013-04-01/hostedzone", {}, b"", "ListHostedZones"),
    ],
)
def test_what_virga_does_not_do_it_says_in_every_protocol(virga, service, method, path, headers, body, operation):
    status, answer_headers, answer = call(virga, service, method, path, body, headers)
    assert status == 501
    kind = answer_headers["content-type"]
    if "json" in kind:
        error = json.loads(answer)
        code = error.get("__type", answer_headers.get("x-amzn-errortype", "")).split("#")[-1].split(":")[0]
        message = error.get("message") or error.get("Message")
    else:
        assert "xml" in kind, kind
        error = without_namespace(answer)
        code, message = next(error.iter("Code")).text, next(error.iter("Message")).text
    assert code == "NotImplemented"
    assert operation in message
