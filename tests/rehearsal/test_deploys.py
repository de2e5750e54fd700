"""Serial deploys under real traffic, and what else may happen meanwhile."""

from __future__ import annotations

import signal
import time
import urllib.request
from typing import Any

import pytest

from .project import PATIENCE, Ended, Project, finish, kill, lines, until

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]
DEPLOY = "deploy_serial:opendebates,local"
# Both servers in one batch and no worker: for rehearsals that are about something else than the order of things.
QUICK = (DEPLOY, "--batch", "2", "--no-worker")


def last(project: Project) -> dict[str, Any]:
    return project.history()[0]


def assert_clean(project: Project, servers: int = 2) -> dict[str, Any]:
    """The newest deploy ended well: no request failed, capacity never fell, everybody runs what the group launches."""
    deploy = last(project)
    assert deploy["status"] == "deployed", deploy
    assert deploy["probe"]["failed"] == 0, deploy["probe"]
    assert deploy["probe"]["total"] > 0
    assert deploy["capacity"]["lowest"] >= deploy["capacity"]["before"], deploy["capacity"]
    seen = project.describe()
    web = [server for server in seen["servers"] if server["role"] == "web" and server["state"] != "leaving"]
    assert len(web) == servers
    assert all(server["current"] and server["healthy"] for server in web), web
    assert seen["lock"] is None
    assert seen["unfinished"] == []
    return deploy


def release_at(project: Project) -> str:
    with urllib.request.urlopen(project.describe()["site"] + "release/", timeout=10) as answer:
        return str(answer.read().decode())


def test_both_ways_of_writing_deploy_a_new_commit_without_losing_a_request(site: Project) -> None:
    commit = site.commit("One more")
    ended = site.fab(DEPLOY)
    assert "0 of" in ended.out.splitlines()[-1]
    assert "capacity never below 2" in ended.out.splitlines()[-1]
    assert commit[:7] in release_at(site)
    assert_clean(site)
    site.fab("deploy_serial", "--deployment", "opendebates", "--environment", "local", *QUICK[1:])
    assert_clean(site)
    assert "opendebates local" in site.fab("local", "describe").out


def test_a_launch_config_made_before_is_deployed_by_its_name(site: Project) -> None:
    made = site.fab("create_launch_config_for_deployment:opendebates,local")
    name = made.out.strip()
    assert name.startswith("opendebates-local-2")
    site.fab(f"{DEPLOY},{name}", *QUICK[1:])
    assert assert_clean(site)["launch_config"] == name
    again = site.fab(f"{DEPLOY},{name}", *QUICK[1:])
    assert last(site)["instances"]["replaced"] == [], again


def test_a_dry_run_prints_the_steps_and_changes_nothing(site: Project) -> None:
    name = site.fab("create_launch_config_for_deployment:opendebates,local").out.strip()
    before = site.describe()
    ended = site.fab(f"{DEPLOY},{name}", "--dry-run")
    assert lines(ended.out, "launch")
    assert lines(ended.out, "terminate")
    assert site.describe() == before


def test_of_two_deploys_at_once_one_waits_and_a_third_that_must_not_wait_names_the_holder(site: Project) -> None:
    first = site.start(*QUICK)
    until("the first to hold the lock", lambda: site.describe()["lock"] is not None)
    second = site.start(*QUICK)
    third = site.fab(*QUICK, "--wait", "0", code=3)
    assert "deploy_serial" in third.err
    assert "@" in third.err
    for process in (first, second):
        ended = finish(process)
        assert ended.code == 0, ended
    newest, before = site.history()[:2]
    assert newest["status"] == before["status"] == "deployed"
    assert newest["started"] >= before["finished"] - 1
    assert_clean(site)


@pytest.mark.long
def test_a_deployer_that_sleeps_longer_than_its_lease_changes_nothing_when_it_wakes(site: Project) -> None:
    sleeper = site.start(*QUICK)
    until("the first launch", lambda: len(site.group()["Instances"]) > 2)
    kill(sleeper, signal.SIGSTOP)
    try:
        ended = site.fab(*QUICK)
        assert "of 2 servers" in ended.out or "replaced" in ended.out
    finally:
        kill(sleeper, signal.SIGCONT)
    woken = finish(sleeper)
    assert woken.code == 6, woken
    assert "lease" in woken.err
    assert_clean(site)


