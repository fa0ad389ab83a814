"""Steps that speak of tables and items.

Items and keys are written as people write them, `{"id": "a", "n": 5}`, and so are answers shown."""

import json
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pytest_bdd import given, parsers, then, when
from virga import Virga

TABLE = r'"(?P<table>[^"]+)"'


def typed(text: str) -> dict:
    value = json.loads(text, parse_float=Decimal)
    return {name: TypeSerializer().serialize(inner) for name, inner in value.items()}


def plain(item: dict) -> dict:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def as_written(text: str) -> dict:
    return plain(typed(text))


def schema(attributes: str) -> tuple:
    """`"id" and "at" (N)` as definitions and key schema."""
    definitions, keys = [], []
    for role, part in zip(("HASH", "RANGE"), attributes.split(" and ")):
        name, _, kind = part.partition(" ")
        name = name.strip('"')
        definitions.append({"AttributeName": name, "AttributeType": kind.strip("()") or "S"})
        keys.append({"AttributeName": name, "KeyType": role})
    return definitions, keys


class Tables:
    """What a scenario knows of its tables."""

    def __init__(self, world):
        self.world = world
        self.client = world.client("dynamodb")

    def create(self, name, attributes, **more):
        definitions, keys = schema(attributes)
        return self.client.create_table(
            TableName=name, AttributeDefinitions=definitions, KeySchema=keys, BillingMode="PAY_PER_REQUEST", **more
        )

    def attempt(self, operation, **parameters):
        return self.world.attempt(getattr(self.client, operation), **parameters)

    def shown(self):
        return [plain(item) for item in self.world.answer["Items"]]


@pytest.fixture
def tables(world):
    return Tables(world)


def values_of(datatable) -> dict:
    """Rows of parameters; values of placeholders are rows that begin with a colon, names with a hash."""
    parameters, values, names = {}, {}, {}
    for name, value in datatable or []:
        if name.startswith(":"):
            values[name] = TypeSerializer().serialize(json.loads(value, parse_float=Decimal))
        elif name.startswith("#"):
            names[name] = value
        elif name in ("Limit", "Segment", "TotalSegments"):
            parameters[name] = int(value)
        elif name in ("ScanIndexForward", "ConsistentRead"):
            parameters[name] = value == "true"
        else:
            parameters[name] = value
    if values:
        parameters["ExpressionAttributeValues"] = values
    if names:
        parameters["ExpressionAttributeNames"] = names
    return parameters


# Tables


@given(parsers.re(rf"a table {TABLE} with the key (?P<attributes>[^:]+)$"))
def a_table(tables, table, attributes):
    tables.create(table, attributes)


@when(parsers.re(rf"I create a table {TABLE} with the key (?P<attributes>[^:]+)$"))
def create_table(tables, table, attributes):
    definitions, keys = schema(attributes)
    tables.attempt(
        "create_table",
        TableName=table,
        AttributeDefinitions=definitions,
        KeySchema=keys,
        BillingMode="PAY_PER_REQUEST",
    )


@when(parsers.re(rf"I delete the table {TABLE}$"))
def delete_table(tables, table):
    tables.attempt("delete_table", TableName=table)


@when(parsers.re(rf"I describe the table {TABLE}$"))
def describe_table(tables, table):
    tables.attempt("describe_table", TableName=table)


@when(parsers.re(rf"I protect the table {TABLE} from deletion$"))
def protect_table(tables, table):
    tables.attempt("update_table", TableName=table, DeletionProtectionEnabled=True)


@given(parsers.re(rf'an index "(?P<index>[^"]+)" of {TABLE} on (?P<attributes>[^:]+?), (?P<projection>[A-Z_]+)$'))
@when(parsers.re(rf'I add an index "(?P<index>[^"]+)" to {TABLE} on (?P<attributes>[^:]+?), (?P<projection>[A-Z_]+)$'))
def add_index(tables, table, index, attributes, projection):
    definitions, keys = schema(attributes)
    create = {"IndexName": index, "KeySchema": keys, "Projection": {"ProjectionType": projection}}
    tables.attempt(
        "update_table",
        TableName=table,
        AttributeDefinitions=definitions,
        GlobalSecondaryIndexUpdates=[{"Create": create}],
    )


