"""Terraform with the AWS provider: apply, no differences, change, destroy. Nothing is downloaded."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PLUGIN_FOLDERS = [
    os.environ.get("VIRGA_TF_PLUGINS"),
    "/opt/tf-plugins",
    "~/.terraform.d/plugins",
    "/usr/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
]


def plugins():
    """The first folder that holds a copy of the AWS provider."""
    for folder in filter(None, PLUGIN_FOLDERS):
        path = Path(folder).expanduser()
        if any(path.glob("registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws*")):
            return path
    return None


@pytest.fixture
def terraform(virga, tmp_path):
    folder = plugins()
    if shutil.which("terraform") is None or folder is None:
        pytest.skip("NOT RUN: `terraform` or a local copy of its AWS provider is missing, see tests/README.md")
    shutil.copy(Path(__file__).parent / "main.tf", tmp_path)

    def run(*words, codes=(0,)):
        done = subprocess.run(
            ["terraform", *words],
            cwd=tmp_path,
            env={**os.environ, "TF_VAR_endpoint": virga.endpoint, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode in codes, f"terraform {words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    run("init", "-input=false", f"-plugin-dir={folder}")
    return run


def test_queues_are_applied_kept_changed_and_destroyed(virga, terraform):
    apply = ("apply", "-auto-approve", "-input=false", "-no-color")
    plan = ("plan", "-detailed-exitcode", "-input=false", "-no-color")
    assert "5 added" in terraform(*apply).stdout
    outputs = json.loads(terraform("output", "-json").stdout)
    assert outputs["account"]["value"] == "000000000000"
    assert outputs["arn"]["value"] == "arn:aws:sqs:us-east-1:000000000000:orders"

    # What is there is what was asked for: 0 means no differences, 2 would mean some.
    terraform(*plan, codes=(0,))

    sqs = virga.client("sqs")
    urls = {url.rsplit("/", 1)[1]: url for url in sqs.list_queues()["QueueUrls"]}
    assert sorted(urls) == ["orders", "orders-dead", "payments.fifo"]
    attributes = sqs.get_queue_attributes(QueueUrl=urls["orders"], AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "45"
    assert json.loads(attributes["Policy"])["Statement"][0]["Sid"] == "partner"
    assert sqs.list_queue_tags(QueueUrl=urls["orders"])["Tags"] == {"team": "fruit", "stage": "test"}

    change = "-var=visibility_timeout=90"
    assert "1 changed" in terraform(*apply, change).stdout
    terraform(*plan, change, codes=(0,))
    attributes = sqs.get_queue_attributes(QueueUrl=urls["orders"], AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "90"

    terraform("destroy", "-auto-approve", "-input=false", "-no-color")
    assert "QueueUrls" not in sqs.list_queues()
