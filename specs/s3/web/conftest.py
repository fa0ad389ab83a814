"""Steps that speak of browsers and links: websites, pages of other origins, links, forms, requests by hand."""

import base64
import hashlib
import html
import json
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from buckets import BUCKET, KEY, browse, send_bare
from pytest_bdd import given, parsers, then, when


@given(parsers.re(r'a bucket "(?P<bucket>[^"]+)" with locks$'))
def a_bucket_with_locks(buckets, bucket):
    buckets.client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)


@given(parsers.re(rf"{BUCKET} has the cross-origin rules$"))
@when(parsers.re(rf"I give {BUCKET} the cross-origin rules$"))
def put_cors(world, buckets, bucket, docstring):
    rules = {"CORSRules": json.loads(f"[{docstring}]")}
    world.attempt(buckets.client.put_bucket_cors, Bucket=bucket, CORSConfiguration=rules)


@given(parsers.re(rf"{BUCKET} has the website$"))
@when(parsers.re(rf"I give {BUCKET} the website$"))
def put_website(world, buckets, bucket, docstring):
    configuration = json.loads(docstring)
    world.attempt(buckets.client.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration)


@given(parsers.re(rf"everyone may (?P<action>\w+) of {BUCKET}$"))
def everyone_may(buckets, bucket, action):
    objects, listed = f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"
    actions, resources = {
        "read": (["s3:GetObject"], [objects]),
        "list": (["s3:GetObject", "s3:ListBucket"], [listed, objects]),
    }[action]
    statement = {"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": resources}
    buckets.client.delete_public_access_block(Bucket=bucket)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    buckets.client.put_bucket_policy(Bucket=bucket, Policy=policy)


@when(parsers.re(rf'a page of "(?P<origin>[^"]+)" asks whether it may (?P<method>[A-Z]+) {KEY} in {BUCKET}$'))
def preflight(world, origin, method, key, bucket):
    browse(world, "OPTIONS", f"/{bucket}/{key}", Origin=origin, Access_Control_Request_Method=method)


@when(parsers.re(rf'a page of "(?P<origin>[^"]+)" reads {KEY} in {BUCKET}$'))
def cross_read(world, origin, key, bucket):
    browse(world, "GET", f"/{bucket}/{key}", Origin=origin)


@when(parsers.re(r'a browser (?P<method>GET|HEAD|POST)s "(?P<path>[^"]+)" of the website "(?P<bucket>[^"]+)"$'))
def visit(world, method, path, bucket):
    browse(world, method, path, host=f"{bucket}.s3-website.us-east-1.localhost")


@then(parsers.re(r"the browser gets (?P<status>\d+)$"))
def page_status(world, status):
    assert world.page[0].status == int(status), world.page[1]


@then(parsers.re(r'the browser is sent to "(?P<path>[^"]+)" by (?P<status>\d+)$'))
def page_leads(world, path, status):
    answer, _ = world.page
    assert (answer.status, answer.getheader("Location")) == (int(status), path)


@then(parsers.re(r'the page of "(?P<origin>[^"]+)" is allowed$'))
def page_allowed(world, origin):
    answer, body = world.page
    assert answer.status == 200, body
    assert answer.getheader("Access-Control-Allow-Origin") in (origin, "*")


@then("no page is allowed")
def page_not_allowed(world):
    assert world.page[0].getheader("Access-Control-Allow-Origin") is None


@given(parsers.re(rf"a link to {KEY} in {BUCKET} for (?P<number>\d+) (?P<unit>second|minute|hour)s?$"))
def link(buckets, key, bucket, number, unit):
    lifetime = int(number) * {"second": 1, "minute": 60, "hour": 3600}[unit]
    where = {"Bucket": bucket, "Key": key}
    client = buckets.world.virga.client("s3", signature_version="s3v4")
    buckets.link = client.generate_presigned_url("get_object", Params=where, ExpiresIn=lifetime)
    # A link tells the second of its signing. What happens in that same second may have come before it.
    second = int(time.time())
    while int(time.time()) == second:
        pass


@when(parsers.re(r'a program sends (?P<method>[A-Z]+) "(?P<path>[^"]+)"(?: saying "(?P<text>[^"]*)")?(?: with)?$'))
def send_by_hand(buckets, method, path, text, datatable=()):
    """One signed request that no SDK has shaped."""
    body = (text or "").encode()
    proof = base64.b64encode(hashlib.md5(body).digest()).decode()
    headers = {name: proof if value == "of the text" else value for name, value in datatable}
    request = AWSRequest(method, buckets.world.virga.endpoint + path, headers, body)
    SigV4Auth(Credentials("test", "test"), "s3", "us-east-1").add_auth(request)
    buckets.answer = send_bare(request.url, None if text is None else body, dict(request.headers), method)


@when("a browser follows the link")
def follow(buckets):
    buckets.answer = send_bare(buckets.link)


@given(parsers.re(rf"a form for {KEY} in {BUCKET} for (?P<minutes>\d+) minutes?$"))
@given(parsers.re(rf"a form for {KEY} in {BUCKET} for (?P<minutes>\d+) minutes? with$"))
def a_form(buckets, key, bucket, minutes, datatable=()):
    fields, conditions = {}, []
    for name, value in datatable:
        if name == "content-length-range":
            conditions.append([name, *(int(part) for part in value.split("-"))])
        else:
            fields[name] = value
            conditions.append({name: value})
    buckets.form = buckets.client.generate_presigned_post(
        bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=60 * int(minutes)
    )


@when(parsers.re(r'a browser sends the form with the file "(?P<name>[^"]+)" that says "(?P<text>[^"]*)"$'))
@when(parsers.re(r'a browser sends the form with the file "(?P<name>[^"]+)" that says "(?P<text>[^"]*)", and with$'))
def send_form(buckets, name, text, datatable=()):
    fields = {**buckets.form["fields"], **dict(datatable)}
    edge = "----form"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    parts.append(
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{text}\r\n--{edge}--\r\n'
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    buckets.answer = send_bare(buckets.form["url"], "".join(parts).encode(), headers, "POST")


@then(parsers.re(r"the browser is answered (?P<status>\d+)$"))
def browser_status(buckets, status):
    assert buckets.answer.status == int(status), buckets.answer.body


@then(parsers.re(r'the browser is answered (?P<status>\d+), saying "(?P<text>.+)"$'))
def browser_status_and_text(buckets, status, text):
    assert buckets.answer.status == int(status), buckets.answer.body
    assert text in html.unescape(buckets.answer.body), buckets.answer.body


@then(parsers.re(r'the browser is sent to "(?P<start>[^"]+)"$'))
def browser_sent(buckets, start):
    assert buckets.answer.headers["Location"].startswith(start)
