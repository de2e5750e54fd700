"""A checkout's cloud as a whole: it starts by itself, once, and nothing of it stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fabfile.config.environment import LocalTimes
from fabfile.errors import Unreachable
from fabfile.localcloud.daemon import ALREADY_RUNS
from fabfile.localcloud.daemon import main as run_daemon
from fabfile.localcloud.leftovers import cloud_processes
from fabfile.localcloud.lifecycle import down, ensure_running, status
from fabfile.localcloud.state import CloudFolder, replace

from .dataplane_backends import until

pytestmark = pytest.mark.cloud


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "checkout"
    folder.mkdir()
    yield folder
    down(folder / ".fab")


@pytest.fixture
def state(checkout: Path) -> Path:
    return checkout / ".fab"


def answers(endpoint: str) -> bool:
    with urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=30) as response:
        return bool(response.status == 200)


def test_a_daemon_that_can_not_start_says_why(state: Path) -> None:
    folder = CloudFolder.of(state)
    replace(folder.envoy, "a file where a folder must be")
    with pytest.raises(Unreachable, match=r"cannot start the embedded cloud: .* last log line: .*File exists"):
        ensure_running(state)
    assert status(state).state == "down"


def test_a_daemon_that_was_killed_is_noticed_and_down_leaves_no_process(checkout: Path, state: Path) -> None:
    endpoint = ensure_running(state)
    folder = CloudFolder.of(state)
    assert answers(endpoint)
    assert len(cloud_processes(folder)) >= 2, "the daemon and the proxy at least"
    os.kill(status(state).pid, signal.SIGKILL)
    until(lambda: status(state).state == "dead", "the daemon's death")
    with pytest.raises(Unreachable, match=r"its daemon \(pid \d+\) died at .*Run `fab local_down`, then"):
        ensure_running(state)
    assert down(state)
    assert cloud_processes(folder) == set()
    assert list(checkout.iterdir()) == []


def test_a_process_that_only_carries_the_mark_is_ended_too(state: Path) -> None:
    """A child of PostgreSQL or a worker of a killed machine is recorded nowhere."""
    folder = CloudFolder.of(state)
    lost = subprocess.Popen(["sleep", "600"], env={"FABSCALE_CLOUD": str(folder.root)}, start_new_session=True)
    bystander = subprocess.Popen(["sleep", "600"], env={"FABSCALE_CLOUD": f"{folder.root}-other"})
    try:
        until(lambda: lost.pid in cloud_processes(folder), "the process with the mark")
        assert down(state)
        assert lost.wait(30) == -signal.SIGTERM
        assert bystander.poll() is None
    finally:
        lost.kill()
        bystander.kill()
        lost.wait()
        bystander.wait()


def test_a_second_daemon_for_the_same_folder_refuses(state: Path) -> None:
    ensure_running(state)
    assert run_daemon([str(CloudFolder.of(state).root)]) == ALREADY_RUNS


def test_commands_at_the_same_time_start_one_cloud(state: Path) -> None:
    with ThreadPoolExecutor(4) as several:
        endpoints = set(several.map(lambda _: ensure_running(state), range(4)))
    assert len(endpoints) == 1
    assert answers(endpoints.pop())


def test_the_cloud_has_the_times_that_it_was_started_with_and_says_them(state: Path) -> None:
    ensure_running(state, LocalTimes(boot=0.5, drain=2.0, health_interval=0.25))
    found = status(state)
    assert found.state == "up"
    assert found.settings == {"boot": 0.5, "drain": 2.0, "health_interval": 0.25}
    assert found.versions
    assert found.versions["moto"].startswith("5.2.")
    record = json.loads((state / "local" / "cloud.json").read_text())
    assert record["pid"] == found.pid


def test_two_checkouts_have_clouds_that_do_not_meet(tmp_path: Path) -> None:
    states = [tmp_path / name / ".fab" for name in ("one", "two")]
    for state in states:
        state.parent.mkdir()
    try:
        with ThreadPoolExecutor(2) as both:
            first, second = both.map(ensure_running, states)
        assert status(states[0]).network != status(states[1]).network
        down(states[0])
        assert status(states[0]).state == "down"
        assert answers(second)
        assert first != second
    finally:
        for state in states:
            down(state)


def test_down_and_status_of_what_never_ran_do_nothing(checkout: Path, state: Path) -> None:
    assert status(state).state == "down"
    assert not down(state)
    assert list(checkout.iterdir()) == []
