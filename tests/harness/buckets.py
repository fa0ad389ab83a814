"""What the specs of S3 share: what a scenario knows of its buckets, and what SDKs do not do for it."""

import http.client
import json
import urllib.error
import urllib.request
from urllib.parse import urlsplit

BUCKET = r'the bucket "(?P<bucket>[^"]+)"'
KEY = r'"(?P<key>[^"]+)"'


class Buckets:
    """What a scenario knows of its buckets and queues."""

    def __init__(self, world):
        self.world = world
        self.client = world.client("s3")
        self.queues = world.client("sqs")
        self.urls = {}
        self.records = []
        self.lifecycle = {}
        self.versions = []

    def queue_arn(self, name):
        return f"arn:aws:sqs:us-east-1:000000000000:{name}"

    def put(self, bucket, key, body="hello", **more):
        return self.world.attempt(self.client.put_object, Bucket=bucket, Key=key, Body=body.encode(), **more)

    def get(self, bucket, key, **more):
        """Reads an object; its text is kept for the steps that follow."""
        answer = self.world.attempt(self.client.get_object, Bucket=bucket, Key=key, **more)
        self.text = answer and answer["Body"].read().decode()

    def keys(self, bucket):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def drain(self, queue):
        """All messages of a queue, read as JSON, oldest first."""
        bodies = []
        while True:
            answer = self.queues.receive_message(QueueUrl=self.urls[queue], MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            if not messages:
                return bodies
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                self.queues.delete_message(QueueUrl=self.urls[queue], ReceiptHandle=message["ReceiptHandle"])


def settle(world):
    """Has all that is due be done."""
    world.virga.ask("/_virga/time", {"action": "settle"})


def named(datatable) -> dict:
    """Rows of parameters."""
    return {row[0]: row[1] for row in datatable}


def control(world):
    """A client of S3 Control."""
    client = world.virga.client("s3control", key="000000000000")

    def by_address(request, **_):
        # Names before an address do not resolve.
        request.url = request.url.replace("//000000000000.", "//")

    client.meta.events.register("before-sign.s3-control", by_address)
    return client


def browse(world, method, path, host=None, **headers):
    """One request as a browser makes it, which no SDK shapes."""
    url = urlsplit(world.virga.endpoint)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers={"Host": host or url.netloc, **headers})
    answer = connection.getresponse()
    world.page = (answer, answer.read().decode())
    connection.close()


class Answer:
    """What a browser sees."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def send_bare(url, body=None, headers=None, method=None):
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.build_opener(Stay).open(request) as response:
            return Answer(response.status, response.headers, response.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read().decode())
