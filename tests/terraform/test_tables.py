"""Tables with all that belongs to them in Terraform: apply, no differences, change, destroy."""

import json

import pytest

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/orders"


@pytest.mark.configuration("tables.tf")
def test_tables_are_applied_kept_changed_and_destroyed(virga, terraform):
    assert terraform.apply() == (8, 0, 0)
    outputs = terraform.outputs()
    assert outputs["arn"] == ARN
    assert outputs["stream_arn"].startswith(f"{ARN}/stream/")
    assert json.loads(outputs["item"])["price"] == {"N": "3"}

    dynamodb = virga.client("dynamodb")
    orders = dynamodb.describe_table(TableName="orders")["Table"]
    assert orders["ProvisionedThroughput"]["WriteCapacityUnits"] == 5
    assert [index["IndexName"] for index in orders["GlobalSecondaryIndexes"]] == ["by_status"]
    assert [index["IndexName"] for index in orders["LocalSecondaryIndexes"]] == ["by_total"]
    assert orders["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert orders["SSEDescription"]["KMSMasterKeyArn"].endswith("key/11111111-2222-3333-4444-555555555555")
    expiry = dynamodb.describe_time_to_live(TableName="orders")["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    assert dynamodb.list_tags_of_resource(ResourceArn=ARN)["Tags"] == [{"Key": "team", "Value": "fruit"}]
    assert json.loads(dynamodb.get_resource_policy(ResourceArn=ARN)["Policy"])["Statement"][0]["Sid"] == "partner"

    prices = dynamodb.describe_table(TableName="prices")["Table"]
    assert prices["GlobalTableVersion"] == "2019.11.21"
    assert sorted(replica["RegionName"] for replica in prices["Replicas"]) == ["eu-west-1", "us-west-2"]
    west = virga.client("dynamodb", region="us-west-2")
    backups = west.describe_continuous_backups(TableName="prices")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    apple = {"fruit": {"S": "apple"}}
    assert west.get_item(TableName="prices", Key=apple)["Item"]["price"] == {"N": "3"}

    change = ("-var=write_units=7", "-var=by_customer=false", "-var=price=4")
    assert terraform.apply(*change) == (0, 2, 0)
    orders = dynamodb.describe_table(TableName="orders")["Table"]
    assert orders["ProvisionedThroughput"]["WriteCapacityUnits"] == 7
    assert [index["IndexName"] for index in orders["GlobalSecondaryIndexes"]] == ["by_shop"]
    assert west.get_item(TableName="prices", Key=apple)["Item"]["price"] == {"N": "4"}

    terraform.destroy()
    assert dynamodb.list_tables()["TableNames"] == []
    assert west.list_tables()["TableNames"] == []