@then(parsers.re(r'the table is (?P<status>[A-Z]+)$'))
def table_status(world, status):
    world.must_not_have_failed()
    described = world.answer.get("Table") or world.answer["TableDescription"]
    assert described["TableStatus"] == status


@then(parsers.re(r"it has (?P<count>\d+) items?$"))
def table_count(world, count):
    assert world.answer["Table"]["ItemCount"] == int(count)


# Items


@given(parsers.re(rf"{TABLE} has the items$"))
def has_items(tables, table, docstring):
    for line in docstring.splitlines():
        tables.client.put_item(TableName=table, Item=typed(line))


@when(parsers.re(rf"I put into {TABLE} (?P<item>\{{.*\}})$"))
def put_item(tables, table, item):
    tables.attempt("put_item", TableName=table, Item=typed(item))


@when(parsers.re(rf"I put into {TABLE} (?P<item>\{{.*\}}) with$"))
def put_item_with(tables, table, item, datatable):
    tables.attempt("put_item", TableName=table, Item=typed(item), **values_of(datatable))


@when(parsers.re(rf"I put into {TABLE} as it goes over the wire (?P<item>\{{.*\}})$"))
def put_raw_item(tables, table, item):
    tables.attempt("put_item", TableName=table, Item=json.loads(item))


@when(parsers.re(rf"I get from {TABLE} (?P<key>\{{.*\}})$"))
def get_item(tables, table, key):
    tables.attempt("get_item", TableName=table, Key=typed(key), ConsistentRead=True)


@when(parsers.re(rf"I update in {TABLE} (?P<key>\{{.*\}}) with$"))
def update_item(tables, table, key, datatable):
    tables.attempt("update_item", TableName=table, Key=typed(key), **values_of(datatable))


@when(parsers.re(rf"I update in {TABLE} (?P<key>\{{.*\}}) with a name that is (?P<length>\d+) bytes long$"))
def update_with_long_name(tables, table, key, length):
    name = "#" + "n" * (int(length) - 1)
    tables.attempt(
        "update_item",
        TableName=table,
        Key=typed(key),
        UpdateExpression=f"REMOVE {name}",
        ExpressionAttributeNames={name: "n"},
    )


@when(parsers.re(rf"I delete from {TABLE} (?P<key>\{{.*\}})$"))
def delete_item(tables, table, key):
    tables.attempt("delete_item", TableName=table, Key=typed(key), ReturnValues="ALL_OLD")


@then(parsers.re(r"I get the item (?P<item>\{.*\})$"))
def got_item(world, item):
    world.must_not_have_failed()
    assert plain(world.answer["Item"]) == as_written(item)


@then("I get no item")
def got_nothing(world):
    world.must_not_have_failed()
    assert "Item" not in world.answer


@then(parsers.re(r"I am shown (?P<item>\{.*\})$"))
def shown_attributes(world, item):
    world.must_not_have_failed()
    assert plain(world.answer.get("Attributes", {})) == as_written(item)


@then(parsers.re(r'the call fails with "(?P<code>[^"]+)", showing (?P<item>\{.*\})$'))
def fails_showing(world, code, item):
    error = world.take_error()
    assert (error["Error"]["Code"], plain(error["Item"])) == (code, as_written(item))


# Queries and scans


@when(parsers.re(rf"I query {TABLE} with$"))
def query(tables, table, datatable):
    tables.attempt("query", TableName=table, **values_of(datatable))


@when(parsers.re(rf"I scan {TABLE}$"))
def scan_all(tables, table):
    tables.attempt("scan", TableName=table)


@when(parsers.re(rf"I scan {TABLE} with$"))
def scan(tables, table, datatable):
    tables.attempt("scan", TableName=table, **values_of(datatable))


@when(parsers.re(rf"I query {TABLE} for what follows, with$"))
def query_on(tables, world, table, datatable):
    start = world.answer["LastEvaluatedKey"]
    tables.attempt("query", TableName=table, ExclusiveStartKey=start, **values_of(datatable))


