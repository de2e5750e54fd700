"""The same tests, entered as a real account is: over HTTP, with a clock that nobody turns."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.harness.inventory import everything

ROOT = Path(__file__).resolve().parents[2]
SOME = (
    "test_a_second_group_of_the_same_name or test_standby_takes or test_a_target_is_initial "
    "or test_a_removed_resource or test_of_many_that_put"
)


def start(variables: dict[str, str], *options: str) -> subprocess.Popen[str]:
    """Run the tests as `make conformance` does."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.conformance", "-p", "no:cacheprovider", "-n", "0", *options],
        cwd=ROOT,
        start_new_session=True,
        env={**variables, "HOME": os.environ.get("HOME", "")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_run_in_an_account_tells_what_it_costs_passes_and_leaves_nothing(
    endpoint: str, variables: dict[str, str]
) -> None:
    before = everything(endpoint)
    out, err = start(variables, "-k", SOME).communicate()
    assert "5 passed" in out, out + err
    assert f"conformance: account 123456789012 in us-east-1 at {endpoint}, everything tagged fabscale:" in err
    assert "below 1 USD" in err
    assert everything(endpoint) == before


def test_a_run_that_is_interrupted_leaves_nothing(endpoint: str, variables: dict[str, str]) -> None:
    before = everything(endpoint)
    running = start(variables, "-k", "test_a_wait_that_times_out")
    assert running.stderr
    assert running.stderr.readline().startswith("conformance: account")
    while everything(endpoint)["instances"] == before["instances"]:
        assert running.poll() is None, "ended by itself"
        time.sleep(0.2)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal sends Ctrl-C: to the tests too
    out, err = running.communicate()
    assert running.returncode == 2, out + err  # pytest's code for an interruption
    assert everything(endpoint) == before
