"""Queues in Terraform: apply, no differences, change, destroy."""

import json

import pytest

APPLY = ("apply", "-auto-approve", "-input=false", "-no-color")
PLAN = ("plan", "-detailed-exitcode", "-input=false", "-no-color")


@pytest.mark.configuration("queues.tf")
def test_queues_are_applied_kept_changed_and_destroyed(virga, terraform):
    assert "5 added" in terraform(*APPLY).stdout
    outputs = json.loads(terraform("output", "-json").stdout)
    assert outputs["account"]["value"] == "000000000000"
    assert outputs["arn"]["value"] == "arn:aws:sqs:us-east-1:000000000000:orders"

    # What is there is what was asked for: 0 means no differences, 2 would mean some.
    terraform(*PLAN, codes=(0,))

    sqs = virga.client("sqs")
    urls = {url.rsplit("/", 1)[1]: url for url in sqs.list_queues()["QueueUrls"]}
    assert sorted(urls) == ["orders", "orders-dead", "payments.fifo"]
    attributes = sqs.get_queue_attributes(QueueUrl=urls["orders"], AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "45"
    assert json.loads(attributes["Policy"])["Statement"][0]["Sid"] == "partner"
    assert sqs.list_queue_tags(QueueUrl=urls["orders"])["Tags"] == {"team": "fruit", "stage": "test"}

    change = "-var=visibility_timeout=90"
    assert "1 changed" in terraform(*APPLY, change).stdout
    terraform(*PLAN, change, codes=(0,))
    attributes = sqs.get_queue_attributes(QueueUrl=urls["orders"], AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "90"

    terraform("destroy", "-auto-approve", "-input=false", "-no-color")
    assert "QueueUrls" not in sqs.list_queues()