@then("I get the items")
def got_items(tables, world, docstring):
    world.must_not_have_failed()
    assert tables.shown() == [as_written(line) for line in docstring.splitlines()]


@then("I get, in any order, the items")
def got_items_in_any_order(tables, world, docstring):
    world.must_not_have_failed()
    wanted = [as_written(line) for line in docstring.splitlines()]
    got = tables.shown()
    assert len(got) == len(wanted) and all(item in got for item in wanted), f"got {got}"


@then("I get no items")
def got_no_items(tables, world):
    world.must_not_have_failed()
    assert tables.shown() == []


@then(parsers.re(r"(?P<count>\d+) of (?P<scanned>\d+) items? matched$"))
def counted(world, count, scanned):
    world.must_not_have_failed()
    assert (world.answer["Count"], world.answer["ScannedCount"]) == (int(count), int(scanned))


@then("there is more")
def there_is_more(world):
    world.must_not_have_failed()
    assert "LastEvaluatedKey" in world.answer


@then("there is no more")
def there_is_no_more(world):
    world.must_not_have_failed()
    assert "LastEvaluatedKey" not in world.answer


# Transactions


@when(parsers.re(rf"I write to {TABLE} in one transaction$"))
def transact(tables, table, datatable):
    transact_as(tables, table, datatable)


@when(parsers.re(rf'I write to {TABLE} in one transaction named "(?P<token>[^"]+)"$'))
def transact_named(tables, table, token, datatable):
    transact_as(tables, table, datatable, ClientRequestToken=token)


def transact_as(tables, table, datatable, **more):
    items = []
    for kind, item, expression in datatable:
        action = {"TableName": table, ("Item" if kind == "Put" else "Key"): typed(item)}
        if expression:
            name = "UpdateExpression" if kind == "Update" else "ConditionExpression"
            action[name] = expression
            if ":one" in expression:
                action["ExpressionAttributeValues"] = {":one": {"N": "1"}}
        items.append({kind: action})
    more.setdefault("ClientRequestToken", "")
    if not more["ClientRequestToken"]:
        del more["ClientRequestToken"]
    tables.attempt("transact_write_items", TransactItems=items, **more)


