"""Terraform with the AWS provider, in a folder of its own for each test. Nothing is downloaded."""

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
def terraform(virga, tmp_path, request):
    """Runs Terraform on the file that the test's marker names: `@pytest.mark.configuration("queues.tf")`."""
    folder = plugins()
    if shutil.which("terraform") is None or folder is None:
        pytest.skip("NOT RUN: `terraform` or a local copy of its AWS provider is missing, see tests/README.md")
    name = request.node.get_closest_marker("configuration").args[0]
    shutil.copy(Path(__file__).parent / name, tmp_path / "main.tf")

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


def pytest_configure(config):
    config.addinivalue_line("markers", "configuration(name): the file that Terraform applies")
