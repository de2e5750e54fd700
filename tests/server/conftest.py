"""The cloud as a server sees it, and servers in folders of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .cloud import Cloud, serving
from .machine import Machine


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with serving() as cloud:
        yield cloud


@pytest.fixture
def machine(tmp_path: Path, cloud: Cloud) -> Iterator[Machine]:
    machine = Machine(tmp_path / "machine", cloud)
    yield machine
    machine.end()


@pytest.fixture
def worker(tmp_path: Path, cloud: Cloud) -> Iterator[Machine]:
    machine = Machine(tmp_path / "worker", cloud, role="worker")
    yield machine
    machine.end()
