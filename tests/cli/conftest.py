"""What all clients on the command line share."""

import os

import pytest


@pytest.fixture
def user(tmp_path) -> dict:
    """The environment of one whose home is empty."""
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
        # The CLI keeps the credentials of roles there.
        "HOME": str(tmp_path),
        "USERPROFILE": str(tmp_path),
    }