@then(parsers.re(r'the transaction is cancelled for "(?P<reasons>[^"]+)"$'))
def cancelled(world, reasons):
    error = world.take_error()
    assert error["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in error["CancellationReasons"]] == reasons.split(", ")


# PartiQL


@when("I execute")
def execute(tables, docstring):
    tables.attempt("execute_statement", Statement=docstring)


@when(parsers.re(r"I execute with the parameters (?P<parameters>\[.*\])$"))
def execute_with(tables, parameters, docstring):
    values = [TypeSerializer().serialize(value) for value in json.loads(parameters, parse_float=Decimal)]
    tables.attempt("execute_statement", Statement=docstring, Parameters=values)


@when("I execute in one batch")
def execute_batch(tables, docstring):
    tables.attempt("batch_execute_statement", Statements=[{"Statement": line} for line in docstring.splitlines()])


@when("I execute in one transaction")
def execute_transaction(tables, docstring):
    tables.attempt("execute_transaction", TransactStatements=[{"Statement": line} for line in docstring.splitlines()])


@then(parsers.re(r'the statements answer "(?P<codes>[^"]+)"$'))
def statements_answer(world, codes):
    world.must_not_have_failed()
    answered = [response.get("Error", {}).get("Code", "good") for response in world.answer["Responses"]]
    assert answered == codes.split(", ")


# Streams


@given(parsers.re(rf"{TABLE} writes a stream of (?P<view>[A-Z_]+)$"))
def writes_stream(tables, table, view):
    specification = {"StreamEnabled": True, "StreamViewType": view}
    tables.client.update_table(TableName=table, StreamSpecification=specification)


class Stream:
    """A table's stream, read from its beginning."""

    def __init__(self, world, tables, table):
        self.world = world
        self.client = world.client("dynamodbstreams")
        self.arn = tables.client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        described = self.client.describe_stream(StreamArn=self.arn)["StreamDescription"]
        self.shard = described["Shards"][0]["ShardId"]

    def iterator(self):
        return self.client.get_shard_iterator(
            StreamArn=self.arn, ShardId=self.shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]


@when(parsers.re(rf"I read the stream of {TABLE}$"))
def read_stream(world, tables, table):
    stream = Stream(world, tables, table)
    world.attempt(stream.client.get_records, ShardIterator=stream.iterator())


@given(parsers.re(rf"I have an iterator of the stream of {TABLE}$"))
def have_iterator(world, tables, table):
    stream = Stream(world, tables, table)
    world.stream, world.iterator = stream, stream.iterator()


@when("I read with the iterator")
def read_with_iterator(world):
    world.attempt(world.stream.client.get_records, ShardIterator=world.iterator)


@then("the records are")
def records_are(world, datatable):
    """What happened, the key, the item before and after, as far as they are told, and whose doing it was."""
    world.must_not_have_failed()
    told = []
    for record in world.answer["Records"]:
        change = record["dynamodb"]
        images = [plain(change[name]) if name in change else None for name in ("OldImage", "NewImage")]
        who = record.get("userIdentity", {}).get("PrincipalId", "")
        told.append((record["eventName"], plain(change["Keys"]), *images, who))
    rows = [row + [""] * (5 - len(row)) for row in datatable]
    written = [(name, *(as_written(text) if text else None for text in (key, old, new)), who) for name, key, old, new, who in rows]
    assert told == written


@then("there are no records")
def no_records(world):
    world.must_not_have_failed()
    assert world.answer["Records"] == []


# Times to live, backups, replicas


@given(parsers.re(rf'items of {TABLE} expire by "(?P<attribute>[^"]+)"$'))
@when(parsers.re(rf'I let items of {TABLE} expire by "(?P<attribute>[^"]+)"$'))
def expire_by(tables, table, attribute):
    specification = {"AttributeName": attribute, "Enabled": True}
    tables.attempt("update_time_to_live", TableName=table, TimeToLiveSpecification=specification)


@when(parsers.re(rf'I let no items of {TABLE} expire by "(?P<attribute>[^"]+)"$'))
def do_not_expire(tables, table, attribute):
    specification = {"AttributeName": attribute, "Enabled": False}
    tables.attempt("update_time_to_live", TableName=table, TimeToLiveSpecification=specification)


@given(parsers.re(rf'a backup "(?P<backup>[^"]+)" of {TABLE}$'))
def a_backup(tables, world, backup, table):
    details = tables.client.create_backup(TableName=table, BackupName=backup)["BackupDetails"]
    world.backup = details["BackupArn"]


@when(parsers.re(rf"I restore the backup as {TABLE}$"))
def restore_backup(tables, world, table):
    tables.attempt("restore_table_from_backup", TargetTableName=table, BackupArn=world.backup)


@when("I delete the backup")
def delete_backup(tables, world):
    tables.attempt("delete_backup", BackupArn=world.backup)


@given(parsers.re(rf"{TABLE} can be recovered$"))
def can_be_recovered(tables, table):
    specification = {"PointInTimeRecoveryEnabled": True}
    tables.client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)


@when(parsers.re(rf'I restore {TABLE} as "(?P<target>[^"]+)" as it was at "(?P<time>[^"]+)"$'))
def restore_to(tables, table, target, time):
    tables.attempt(
        "restore_table_to_point_in_time", SourceTableName=table, TargetTableName=target, RestoreDateTime=time
    )


@given(parsers.re(rf'{TABLE} has a replica in "(?P<region>[^"]+)"$'))
@when(parsers.re(rf'I add a replica of {TABLE} in "(?P<region>[^"]+)"$'))
def add_replica(tables, table, region):
    tables.attempt("update_table", TableName=table, ReplicaUpdates=[{"Create": {"RegionName": region}}])


@when(parsers.re(rf'I drop the replica of {TABLE} in "(?P<region>[^"]+)"$'))
def drop_replica(tables, table, region):
    tables.attempt("update_table", TableName=table, ReplicaUpdates=[{"Delete": {"RegionName": region}}])


