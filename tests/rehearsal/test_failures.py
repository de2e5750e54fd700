"""Releases and servers that fail: the old fleet serves, the group points at it, and the output says why."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from .project import Ended, Project, until
from .test_deploys import DEPLOY, QUICK, last, release_at, serving

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]

NEVER_HEALTHY = """

from django.http import HttpResponse

def never_healthy(request):
    return HttpResponse("out of order", status=503)

urlpatterns.insert(0, path("healthcheck.html", never_healthy))
"""
DIES = """

import os, signal, threading
threading.Timer(5.0, os.kill, (os.getppid(), signal.SIGKILL)).start()
"""


@pytest.fixture
def old(site: Project) -> Iterator[str]:
    """The release that serves before, and again afterwards."""
    if release_commit(site) != (good := site.git("rev-parse", "HEAD")):
        site.fab(*QUICK)
    yield release_at(site)
    site.git("reset", "-q", "--hard", good)


def release_commit(site: Project) -> str:
    return str(json.loads(release_at(site))["commit"])


def assert_old_fleet(site: Project, old: str, ended: Ended) -> None:
    """All old servers serve, nothing failed for users, and who comes next runs the old release."""
    assert ended.code == 4, ended
    deploy = last(site)
    assert deploy["status"] == "rolled back"
    assert deploy["probe"]["total"] > 0
    assert deploy["probe"]["failed"] == 0, deploy["probe"]
    assert deploy["capacity"]["lowest"] >= deploy["capacity"]["before"] == 2
    assert deploy["instances"]["replaced"] == []
    assert release_at(site) == old
    group = site.group()
    assert group["DesiredCapacity"] == 2
    assert group["SuspendedProcesses"] == []
    victim = next(each["InstanceId"] for each in group["Instances"] if each["LifecycleState"] == "InService")
    site.client("ec2").terminate_instances(InstanceIds=[victim])
    until("a replacement", lambda: victim not in ids(site) and serving(site) == 2)
    for server in site.describe()["servers"]:
        if server["role"] == "web" and server["state"] == "in service":
            with urllib.request.urlopen(f"http://{server['address']}:8000/release/", timeout=10) as answer:
                assert answer.read().decode() == old


def ids(site: Project) -> set[str]:
    return {each["InstanceId"] for each in site.group()["Instances"]}


def edit(path: str, text: str) -> Callable[[Project], None]:
    return lambda site: site.edit(path, lambda before: before + text)


@pytest.mark.parametrize(
    ("path", "text", "minimum", "why"),
    [
        ("opendebates/urls.py", NEVER_HEALTHY, 1, "503"),
        ("opendebates/wsgi.py", DIES, 7, "the application ended"),
    ],
    ids=["never healthy", "healthy for 5 s and dies"],
)
def test_a_release_that_fails_leaves_the_old_fleet_serving(
    site: Project, old: str, path: str, text: str, minimum: int, why: str
) -> None:
    rollout = site.config["environments"]["local"]["rollout"]
    # One that dies is to be seen dying, however slowly it boots; one that never comes up has only its deadline.
    rollout.update(min_healthy_time=minimum, slot_deadline=15 if path.endswith("urls.py") else 120)
    site.write_config()
    try:
        site.edit(path, lambda before: before + text)
        site.commit("Bad")
        ended = site.fab(DEPLOY, code=None)
        assert_old_fleet(site, old, ended)
        assert why in ended.err + ended.out
    finally:
        rollout.update(min_healthy_time=1, slot_deadline=30)
        site.write_config()


def test_user_data_that_fails_leaves_the_old_fleet_serving(site: Project, old: str) -> None:
    client = site.client("ec2")
    template = site.group()["LaunchTemplate"]
    made = client.create_launch_template_version(
        LaunchTemplateId=template["LaunchTemplateId"],
        SourceVersion=template["Version"],
        VersionDescription="broken",
        LaunchTemplateData={"UserData": "IyEvYmluL2Jhc2gKZWNobyBub3BlOyBleGl0IDcK"},  # echo nope; exit 7
    )["LaunchTemplateVersion"]
    rollout = site.config["environments"]["local"]["rollout"]
    rollout.update(slot_deadline=8)
    site.write_config()
    try:
        name = f"{made['LaunchTemplateId']}:{made['VersionNumber']}"
        ended = site.fab("deploy_serial", "--deployment=opendebates", "--environment=local", "--no-worker",
                         f"--launch-config={name}", code=None)  # fmt: skip
        assert_old_fleet(site, old, ended)
        assert "nope" in ended.err + ended.out
    finally:
        rollout.update(slot_deadline=30)
        site.write_config()