def test_a_scale_out_by_hand_in_mid_deploy_stays_where_the_operator_put_it(site: Project) -> None:
    deploy = site.start(DEPLOY, "--no-worker")
    group = site.group()
    until("the first launch", lambda: len(site.group()["Instances"]) > 2)
    site.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=group["AutoScalingGroupName"], DesiredCapacity=4
    )
    ended = finish(deploy)
    assert ended.code == 0, ended
    assert site.group()["DesiredCapacity"] == 4
    until("four servers in service", lambda: serving(site) == 4)
    assert_clean(site, servers=4)
    site.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=group["AutoScalingGroupName"], DesiredCapacity=2
    )
    until("two servers", lambda: len(site.group()["Instances"]) == 2)


def serving(project: Project) -> int:
    servers = project.describe()["servers"]
    return sum(each["role"] == "web" and each["state"] == "in service" and each["healthy"] for each in servers)


def test_a_group_at_its_maximum_is_deployed_and_has_the_maximum_of_before(site: Project) -> None:
    client, name = site.client("autoscaling"), site.group()["AutoScalingGroupName"]
    client.update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=2)
    try:
        site.fab(*QUICK)
        assert site.group()["MaxSize"] == 2
        assert_clean(site)
    finally:
        client.update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=8)


def test_a_process_that_was_suspended_before_is_still_suspended(site: Project) -> None:
    client, name = site.client("autoscaling"), site.group()["AutoScalingGroupName"]
    client.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["AZRebalance", "AlarmNotification"])
    try:
        site.fab(*QUICK)
        suspended = {each["ProcessName"] for each in site.group()["SuspendedProcesses"]}
        assert suspended == {"AZRebalance", "AlarmNotification"}
    finally:
        client.resume_processes(AutoScalingGroupName=name)
    assert_clean(site)


def test_after_a_change_of_the_instance_type_the_same_release_serves(site: Project) -> None:
    site.fab(*QUICK)
    release, before = release_at(site), site.group()
    site.config["environments"]["local"]["instance_types"] = {"web": "m5.large"}
    site.write_config()
    try:
        site.fab("create_environment:opendebates,local")
        assert release_at(site) == release
        after = site.group()
        assert after["DesiredCapacity"] == before["DesiredCapacity"]
        client = site.client("autoscaling")
        victim = after["Instances"][0]["InstanceId"]
        client.terminate_instance_in_auto_scaling_group(InstanceId=victim, ShouldDecrementDesiredCapacity=False)
        until("the replacement", lambda: replaced(site, victim))
        assert release_at(site) == release
        new = [each for each in site.group()["Instances"] if each["InstanceType"] == "m5.large"]
        assert new
    finally:
        del site.config["environments"]["local"]["instance_types"]
        site.write_config()
    site.fab("create_environment:opendebates,local")


def replaced(project: Project, victim: str) -> bool:
    servers = [each for each in project.describe()["servers"] if each["role"] == "web"]
    ids = {each["id"] for each in servers if each["state"] == "in service" and each["healthy"]}
    return victim not in ids and len(ids) >= 2


def test_a_deployer_killed_again_and_again_is_followed_by_the_same_command(site: Project) -> None:
    client, name = site.client("autoscaling"), site.group()["AutoScalingGroupName"]
    client.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["ScheduledActions"])
    before = site.group()
    try:
        for moment in (0.8, 3.0, 4.5, 6.0, 9.0):
            process = site.start(DEPLOY)
            time.sleep(moment)  # the moment itself is what varies; nothing is waited for
            kill(process)
            finish(process)
        ended: Ended = site.fab(DEPLOY)
        after = site.group()
        for key in ("MinSize", "MaxSize", "DesiredCapacity"):
            assert after[key] == before[key], (key, str(ended))
        assert [each["ProcessName"] for each in after["SuspendedProcesses"]] == ["ScheduledActions"]
    finally:
        client.resume_processes(AutoScalingGroupName=name)
    until("surplus servers to go", lambda: len(site.group()["Instances"]) == 2, PATIENCE)
    assert_clean(site)
