"""One Virga for each folder's run, emptied before each test."""

import os

import pytest
from virga import Virga, clean_environment


@pytest.fixture(scope="session", autouse=True)
def environment():
    """Whatever AWS settings this machine's user has must not change a test."""
    before, clean = dict(os.environ), clean_environment()
    os.environ.clear()
    os.environ.update(clean)
    for name in ("VIRGA_BINARY", "VIRGA_TF_PLUGINS"):
        if name in before:
            os.environ[name] = before[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def running(environment):
    virga = Virga()
    yield virga
    virga.stop()


@pytest.fixture
def virga(running):
    running.reset()
    return running