@when(parsers.re(rf'I scan {TABLE} in "(?P<region>[^"]+)"$'))
def scan_elsewhere(world, table, region):
    client = world.client("dynamodb", region=region)
    world.attempt(client.scan, TableName=table)


@when(parsers.re(rf'I put into {TABLE} in "(?P<region>[^"]+)" (?P<item>\{{.*\}})$'))
def put_elsewhere(world, table, region, item):
    client = world.client("dynamodb", region=region)
    world.attempt(client.put_item, TableName=table, Item=typed(item))


# Settings, capacity, other accounts


@then(parsers.re(r'the call fails with "(?P<code>[^"]+)", beginning "(?P<opening>[^"]+)"$'))
def fails_beginning(world, code, opening):
    error = world.take_error()["Error"]
    assert error["Code"] == code
    assert error["Message"].startswith(opening), error["Message"]


@given("a Virga with the settings")
def a_virga_with_settings(world, docstring, tmp_path, request):
    """One beside the one of all scenarios, at the same time."""
    settings = tmp_path / "virga.toml"
    settings.write_text(docstring)
    now_ms = world.virga.now_ms()
    world.virga, world.clients = Virga("--config", str(settings)), {}
    request.addfinalizer(world.virga.stop)
    world.virga.freeze(datetime.fromtimestamp(now_ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))


def create_with_units(client, table, key, units):
    definitions, keys = schema(f'"{key}"')
    client.create_table(
        TableName=table,
        AttributeDefinitions=definitions,
        KeySchema=keys,
        ProvisionedThroughput={"ReadCapacityUnits": int(units), "WriteCapacityUnits": int(units)},
    )


@given(parsers.re(rf'a table {TABLE} of (?P<units>\d+) units with the key "(?P<key>[^"]+)"$'))
def a_table_with_units(tables, table, key, units):
    create_with_units(tables.client, table, key, units)


@given(parsers.re(r'tables of (?P<first>\d+) and (?P<second>\d+) units in "(?P<region>[^"]+)"$'))
def tables_elsewhere(world, first, second, region):
    client = world.client("dynamodb", region=region)
    create_with_units(client, "first-elsewhere", "id", first)
    create_with_units(client, "second-elsewhere", "id", second)


@when(parsers.re(rf"I put (?P<count>\d+) items into {TABLE} one by one$"))
def put_one_by_one(tables, table, count):
    for number in range(int(count)):
        tables.attempt("put_item", TableName=table, Item={"id": {"S": str(number)}})


@given(parsers.re(rf"{TABLE} has just been given (?P<count>\d+) items of (?P<kib>\d+) KiB with the key (?P<key>\{{.*\}})$"))
def given_large_items(tables, table, count, kib, key):
    """The numbers of the items are the other part of their keys."""
    for number in range(int(count)):
        item = typed(key) | {"number": {"N": str(number)}, "text": {"S": "x" * (int(kib) * 1024)}}
        tables.client.put_item(TableName=table, Item=item)


@when(parsers.re(rf"I put (?P<count>\d+) items into {TABLE} in one batch$"))
def put_in_one_batch(tables, table, count):
    puts = [{"PutRequest": {"Item": {"id": {"S": str(number)}}}} for number in range(int(count))]
    tables.attempt("batch_write_item", RequestItems={table: puts})


@then(parsers.re(r"(?P<count>\d+) of them are not processed$"))
def not_processed(world, count):
    world.must_not_have_failed()
    assert [len(requests) for requests in world.answer["UnprocessedItems"].values()] == [int(count)]


@given(parsers.re(rf'the policy of {TABLE} allows the account (?P<account>\d+) "(?P<action>[^"]+)"$'))
def policy_allows(tables, table, account, action):
    arn = tables.client.describe_table(TableName=table)["Table"]["TableArn"]
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    tables.client.put_resource_policy(ResourceArn=arn, Policy=json.dumps(policy))


@when(parsers.re(rf"the account (?P<account>\d+) puts into {TABLE} (?P<item>\{{.*\}})$"))
def put_from_elsewhere(world, account, table, item):
    world.attempt(world.client("dynamodb", account=account).put_item, TableName=table, Item=typed(item))
