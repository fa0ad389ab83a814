"""Steps that speak of tables and items.

Items and keys are written as people write them, `{"id": "a", "n": 5}`, and so are answers shown."""

import json
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pytest_bdd import given, parsers, then, when

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
