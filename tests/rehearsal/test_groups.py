"""Two web groups behind one target group, under traffic: one deploy, one after the other, all of them or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .project import Project, finish, kill, lines, until
from .test_deploys import DEPLOY, last

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]
FIRST, SECOND = "opendebates-local-web", "by-hand"
BOTH = f"{FIRST},{SECOND}"
QUICK = (DEPLOY, "--batch", "2", "--no-worker")
SICK_IN_SECOND = f"""

import json
from pathlib import Path
from django.http import HttpResponse

_ROOT = next(each for each in Path(__file__).resolve().parents if (each / "opt/fabscale/server.json").exists())
_GROUP = json.loads((_ROOT / "opt/fabscale/server.json").read_text())["group"]

def health(request):
    return HttpResponse("out of order", status=503 if _GROUP == "{SECOND}" else 200)

urlpatterns.insert(0, path("healthcheck.html", health))
"""


@pytest.fixture(scope="module")
def both(site: Project) -> Iterator[Project]:
    """The site with a second group, made by hand from what the first one launches, with one server."""
    client, first = site.client("autoscaling"), site.group()
    client.create_auto_scaling_group(
        AutoScalingGroupName=SECOND,
        MinSize=0,
        MaxSize=4,
        LaunchTemplate=first["LaunchTemplate"],
        TargetGroupARNs=first["TargetGroupARNs"],
        VPCZoneIdentifier=first["VPCZoneIdentifier"],
    )
    client.put_lifecycle_hook(
        AutoScalingGroupName=SECOND,
        LifecycleHookName="fabscale-ready",
        LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
        DefaultResult="ABANDON",
        HeartbeatTimeout=120,
    )
    site.config["environments"]["local"]["auto_scaling_groups"] = [FIRST, SECOND]
    site.write_config()
    try:
        site.fab("create_environment:opendebates,local")  # lets the servers' role answer the second group's hook
        # What the first group launches reports to the first group: this one gets a launch config of its own.
        site.fab(*QUICK, "--groups", SECOND)
        client.set_desired_capacity(AutoScalingGroupName=SECOND, DesiredCapacity=1)
        until("a server in the second group", lambda: serving(site)[SECOND] == 1)
        yield site
    finally:
        del site.config["environments"]["local"]["auto_scaling_groups"]
        site.write_config()
        client.delete_auto_scaling_group(AutoScalingGroupName=SECOND, ForceDelete=True)


def serving(site: Project) -> dict[str, int]:
    servers = [each for each in site.describe()["servers"] if each["state"] == "in service" and each["healthy"]]
    return {name: sum(each["group"] == name for each in servers) for name in (FIRST, SECOND)}


def named(site: Project) -> dict[str, str]:
    """The name of what each group launches, if that is also what all of its servers run."""
    seen = site.describe()
    servers = [each for each in seen["servers"] if each["role"] == "web" and each["state"] != "leaving"]
    assert all(each["current"] for each in servers), servers
    return {group["name"]: group["launch_config"] for group in seen["groups"] if group["role"] == "web"}


def group(site: Project, name: str) -> dict[str, Any]:
    (found,) = site.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])[
        "AutoScalingGroups"
    ]
    return dict(found)


def renewed(site: Project, name: str, before: str) -> bool:
    """Whether every server of a group was made from another launch config than before."""
    seen = group(site, name)
    new = [each for each in seen["Instances"] if each["LaunchTemplate"]["Version"] != before]
    return bool(len(new) == len(seen["Instances"]) == seen["DesiredCapacity"])


def test_groups_that_the_config_does_not_name_are_refused_with_the_nearest(both: Project) -> None:
    ended = both.fab(DEPLOY, "--groups", "by-hnd", code=2)
    assert f"there is no group 'by-hnd'. Did you mean '{SECOND}'? Known groups: {FIRST}, {SECOND}" in ended.err


def test_both_groups_get_one_launch_config_in_their_order_and_no_request_fails(both: Project) -> None:
    both.commit("For both groups")
    ended = both.fab(DEPLOY)
    assert "3 of 3 servers replaced" in ended.out.splitlines()[-1]
    assert "in 2 groups" in ended.out.splitlines()[-1]
    said = [line.split()[-5] for line in lines(ended.err, "of 2 groups")]
    assert [FIRST in said[0], SECOND in said[1]] == [True, True], said
    deploy = last(both)
    assert deploy["probe"]["failed"] == 0
    assert list(deploy["groups"]) == [FIRST, SECOND]
    assert set(named(both).values()) == {deploy["launch_config"]}
    assert [part["capacity"] for part in deploy["groups"].values()] == [
        {"before": 2, "lowest": 2},
        {"before": 1, "lowest": 1},
    ]


def test_describe_shows_the_servers_of_every_group(both: Project) -> None:
    shown = both.fab("describe:opendebates,local").out
    assert len(lines(shown, "i-", SECOND)) == 1
    assert len(lines(shown, "i-", FIRST)) == 2
    assert lines(shown, f"{SECOND} (web): desired 1 (between 0 and 4)")


def test_a_dry_run_foretells_every_group(both: Project) -> None:
    ended = both.fab(DEPLOY, "--dry-run", "--no-worker")
    assert lines(ended.out, f"forecast of {FIRST}", "2 of 2 servers")
    assert lines(ended.out, f"forecast of {SECOND}", "1 of 1 servers")


def test_processes_are_suspended_and_resumed_in_all_groups_or_in_those_named(both: Project) -> None:
    ended = both.fab("suspend_autoscaling_processes:opendebates,local,AZRebalance")
    assert ended.out.splitlines() == [f"{FIRST}: suspended: AZRebalance", f"{SECOND}: suspended: AZRebalance"]
    ended = both.fab("resume_autoscaling_processes:opendebates,local", "--groups", SECOND)
    assert ended.out.splitlines() == [f"{SECOND}: suspended: none"]
    both.fab("resume_autoscaling_processes:opendebates,local")


def test_a_second_group_that_fails_brings_the_first_one_back(both: Project) -> None:
    before = named(both)
    rollout = both.config["environments"]["local"]["rollout"]
    rollout.update(slot_deadline=20)
    both.write_config()
    good = both.git("rev-parse", "HEAD")
    try:
        both.edit("opendebates/urls.py", lambda text: text + SICK_IN_SECOND)
        both.commit("Sick in the second group")
        ended = both.fab(*QUICK, code=4)
    finally:
        rollout.update(slot_deadline=30)
        both.write_config()
        both.git("reset", "-q", "--hard", good)
    assert named(both) == before
    deploy = last(both)
    assert deploy["status"] == "rolled back"
    assert deploy["probe"]["failed"] == 0, deploy["probe"]
    assert {part["status"] for part in deploy["groups"].values()} == {"rolled back"}
    assert lines(ended.err, f"{FIRST}: goes back")
    assert lines(ended.err, f"{FIRST}: rolled back, launches {before[FIRST]}")
    assert f"{SECOND}: " in ended.err.splitlines()[-1]
    until("all servers", lambda: serving(both) == {FIRST: 2, SECOND: 1})


@pytest.mark.long
def test_a_deployer_killed_when_the_first_group_is_through_is_resumed(both: Project) -> None:
    before = group(both, FIRST)["LaunchTemplate"]["Version"]
    deploy = both.start(*QUICK)
    until("the first group on the new launch config", lambda: renewed(both, FIRST, before))
    kill(deploy)
    finish(deploy)
    foretold = both.fab("resume:opendebates,local", "--dry-run")
    assert lines(foretold.out, f"{SECOND}: ")
    refused = both.fab(*QUICK, "--groups", SECOND, code=6)
    assert f"left {FIRST} half-way" in refused.err
    both.fab("resume:opendebates,local")
    assert last(both)["status"] == "deployed"
    assert set(named(both).values()) == {last(both)["launch_config"]}
    assert both.describe()["unfinished"] == []


@pytest.mark.long
def test_repair_takes_both_groups_back(both: Project) -> None:
    before = named(both)
    version = group(both, FIRST)["LaunchTemplate"]["Version"]
    deploy = both.start(*QUICK)
    until("the first group on the new launch config", lambda: renewed(both, FIRST, version))
    kill(deploy)
    finish(deploy)
    both.fab("repair:opendebates,local")
    assert last(both)["status"] == "rolled back"
    assert named(both) == before
    until("all servers", lambda: serving(both) == {FIRST: 2, SECOND: 1})
