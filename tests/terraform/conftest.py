"""Terraform with the AWS provider, in a folder of its own for each test. Nothing is downloaded."""

import json
import os
import re
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


class Terraform:
    """Terraform in one folder. Each step fails the test with what Terraform printed."""

    def __init__(self, folder, endpoint):
        self.folder = folder
        self.environment = {
            **os.environ,
            "TF_VAR_endpoint": endpoint,
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }

    def run(self, *words):
        done = subprocess.run(
            ["terraform", *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, f"terraform {words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def apply(self, *variables):
        """Applies; answers how many resources were added, changed and destroyed."""
        told = self.run("apply", "-auto-approve", "-input=false", "-no-color", *variables)
        # What is there is what was asked for: a plan with differences would exit with 2.
        self.run("plan", "-detailed-exitcode", "-input=false", "-no-color", *variables)
        counts = re.search(r"(\d+) added, (\d+) changed, (\d+) destroyed", told)
        return tuple(int(count) for count in counts.groups())

    def outputs(self):
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}

    def destroy(self):
        self.run("destroy", "-auto-approve", "-input=false", "-no-color")


@pytest.fixture
def terraform(virga, tmp_path, request):
    """Terraform with the file that the test's marker names, `@pytest.mark.configuration("queues.tf")`, and its provider."""
    plugin_folder = plugins()
    if shutil.which("terraform") is None or plugin_folder is None:
        pytest.skip("NOT RUN: `terraform` or a local copy of its AWS provider is missing, see tests/README.md")
    for name in ("provider.tf", request.node.get_closest_marker("configuration").args[0]):
        shutil.copy(Path(__file__).parent / name, tmp_path)
    terraform = Terraform(tmp_path, virga.endpoint)
    terraform.run("init", "-input=false", f"-plugin-dir={plugin_folder}")
    return terraform


def pytest_configure(config):
    config.addinivalue_line("markers", "configuration(name): the file that Terraform applies")
