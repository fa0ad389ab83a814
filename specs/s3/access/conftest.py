"""Steps that speak of who may: policies, lists, accounts, access points."""

import re

from botocore import UNSIGNED
from buckets import BUCKET, KEY, browse, control
from pytest_bdd import given, parsers, then, when


@when(parsers.re(r'a browser (?P<method>GET|HEAD|POST)s "(?P<path>[^"]+)" at the host "(?P<host>[^"]+)"$'))
def visit_host(world, method, path, host):
    browse(world, method, path, host=host)


def as_account(world, account):
    """A client of an account by its number, or of nobody."""
    if account == "nobody":
        return world.virga.client("s3", signature_version=UNSIGNED)
    return world.client("s3", account=account)


def account_of(who):
    return "nobody" if who == "nobody" else re.search(r"\d{12}", who).group()


WHO = r"(?P<who>the account \d{12}|nobody)"


@given(parsers.re(rf"{BUCKET} lets its objects have lists$"))
def with_lists(buckets, bucket):
    rule = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    buckets.client.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rule)


@given(parsers.re(rf"{BUCKET} lets in the public$"))
@when(parsers.re(rf"I let {BUCKET} be public$"))
def unblocked(world, buckets, bucket):
    world.attempt(buckets.client.delete_public_access_block, Bucket=bucket)


@when("I block public access for the whole account")
def block_account(world):
    every = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    control(world).put_public_access_block(
        AccountId="000000000000", PublicAccessBlockConfiguration={name: True for name in every}
    )


@given(parsers.re(rf'an access point "(?P<name>[^"]+)" of {BUCKET}$'))
def an_access_point(world, name, bucket):
    control(world).create_access_point(AccountId="000000000000", Name=name, Bucket=bucket)


@given(parsers.re(r'the access point "(?P<name>[^"]+)" has the policy$'))
def an_access_point_has_policy(world, name, docstring):
    control(world).put_access_point_policy(AccountId="000000000000", Name=name, Policy=docstring)


@when(parsers.re(rf'I read {KEY} through the alias of the access point "(?P<name>[^"]+)"$'))
def read_through_alias(world, buckets, key, name):
    alias = control(world).get_access_point(AccountId="000000000000", Name=name)["Alias"]
    world.attempt(buckets.client.get_object, Bucket=alias, Key=key)


@given(parsers.re(rf"{BUCKET} has the policy$"))
@when(parsers.re(rf"I give {BUCKET} the policy$"))
def put_policy(world, buckets, bucket, docstring):
    world.attempt(buckets.client.put_bucket_policy, Bucket=bucket, Policy=docstring)


@when(parsers.re(rf"I delete the policy of {BUCKET}$"))
def delete_policy(world, buckets, bucket):
    world.attempt(buckets.client.delete_bucket_policy, Bucket=bucket)


@given(parsers.re(rf'{KEY} was put into {BUCKET} with the tag "(?P<tag>[^"]+)"$'))
def was_put_tagged(buckets, key, bucket, tag):
    buckets.put(bucket, key, Tagging=tag)


@given(parsers.re(rf'{KEY} was put into {BUCKET} with the list "(?P<acl>[^"]+)"$'))
@when(parsers.re(rf'I put {KEY} into {BUCKET} with the list "(?P<acl>[^"]+)"$'))
def put_with_list(buckets, key, bucket, acl):
    buckets.put(bucket, key, ACL=acl)


@when(parsers.re(rf"{WHO} reads {KEY} in {BUCKET}(?P<pays>, paying for it)?$"))
def somebody_reads(world, who, key, bucket, pays):
    more = {"RequestPayer": "requester"} if pays else {}
    world.attempt(as_account(world, account_of(who)).get_object, Bucket=bucket, Key=key, **more)


@when(parsers.re(rf"{WHO} puts {KEY} into {BUCKET}(?P<acl> with the list \"[^\"]+\")?$"))
def somebody_puts(world, who, key, bucket, acl):
    more = {"ACL": acl.split('"')[1]} if acl else {}
    world.attempt(as_account(world, account_of(who)).put_object, Bucket=bucket, Key=key, Body=b"hello", **more)


@then(parsers.re(rf"{KEY} in {BUCKET} belongs to the account (?P<account>\d+)$"))
def belongs_to(world, buckets, key, bucket, account):
    owner = world.client("s3", account=account).list_buckets()["Owner"]["ID"]
    client = world.client("s3", account=account)
    assert client.get_object_acl(Bucket=bucket, Key=key)["Owner"]["ID"] == owner


@given(parsers.re(rf"whoever reads from {BUCKET} pays$"))
def requester_pays(buckets, bucket):
    payer = {"Payer": "Requester"}
    buckets.client.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration=payer)
