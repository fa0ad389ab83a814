"""`aws dynamodb`, as a user types it."""

import json
import subprocess
import sys

import pytest

ITEMS = [{"customer": f"c{number % 3}", "placed": number, "total": number * 10} for number in range(20)]


def typed(item: dict) -> dict:
    return {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in item.items()}


@pytest.fixture
def aws(virga, user):
    def run(operation, *words, fails=False):
        """Answers its JSON, or what it says where it shall fail. What is no text is passed as JSON."""
        words = [word if isinstance(word, str) else json.dumps(word) for word in words]
        done = subprocess.run(
            [sys.executable, "-m", "awscli", "--endpoint-url", virga.endpoint, "dynamodb", operation, *words],
            env=user,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        if fails:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[", '"')) else done.stdout.strip()

    return run


@pytest.fixture
def orders(aws):
    """A table with an index."""
    aws(
        "create-table",
        "--table-name=orders",
        "--attribute-definitions",
        "AttributeName=customer,AttributeType=S",
        "AttributeName=placed,AttributeType=N",
        "AttributeName=total,AttributeType=N",
        "--key-schema",
        "AttributeName=customer,KeyType=HASH",
        "AttributeName=placed,KeyType=RANGE",
        "--global-secondary-indexes",
        "IndexName=by_total,KeySchema=[{AttributeName=customer,KeyType=HASH},{AttributeName=total,KeyType=RANGE}],"
        "Projection={ProjectionType=ALL}",
        "--billing-mode=PAY_PER_REQUEST",
        "--stream-specification=StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES",
    )
    aws("wait", "table-exists", "--table-name=orders")
    return "--table-name=orders"


def test_an_item_from_put_to_delete(aws, orders):
    assert aws("describe-table", orders)["Table"]["TableStatus"] == "ACTIVE"
    item, key = typed({"customer": "a", "placed": 1, "total": 5}), typed({"customer": "a", "placed": 1})
    aws("put-item", orders, "--item", item)
    assert aws("get-item", orders, "--key", key, "--consistent-read")["Item"] == item
    said = aws(
        "put-item", orders, "--item", item, "--condition-expression", "attribute_not_exists(customer)", fails=True
    )
    assert "(ConditionalCheckFailedException)" in said and "The conditional request failed" in said
    update = ["--update-expression", "SET #t = #t + :one", "--expression-attribute-names", '{"#t": "total"}']
    values = ["--expression-attribute-values", '{":one": {"N": "1"}}']
    answer = aws("update-item", orders, "--key", key, *update, *values, "--return-values=ALL_NEW")
    assert answer["Attributes"]["total"] == {"N": "6"}
    answer = aws("delete-item", orders, "--key", key, "--return-values=ALL_OLD")
    assert answer["Attributes"]["total"] == {"N": "6"}
    assert aws("get-item", orders, "--key", key) == ""


def test_many_items_are_written_queried_and_scanned(aws, orders):
    puts = [{"PutRequest": {"Item": typed(item)}} for item in ITEMS]
    assert aws("batch-write-item", "--request-items", {"orders": puts})["UnprocessedItems"] == {}
    query = ["--key-condition-expression", "customer = :c AND placed > :p"]
    values = ["--expression-attribute-values", {":c": {"S": "c1"}, ":p": {"N": "4"}}]
    found = aws("query", orders, *query, *values)
    assert [int(item["placed"]["N"]) for item in found["Items"]] == [7, 10, 13, 16, 19]
    # The CLI reads page after page by itself.
    paged = aws("query", orders, *query, *values, "--page-size=2")
    assert paged["Items"] == found["Items"]
    first = aws("query", orders, *query, *values, "--max-items=2")
    rest = aws("query", orders, *query, *values, "--starting-token", first["NextToken"])
    assert first["Items"] + rest["Items"] == found["Items"]
    by_total = ["--index-name=by_total", "--key-condition-expression", "customer = :c", "--no-scan-index-forward"]
    found = aws("query", orders, *by_total, "--expression-attribute-values", {":c": {"S": "c0"}})
    assert [int(item["total"]["N"]) for item in found["Items"]] == [180, 150, 120, 90, 60, 30, 0]
    assert aws("scan", orders, "--select=COUNT")["Count"] == 20
    keys = {"orders": {"Keys": [typed({"customer": "c1", "placed": 1}), typed({"customer": "c9", "placed": 1})]}}
    assert aws("batch-get-item", "--request-items", keys)["Responses"]["orders"] == [typed(ITEMS[1])]


def test_a_transaction_is_all_or_nothing(aws, orders):
    put = {"Put": {"TableName": "orders", "Item": typed({"customer": "a", "placed": 1})}}
    check = {
        "ConditionCheck": {
            "TableName": "orders",
            "Key": typed({"customer": "b", "placed": 1}),
            "ConditionExpression": "attribute_exists(customer)",
        }
    }
    said = aws("transact-write-items", "--transact-items", [put, check], fails=True)
    assert "(TransactionCanceledException)" in said and "[None, ConditionalCheckFailed]" in said
    assert aws("scan", orders, "--select=COUNT")["Count"] == 0
    aws("transact-write-items", "--transact-items", [put])
    get = {"Get": {"TableName": "orders", "Key": typed({"customer": "a", "placed": 1})}}
    got = aws("transact-get-items", "--transact-items", [get])
    assert got["Responses"] == [{"Item": typed({"customer": "a", "placed": 1})}]
    found = aws("execute-statement", "--statement", "SELECT placed FROM orders WHERE customer = 'a'")
    assert found["Items"] == [{"placed": {"N": "1"}}]


def test_a_table_is_changed_exported_and_deleted(aws, orders, virga):
    aws("put-item", orders, "--item", typed(ITEMS[1]))
    aws("update-time-to-live", orders, "--time-to-live-specification=Enabled=true,AttributeName=expires")
    assert aws("describe-time-to-live", orders)["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    recovery = "--point-in-time-recovery-specification=PointInTimeRecoveryEnabled=true"
    aws("update-continuous-backups", orders, recovery)
    arn = aws("describe-table", orders)["Table"]["TableArn"]
    aws("tag-resource", "--resource-arn", arn, "--tags=Key=team,Value=fruit")
    assert aws("list-tags-of-resource", "--resource-arn", arn)["Tags"] == [{"Key": "team", "Value": "fruit"}]

    virga.client("s3").create_bucket(Bucket="exports")
    begun = aws("export-table-to-point-in-time", "--table-arn", arn, "--s3-bucket=exports", "--s3-prefix=all")
    export = begun["ExportDescription"]["ExportArn"]
    virga.ask("/_virga/time", {"action": "settle"})
    told = aws("describe-export", "--export-arn", export)["ExportDescription"]
    assert (told["ExportStatus"], told["ItemCount"]) == ("COMPLETED", 1)
    assert [found["ExportArn"] for found in aws("list-exports")["ExportSummaries"]] == [export]

    aws("create-backup", orders, "--backup-name=first")
    (backup,) = aws("list-backups", orders)["BackupSummaries"]
    aws("delete-table", orders)
    aws("wait", "table-not-exists", orders)
    said = aws("describe-table", orders, fails=True)
    assert "(ResourceNotFoundException)" in said and "Table: orders not found" in said
    restored = ["--target-table-name=again", "--backup-arn", backup["BackupArn"]]
    aws("restore-table-from-backup", *restored)
    aws("wait", "table-exists", "--table-name=again")
    assert aws("scan", "--table-name=again")["Items"] == [typed(ITEMS[1])]
    assert aws("list-tables")["TableNames"] == ["again"]
