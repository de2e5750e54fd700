"""An embedded cloud that is reached over HTTP and has real time, as an account has."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from fabfile.localcloud.in_memory import InMemoryCaches, InMemoryDatabases, InMemoryMachines
from fabfile.localcloud.server import ControlPlane
from fabfile.localcloud.settings import CloudSettings
from tests.conformance.cloud import RealCloud, entered
from tests.conformance.embedded import AnsweringUp
from tests.conformance.target import Real
from tests.harness.inventory import SESSION

ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The URL of a control plane that turns by itself."""
    settings = CloudSettings(tick=0.02, pending_seconds=0.05)
    plane = ControlPlane(settings, InMemoryMachines(), AnsweringUp(), InMemoryDatabases(), InMemoryCaches())
    url = plane.start("127.0.0.1", 0)
    try:
        yield url
    finally:
        plane.stop()


@pytest.fixture
def cloud(endpoint: str) -> Iterator[RealCloud]:
    """The account behind the endpoint, entered as a real one."""
    with entered(Real(ACCOUNT, "us-east-1", endpoint), SESSION) as cloud:
        yield cloud


@pytest.fixture
def variables(endpoint: str) -> dict[str, str]:
    """The environment variables of somebody who means the account behind the endpoint."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "TEST",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "CONFORMANCE_ACCOUNT": ACCOUNT,
        "CONFORMANCE_ENDPOINT": endpoint,
    }
