"""Queues in Terraform: apply, no differences, change, destroy."""

import json

import pytest


@pytest.mark.configuration("queues.tf")
def test_queues_are_applied_kept_changed_and_destroyed(virga, terraform):
    assert terraform.apply() == (5, 0, 0)
    outputs = terraform.outputs()
    assert outputs["account"] == "000000000000"
    assert outputs["arn"] == "arn:aws:sqs:us-east-1:000000000000:orders"

    sqs = virga.client("sqs")
    urls = {url.rsplit("/", 1)[1]: url for url in sqs.list_queues()["QueueUrls"]}
    assert sorted(urls) == ["orders", "orders-dead", "payments.fifo"]
    attributes = sqs.get_queue_attributes(QueueUrl=urls["orders"], AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "45"
    assert json.loads(attributes["Policy"])["Statement"][0]["Sid"] == "partner"
    assert sqs.list_queue_tags(QueueUrl=urls["orders"])["Tags"] == {"team": "fruit", "stage": "test"}

    change = "-var=visibility_timeout=90"
    assert terraform.apply(change) == (0, 1, 0)
    attributes = sqs.get_queue_attributes(QueueUrl=urls["orders"], AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "90"

    terraform.destroy()
    assert "QueueUrls" not in sqs.list_queues()
