"""A canary under real traffic: a good one goes on, a worse one goes back, a paused one waits for a word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .project import Ended, Project, finish, kill, lines, until
from .test_deploys import DEPLOY, assert_clean, last, release_at

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]
TRIED = (DEPLOY, "--no-worker", "--batch", "2", "--canary", "1")
CANARY = (*TRIED, "--bake-time", "3")
RESUME, REPAIR = "resume:opendebates,local", "repair:opendebates,local"
# Every third request of the front page fails; the health check has a page of its own and stays good.
FAILS = """

_asked = [0]
_questions = questions


def questions(request):
    _asked[0] += 1
    if _asked[0] % 3 == 0:
        raise RuntimeError("every third one")
    return _questions(request)
"""


@pytest.fixture
def old(site: Project) -> Iterator[str]:
    """The release that serves before."""
    good = site.git("rev-parse", "HEAD")
    if json.loads(release_at(site))["commit"] != good:
        site.fab(DEPLOY, "--no-worker", "--batch", "2")
    yield release_at(site)
    site.git("reset", "-q", "--hard", good)


def servers(site: Project) -> dict[str, str]:
    """The web servers in service by id, and what each was launched with."""
    group = site.group()
    return {
        each["InstanceId"]: each["LaunchTemplate"]["Version"]
        for each in group["Instances"]
        if each["LifecycleState"] == "InService"
    }


def is_paused(site: Project) -> bool:
    """Whether a deploy has asked for an approval: what `fab resume` would do says so."""
    return "would approve" in site.fab(RESUME, "--dry-run").out


def assert_gone_back(site: Project, ended: Ended, before: dict[str, str], old: str) -> None:
    assert ended.code == 4, ended
    assert "capacity never below 2" in ended.err
    until("the canary to be gone", lambda: servers(site) == before)
    assert release_at(site) == old
    group = site.group()
    assert (group["DesiredCapacity"], group["SuspendedProcesses"]) == (2, [])
    assert group["LaunchTemplate"]["Version"] in before.values()
    assert last(site)["status"] == "rolled back"
    assert last(site)["instances"]["replaced"] == []


def test_a_canary_that_fails_more_requests_than_the_old_servers_is_taken_back(site: Project, old: str) -> None:
    before = servers(site)
    site.edit("questions/views.py", lambda text: text + FAILS)
    site.commit("Worse")
    ended = site.fab(*TRIED, "--bake-time", "60", code=None)
    assert_gone_back(site, ended, before, old)
    (message,) = lines(ended.err, "cannot deploy to opendebates local:")
    assert "the canary fails more than the old servers: " in message
    assert "(old servers: 0 of " in message
    seen = last(site)["canary"]
    assert 0.2 < seen["canary"]["failed"] / seen["canary"]["requests"] < 0.5
    assert seen["old"]["requests"] >= 100
    assert seen["old"]["failed"] == 0
    assert not seen["passed"]
    failures = last(site)["probe"]["failures"]
    assert len({(each["path"], each["reason"]) for each in failures}) == len(failures)


@pytest.mark.long
def test_a_canary_as_good_as_the_old_servers_goes_on_to_the_end_and_no_request_fails(site: Project) -> None:
    site.commit("As good")
    ended = site.fab(*CANARY)
    deploy = assert_clean(site)
    assert deploy["canary"]["passed"]
    assert deploy["canary"]["canary"]["requests"] >= 100
    assert (deploy["canary"]["canary"]["failed"], deploy["canary"]["old"]["failed"]) == (0, 0)
    assert lines(ended.err, "switch launch config", "so that nothing but the canary runs what is not proven yet")
    assert lines(ended.err, "switch launch config", "the canary has passed: 0 of ")


@pytest.mark.long
def test_a_paused_deploy_goes_on_when_somebody_resumes_it_elsewhere(site: Project) -> None:
    site.commit("Paused")
    deploy = site.start(*CANARY, "--pause")
    until("the deploy to wait for an approval", lambda: is_paused(site))
    assert len(servers(site)) == 3
    resumed = site.fab(RESUME)
    assert "was approved: the deploy of " in resumed.out
    ended = finish(deploy)
    assert ended.code == 0, ended
    assert lines(ended.err, "Say fab resume to go on, fab repair to go back")
    assert "@" in assert_clean(site)["canary"]["approved_by"]


@pytest.mark.long
def test_a_paused_deploy_that_is_repaired_elsewhere_goes_back(site: Project, old: str) -> None:
    before = servers(site)
    site.commit("Rejected")
    deploy = site.start(*CANARY, "--pause")
    until("the deploy to wait for an approval", lambda: is_paused(site))
    assert "was rejected: the deploy of " in site.fab(REPAIR).out
    ended = finish(deploy)
    assert_gone_back(site, ended, before, old)
    assert "rejected by " in ended.err


@pytest.mark.long
def test_a_deployer_killed_in_its_pause_is_taken_up_and_its_canary_bakes_again(site: Project) -> None:
    site.commit("Killed in its pause")
    deploy = site.start(*CANARY, "--pause")
    until("the deploy to wait for an approval", lambda: is_paused(site))
    canary = servers(site).keys()
    kill(deploy)
    finish(deploy)
    ended = site.fab(RESUME)
    assert lines(ended.err, "taking up ")
    seen = assert_clean_but_for_the_probe(site)
    assert seen["canary"]["passed"]
    assert set(seen["canary"]["instances"]) < canary


def assert_clean_but_for_the_probe(site: Project) -> dict[str, Any]:
    """`fab resume` sends no requests of its own."""
    deploy = last(site)
    assert deploy["status"] == "deployed", deploy
    assert site.describe()["unfinished"] == []
    assert len(servers(site)) == site.group()["DesiredCapacity"] == 2
    return deploy


def test_a_dry_run_shows_canary_and_pause(site: Project) -> None:
    ended = site.fab(*CANARY, "--pause", "--dry-run")
    assert lines(ended.out, "launch instances", "canary of ", "which stay until it has passed")
    assert lines(ended.out, "ask for approval", "Say fab resume to go on")
    assert lines(ended.out, "forecast: 2 of 2 servers replaced")
