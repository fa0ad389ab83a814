"""A Virga of one's own: the built binary on a free port, and what points clients at it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
READY_MAX_S = 20


def binary() -> str:
    """The program under test."""
    name = "virga.exe" if sys.platform == "win32" else "virga"
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = Path(os.environ.get("VIRGA_BINARY", target / "debug" / name))
    if not path.exists():
        raise RuntimeError(f"{path} is missing: build it (cargo build), or say where it is in VIRGA_BINARY")
    return str(path)


def clean_environment() -> dict:
    """The environment without whatever AWS or Virga settings this machine's user has."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "BOTO_", "VIRGA_"))}
    return {**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}


class Virga:
    """A running Virga. Everything is on loopback. With `data` it keeps its state in `folder`, else in memory."""

    def __init__(self, *flags: str, data=False):
        self.folder = tempfile.TemporaryDirectory(prefix="virga-test-")
        self.flags = [*flags, *(["--data", self.folder.name] if data else [])]
        self.log = open(Path(self.folder.name) / "output.log", "w+")
        # One for all clients: a session reads the SDK's models, which takes longer than most tests.
        self.session = boto3.session.Session()
        self.start()

    def start(self):
        """Starts the process: the first, or another one once that has ended."""
        begin = self.log.seek(0, os.SEEK_END)
        self.process = subprocess.Popen(
            [binary(), "start", "--port", "0", "--log-level", "debug", *self.flags],
            cwd=self.folder.name,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        self.endpoint = self._wait_until_ready(begin)

    def _wait_until_ready(self, begin: int) -> str:
        end = time.monotonic() + READY_MAX_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"virga stopped at once:\n{self.output()}")
            said = re.search(r"listens on (http://\S+)", self.output()[begin:])
            if said:
                return said[1]
            time.sleep(0.01)
        self.process.kill()
        raise RuntimeError(f"virga did not say within {READY_MAX_S} s that it listens:\n{self.output()}")

    def output(self) -> str:
        self.log.flush()
        return Path(self.log.name).read_text(errors="replace")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()

    @property
    def port(self) -> int:
        return int(self.endpoint.rsplit(":", 1)[1])

    # What AWS cannot do.

    def ask(self, path: str, body=None) -> dict:
        """Calls one of Virga's own paths: GET, or POST where there is a body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoint + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def reset(self):
        self.ask("/_virga/reset", {})

    def freeze(self, at: str):
        self.ask("/_virga/time", {"action": "freeze", "at": at})

    def advance(self, seconds: float):
        self.ask("/_virga/time", {"action": "advance", "by": f"{seconds}s"})

    def now_ms(self) -> int:
        return self.ask("/_virga/time")["now_ms"]

    # Clients.

    def client(self, service: str, *, key="test", secret="test", token=None, region="us-east-1", **config):
        """A boto3 client that tries once and never looks elsewhere for credentials."""
        config.setdefault("retries", {"total_max_attempts": 1})
        return self.session.client(
            service,
            endpoint_url=config.pop("endpoint_url", self.endpoint),
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(connect_timeout=10, read_timeout=60, **config),
        )

    def client_as(self, service: str, credentials: dict, **more):
        """A client with the credentials of an STS answer."""
        return self.client(
            service,
            key=credentials["AccessKeyId"],
            secret=credentials["SecretAccessKey"],
            token=credentials["SessionToken"],
            **more,
        )
