"""PynamoDB: models, indexes, pages, conditions, transactions, batches, times to live."""

from datetime import datetime, timedelta, timezone

import pytest
from pynamodb.attributes import (
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import DeleteError, PutError, TableDoesNotExist, TransactWriteError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection, LocalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite


class ByStatus(GlobalSecondaryIndex):
    class Meta:
        index_name = "by_status"
        projection = AllProjection()
        read_capacity_units = 2
        write_capacity_units = 2

    status = UnicodeAttribute(hash_key=True)
    total = NumberAttribute(range_key=True)


class ByTotal(LocalSecondaryIndex):
    class Meta:
        index_name = "by_total"
        projection = KeysOnlyProjection()

    customer = UnicodeAttribute(hash_key=True)
    total = NumberAttribute(range_key=True)


class Address(MapAttribute):
    street = UnicodeAttribute()
    number = NumberAttribute(null=True)


class Base(Model):
    class Meta:
        region = "us-east-1"
        aws_access_key_id = "test"
        aws_secret_access_key = "test"
        max_retry_attempts = 0
        read_capacity_units = 5
        write_capacity_units = 5


class Order(Base):
    class Meta(Base.Meta):
        table_name = "orders"

    customer = UnicodeAttribute(hash_key=True)
    placed = NumberAttribute(range_key=True)
    status = UnicodeAttribute(default="open")
    total = NumberAttribute(default=0)
    notes = ListAttribute(default=list)
    sorts = UnicodeSetAttribute(null=True)
    address = Address(null=True)
    at = UTCDateTimeAttribute(null=True)
    expires = TTLAttribute(null=True)
    by_status = ByStatus()
    by_total = ByTotal()


class Counter(Base):
    class Meta(Base.Meta):
        table_name = "counters"
        billing_mode = "PAY_PER_REQUEST"

    name = UnicodeAttribute(hash_key=True)
    count = NumberAttribute(default=0)
    version = VersionAttribute()


@pytest.fixture(autouse=True)
def models(virga, monkeypatch):
    """The tables, in a Virga that was just emptied."""
    # Transactions take a connection of their own, which knows no keys.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for model in (Order, Counter):
        model.Meta.host = virga.endpoint
        model._connection = None
        model.create_table(wait=True)


def plant(count=30):
    with Order.batch_write() as batch:
        for number in range(count):
            status = "open" if number % 2 else "paid"
            batch.save(Order(f"c{number % 3}", number, status=status, total=number * 10))


def test_what_is_saved_comes_back():
    at = datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=timezone.utc)
    address = Address(street="Am Markt", number=7)
    notes = ["quick", 2, {"deep": [True, None]}]
    Order("a", 1, total=1.25, notes=notes, sorts={"Elstar", "Boskoop"}, address=address, at=at).save()
    found = Order.get("a", 1, consistent_read=True)
    assert (found.total, found.sorts, found.at) == (1.25, {"Elstar", "Boskoop"}, at)
    assert (found.address.street, found.address.number) == ("Am Markt", 7)
    assert found.notes == notes
    found.delete()
    with pytest.raises(Order.DoesNotExist):
        Order.get("a", 1)
    assert Order.describe_table()["ProvisionedThroughput"]["ReadCapacityUnits"] == 5


def test_queries_page_by_page():
    plant()
    assert [order.placed for order in Order.query("c1", Order.placed > 10)] == [13, 16, 19, 22, 25, 28]
    assert [order.placed for order in Order.query("c1", page_size=3)] == list(range(1, 30, 3))
    newest = Order.query("c1", scan_index_forward=False, limit=2)
    assert [order.placed for order in newest] == [28, 25]
    rest = Order.query("c1", scan_index_forward=False, last_evaluated_key=newest.last_evaluated_key)
    assert [order.placed for order in rest] == list(range(22, 0, -3))
    assert Order.count("c1", Order.placed.between(10, 20)) == 4
    kept = Order.query("c1", filter_condition=(Order.status == "open") & Order.total.between(50, 200))
    assert [order.placed for order in kept] == [7, 13, 19]


def test_indexes_are_queried_and_counted():
    plant()
    rich = Order.by_status.query("paid", ByStatus.total >= 200, page_size=2)
    assert [order.total for order in rich] == [200, 220, 240, 260, 280]
    assert Order.by_status.count("open") == 15
    assert len(list(Order.by_status.scan(page_size=7))) == 30
    (dear,) = Order.by_total.query("c2", ByTotal.total > 280)
    assert (dear.customer, dear.placed, dear.total) == ("c2", 29, 290)
    first = Order.by_status.query("paid", limit=4)
    assert [order.placed for order in first] == [0, 2, 4, 6]
    rest = Order.by_status.query("paid", last_evaluated_key=first.last_evaluated_key)
    assert [order.placed for order in rest] == list(range(8, 30, 2))


