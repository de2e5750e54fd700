"""Each file's tests share a cloud and a network; each test has an account of its own in it, and leaves nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest

from tests.conformance.account import Account
from tests.conformance.cloud import Cloud, entered, session_in
from tests.conformance.network import Network, build
from tests.conformance.permissions import missing
from tests.conformance.run import Run
from tests.conformance.sweep import remove
from tests.conformance.target import RUN, Real, target


def _cloud() -> AbstractContextManager[Cloud]:
    where = target(os.environ) if RUN in os.environ else None
    if isinstance(where, Real):
        return entered(where, session_in(where))
    # It loads moto, which takes seconds that an account does not need.
    from tests.conformance.embedded import embedded  # noqa: PLC0415

    return embedded()


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with _cloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def label(request: pytest.FixtureRequest) -> str:
    """What everything of this file bears."""
    run = os.environ.get(RUN) or str(Run(datetime.now(UTC), os.getpid(), socket.gethostname()))
    return f"{run}/{request.path.stem}"


@pytest.fixture(scope="module")
def network(cloud: Cloud, label: str) -> Iterator[Network]:
    try:
        yield build(cloud, label)
    finally:
        remove(cloud, lambda other: other == label or other.startswith(f"{label}/"))
    assert missing(cloud.called) == [], "docs/conformance-policy.json allows what the tests call"


@pytest.fixture
def account(cloud: Cloud, network: Network, label: str, request: pytest.FixtureRequest) -> Iterator[Account]:
    """A part of the cloud that is empty, and is emptied whatever becomes of the test."""
    name = request.node.name.replace("[", ":").replace("]", "")  # tags take no brackets
    account = Account(cloud, network, f"{label}/{name}"[:256])
    try:
        yield account
    finally:
        account.clean()
