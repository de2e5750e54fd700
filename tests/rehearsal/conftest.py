"""One project with a running environment for all rehearsals: each leaves it serving, on whatever release."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .calls import check_calls
from .project import Project, make

# Quick servers: what is held to is the order of things, not how long they take.
SETTINGS = {
    "provider": "local",
    "branches": "HEAD",
    "server_counts": {"web": 2, "worker": 1, "db-primary": 1},
    "minimum": 2,
    "maximum": 8,
    "rollout": {
        "min_healthy_time": 1,
        "slot_deadline": 30,
        "poll": 0.2,
        "probe_rate": 40,
        "deregistration_delay": 1,
    },
    "local": {"boot": 0.2, "drain": 1, "health_interval": 0.5},
}


@pytest.fixture(scope="session")
def site() -> Iterator[Project]:
    """A project whose environment `local` serves with two web servers and a worker."""
    folder = Path(tempfile.mkdtemp(prefix="fabscale-rehearsal-"))
    project = make(folder, environments={"local": SETTINGS, "staging": {}}, production_environments=[])
    try:
        project.fab("create_environment:opendebates,local")
        yield project
        check_calls(project)
    finally:
        project.fab("local_down", code=None)
        shutil.rmtree(folder, ignore_errors=True)