def test_scans_go_in_segments():
    plant()
    parts = [{order.placed for order in Order.scan(segment=segment, total_segments=4)} for segment in range(4)]
    assert set().union(*parts) == set(range(30)) and sum(map(len, parts)) == 30
    assert Order.count() == 30
    assert {order.placed for order in Order.scan(Order.placed.is_in(3, 5, 99))} == {3, 5}


def test_a_condition_must_hold():
    order = Order("a", 1, total=10)
    order.save(Order.customer.does_not_exist())
    with pytest.raises(PutError) as failed:
        order.save(Order.customer.does_not_exist())
    assert failed.value.cause_response_code == "ConditionalCheckFailedException"
    order.update(
        actions=[
            Order.total.add(5),
            Order.status.set("paid"),
            Order.notes.set(Order.notes.append(["later"])),
            Order.sorts.add({"Cox"}),
        ],
        condition=Order.total == 10,
    )
    assert (order.total, order.status, order.notes, order.sorts) == (15, "paid", ["later"], {"Cox"})
    with pytest.raises(UpdateError):
        order.update(actions=[Order.status.remove()], condition=Order.notes.contains("earlier"))
    with pytest.raises(DeleteError):
        order.delete(Order.total < 15)
    order.delete(Order.status.startswith("pa") & (Order.total <= 15))
    assert Order.count() == 0


def test_versions_keep_writers_apart():
    counter = Counter("visits")
    counter.save()
    mine, yours = Counter.get("visits"), Counter.get("visits")
    mine.update(actions=[Counter.count.set(1)])
    assert mine.version == 2
    yours.count = 7
    with pytest.raises(PutError):
        yours.save()
    yours.refresh()
    assert (yours.count, yours.version) == (1, 2)


def test_a_transaction_is_all_or_nothing(virga):
    connection = Connection(region="us-east-1", host=virga.endpoint)
    Order("a", 1, total=10).save()
    with TransactWrite(connection=connection, client_request_token="once") as transaction:
        transaction.update(Order("a", 1), actions=[Order.total.add(-4)], condition=Order.total >= 4)
        transaction.save(Order("b", 1, total=4), condition=Order.customer.does_not_exist())
        transaction.condition_check(Order, "c", 1, condition=Order.customer.does_not_exist())
    with TransactGet(connection=connection) as transaction:
        first, second = transaction.get(Order, "a", 1), transaction.get(Order, "b", 1)
    assert (first.get().total, second.get().total) == (6, 4)
    with pytest.raises(TransactWriteError) as failed:
        with TransactWrite(connection=connection) as transaction:
            transaction.delete(Order("b", 1))
            transaction.update(Order("a", 1), actions=[Order.total.add(-9)], condition=Order.total >= 9)
    reasons = [reason and reason.code for reason in failed.value.cancellation_reasons]
    assert reasons == [None, "ConditionalCheckFailed"]
    assert Order.get("b", 1).total == 4


def test_batches_are_larger_than_a_call():
    plant(60)
    keys = [(f"c{number % 3}", number) for number in range(60)]
    assert len(list(Order.batch_get([*keys, ("nobody", 1)]))) == 60
    with Order.batch_write() as batch:
        for customer, placed in keys:
            batch.delete(Order(customer, placed))
    assert Order.count() == 0


def test_items_expire(virga):
    expiry = virga.client("dynamodb").describe_time_to_live(TableName="orders")["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    Order("a", 1, expires=timedelta(minutes=5)).save()
    Order("a", 2, expires=timedelta(days=5)).save()
    Order("a", 3).save()
    virga.advance(3600)
    virga.ask("/_virga/time", {"action": "settle"})
    assert [order.placed for order in Order.query("a")] == [2, 3]


def test_a_table_is_deleted():
    assert Order.exists()
    Order.delete_table()
    assert not Order.exists()
    with pytest.raises(PutError) as failed:
        Order("a", 1).save()
    assert failed.value.cause_response_code == "ResourceNotFoundException"
    Order._connection = None
    with pytest.raises(TableDoesNotExist):
        Order.describe_table()
