"""Steps that read, list, delete and ask objects and their versions."""

import json
from pathlib import Path

from buckets import BUCKET, KEY, browse, named
from pytest_bdd import given, parsers, then, when


@when(parsers.re(rf"I get {KEY} from {BUCKET} with$"))
def get_object_with(world, buckets, key, bucket, datatable):
    buckets.get(bucket, key, **named(datatable))


@when(parsers.re(rf'I get the bytes "(?P<range>[^"]+)" of {KEY} from {BUCKET}$'))
def get_range(world, buckets, range, key, bucket):
    buckets.get(bucket, key, Range=f"bytes={range}")


def version_id(buckets, bucket, key, number):
    """The id of the version that is so many-th from the newest, delete markers among them."""
    answer = buckets.client.list_object_versions(Bucket=bucket, Prefix=key)
    found = [entry for name in ("Versions", "DeleteMarkers") for entry in answer.get(name, [])]
    found.sort(key=lambda entry: not entry["IsLatest"])
    return found[number - 1]["VersionId"]


@when(parsers.re(rf"I get version (?P<number>\d+) of {KEY} from {BUCKET}$"))
def get_version(world, buckets, number, key, bucket):
    buckets.get(bucket, key, VersionId=version_id(buckets, bucket, key, int(number)))


@when(parsers.re(rf"I delete the newest version of {KEY} from {BUCKET}$"))
def delete_version(world, buckets, key, bucket):
    found = version_id(buckets, bucket, key, 1)
    world.attempt(buckets.client.delete_object, Bucket=bucket, Key=key, VersionId=found)


@when(parsers.re(rf"I suspend the versions of {BUCKET}$"))
def suspend(world, buckets, bucket):
    world.attempt(
        buckets.client.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    )


@then(parsers.re(r'I get the text "(?P<text>[^"]*)"$'))
def got_text(world, buckets, text):
    world.must_not_have_failed()
    assert buckets.text == text


@when(parsers.re(rf"I list {BUCKET}(?P<slowly> one at a time)? with$"))
def list_bucket(world, buckets, bucket, slowly, datatable):
    world.must_not_have_failed()
    size = {"PaginationConfig": {"PageSize": 1}} if slowly else {}
    pages = buckets.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, **named(datatable), **size)
    pages = list(pages)
    assert not slowly or all(page["KeyCount"] <= 1 for page in pages)
    buckets.seen_keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    buckets.seen_prefixes = [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]


@then(parsers.re(r"I see the keys (?P<keys>.+)$"))
def see_keys(buckets, keys):
    assert buckets.seen_keys == json.loads(f"[{keys}]")


@then(parsers.re(r"I see the prefixes (?P<prefixes>.+)$"))
def see_prefixes(buckets, prefixes):
    assert buckets.seen_prefixes == json.loads(f"[{prefixes}]")


@when(parsers.re(r'a browser sends "(?P<method>[A-Z]+) (?P<path>[^"]+)"$'))
def browser_sends(world, method, path):
    browse(world, method, path)


FORMS = {
    "CSV with a header": {"CSV": {"FileHeaderInfo": "USE"}},
    "JSON documents": {"JSON": {"Type": "DOCUMENT"}},
    "Parquet": {"Parquet": {}},
}


@given(parsers.re(rf'the file "(?P<name>[^"]+)" was put into {BUCKET}$'))
def put_file(buckets, name, bucket):
    body = (Path(__file__).parent / name).read_bytes()
    buckets.client.put_object(Bucket=bucket, Key=name, Body=body)


@given(parsers.re(rf"{KEY} was put into {BUCKET} with the lines$"))
def put_lines(buckets, key, bucket, docstring):
    buckets.put(bucket, key, docstring + "\n")


@when(
    parsers.re(
        r"I ask (the bytes (?P<start>\d+)-(?P<end>\d+) of )?"
        rf"{KEY} in {BUCKET} as (?P<form>[^:]+): (?P<sql>.+)$"
    )
)
def ask_object(world, buckets, start, end, key, bucket, form, sql):
    more = {"ScanRange": {"Start": int(start), "End": int(end)}} if start else {}
    output = {"CSV": {}} if form.startswith("CSV") else {"JSON": {}}
    answer = world.attempt(
        buckets.client.select_object_content,
        Bucket=bucket,
        Key=key,
        ExpressionType="SQL",
        Expression=sql,
        InputSerialization=FORMS[form],
        OutputSerialization=output,
        **more,
    )
    buckets.asked = list(answer["Payload"]) if answer else []


@then(parsers.re(r'the records are "(?P<records>[^"]*)"$'))
def the_records_are(world, buckets, records):
    world.must_not_have_failed()
    found = b"".join(event["Records"]["Payload"] for event in buckets.asked if "Records" in event)
    assert found.decode() == records.replace("\\n", "\n").replace("'", '"')


@then("the answer ends")
def the_answer_ends(buckets):
    returned = sum(len(event["Records"]["Payload"]) for event in buckets.asked if "Records" in event)
    stats, end = buckets.asked[-2:]
    assert stats["Stats"]["Details"]["BytesReturned"] == returned
    assert end == {"End": {}}
