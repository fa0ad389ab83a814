"""python-dynamodb-lock: who holds a lock, heartbeats, leases that run out.

It waits by a clock of its own, so leases are short. It keeps them as numbers, which boto3 wants exact in binary."""

import threading
from datetime import timedelta

import boto3
import pytest
from python_dynamodb_lock.python_dynamodb_lock import DynamoDBLock, DynamoDBLockClient, DynamoDBLockError

TABLE = "DynamoDBLockTable"
BEAT, LEASE, LONG = timedelta(milliseconds=125), timedelta(milliseconds=500), timedelta(seconds=30)


@pytest.fixture
def resource(virga):
    return boto3.resource(
        "dynamodb",
        endpoint_url=virga.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def table(virga, resource):
    DynamoDBLockClient.create_dynamodb_table(virga.client("dynamodb"))
    return resource.Table(TABLE)


@pytest.fixture
def client(resource, table):
    """Makes clients, and ends them."""
    made = []

    def make(owner, lease=LEASE):
        periods = {"heartbeat_period": BEAT, "safe_period": lease * 0.8, "lease_duration": lease}
        made.append(DynamoDBLockClient(resource, owner_name=owner, **periods))
        return made[-1]

    yield make
    for lock_client in made:
        lock_client.close(release_locks=True)


def test_one_at_a_time(client, table):
    mine, yours = client("me", lease=LONG), client("you", lease=LONG)
    lock = mine.acquire_lock("printer", additional_attributes={"job": "invoice"})
    (item,) = table.scan()["Items"]
    assert (item["lock_key"], item["owner_name"], item["job"]) == ("printer", "me", "invoice")
    with pytest.raises(DynamoDBLockError) as failed:
        yours.acquire_lock("printer", retry_period=BEAT, retry_timeout=BEAT)
    assert failed.value.code == DynamoDBLockError.ACQUIRE_TIMEOUT
    # Another lock is free, and so is this one once it is released.
    yours.acquire_lock("scanner", retry_timeout=BEAT).release(best_effort=False)
    lock.release(best_effort=False)
    with yours.acquire_lock("printer", retry_timeout=BEAT):
        assert table.scan()["Items"][0]["owner_name"] == "you"
    assert table.scan()["Items"] == []


def test_heartbeats_keep_a_lock(client, table):
    mine, yours = client("me"), client("you")
    lock = mine.acquire_lock("printer")
    first = table.scan()["Items"][0]["record_version_number"]
    # Longer than the lease.
    with pytest.raises(DynamoDBLockError):
        yours.acquire_lock("printer", retry_period=BEAT, retry_timeout=LEASE * 3)
    assert table.scan()["Items"][0]["record_version_number"] != first
    assert lock.status == DynamoDBLock.LOCKED
    lock.release(best_effort=False)


def test_a_lease_runs_out(client, table):
    mine, yours = client("me"), client("you")
    mine.acquire_lock("printer")
    # As if its process had ended: the lock is still there, and nobody keeps it.
    mine.close(release_locks=False)
    assert table.scan()["Items"][0]["owner_name"] == "me"
    taken = yours.acquire_lock("printer", retry_period=BEAT, retry_timeout=LONG)
    assert table.scan()["Items"][0]["owner_name"] == "you"
    taken.release(best_effort=False)


def test_who_loses_a_lock_is_told(client, table):
    mine, told, called = client("me"), [], threading.Event()

    def lose(code, lock):
        told.append((code, lock.status))
        called.set()

    mine.acquire_lock("printer", app_callback=lose)
    table.delete_item(Key={"lock_key": "printer", "sort_key": "-"})
    client("you").acquire_lock("printer", retry_timeout=BEAT)
    assert called.wait(20)
    assert told == [(DynamoDBLockError.LOCK_STOLEN, DynamoDBLock.INVALID)]


def test_many_threads_take_turns(client):
    clients, inside, seen = [client(f"c{number}") for number in range(3)], [], []

    def work(lock_client):
        for _ in range(3):
            with lock_client.acquire_lock("counter", retry_period=timedelta(milliseconds=25), retry_timeout=LONG):
                inside.append(lock_client)
                seen.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work, args=(lock_client,)) for lock_client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [1] * 9


def test_forgotten_locks_expire(virga, client, table):
    expiry = virga.client("dynamodb").describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiry_time"}
    mine = client("me")
    mine.acquire_lock("printer")
    mine.close(release_locks=False)
    virga.advance(3700)
    virga.ask("/_virga/time", {"action": "settle"})
    assert table.scan()["Items"] == []
