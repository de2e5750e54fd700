"""Groups made by hand are adopted and deployed to under traffic: no request lost, every setting as it was."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from . import by_hand
from .by_hand import settings
from .project import ROOT, Project, finish, kill, lines, until
from .test_docs import typed

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]
OLD = "made by hand\n"
CLASSIC, TARGETS = "www-classic", "www-targets"


@pytest.fixture(scope="module")
def hand_made() -> Iterator[Project]:
    """A project in whose account both kinds of groups serve what somebody else put there."""
    with by_hand.project() as made:
        by_hand.on_a_launch_configuration(made)
        by_hand.on_a_launch_template(made)
        until("both groups to serve", lambda: _serves(made, CLASSIC) and _serves(made, TARGETS))
        yield made


def _serves(made: Project, name: str) -> bool:
    """Whether both servers are in service, and healthy behind their balancer."""
    members = by_hand.seen(made, name)["Instances"]
    if name == CLASSIC:
        health = made.client("elb").describe_instance_health(LoadBalancerName=name)["InstanceStates"]
        healthy = [each["InstanceId"] for each in health if each["State"] == "InService"]
    else:
        (arn,) = by_hand.seen(made, name)["TargetGroupARNs"]
        found = made.client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        healthy = [each["Target"]["Id"] for each in found if each["TargetHealth"]["State"] == "healthy"]
    serving = [each["InstanceId"] for each in members if each["LifecycleState"] == "InService"]
    return len(serving) == 2 and set(serving) <= set(healthy)


def look(made: Project, environment: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.fab(f"describe:opendebates,{environment}", "--json").out)
    return found


def newest(made: Project, environment: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(made.fab(f"history:opendebates,{environment}", "--json").out)
    return found[0]


def page(made: Project, environment: str) -> str:
    with urllib.request.urlopen(look(made, environment)["site"], timeout=10) as answer:
        return str(answer.read().decode())


def assert_deployed(made: Project, environment: str, before: dict[str, Any]) -> None:
    """The newest deploy lost no request and no capacity, and left every setting of the group as it was."""
    deploy = newest(made, environment)
    assert deploy["status"] == "deployed", deploy
    assert deploy["probe"]["failed"] == 0, deploy["probe"]
    assert deploy["probe"]["total"] > 0
    assert deploy["capacity"]["lowest"] >= deploy["capacity"]["before"] == 2, deploy["capacity"]
    assert settings(made, before["AutoScalingGroupName"]) == before
    servers = look(made, environment)["servers"]
    assert len(servers) == 2
    assert all(server["current"] and server["healthy"] and server["balancers"] for server in servers), servers


def test_a_group_on_a_launch_configuration_is_not_deployed_to_before_it_is_adopted(hand_made: Project) -> None:
    ended = hand_made.fab("deploy_serial:opendebates,local", code=2)
    assert "it launches from the launch configuration www-classic-2019. See what `fab adopt` makes of it" in ended.err


def test_looking_shows_the_group_and_what_would_change_and_changes_nothing(hand_made: Project) -> None:
    before = by_hand.seen(hand_made, CLASSIC)
    out = hand_made.fab("adopt:opendebates,local").out
    assert lines(out, "www-classic (web) launches from the launch configuration www-classic-2019")
    assert lines(out, "sizes: desired 2 (between 2 and 4)")
    assert lines(out, "balancer: www-classic (classic)", ":8081", "HTTP:8000/healthcheck.html", "1 s")
    assert lines(out, "would change: www-classic", "version 1 of a launch template")
    assert lines(out, "note: www-classic has no launch hook fabscale-ready")
    assert out.endswith("fab adopt:opendebates,local --apply does it\n")
    (document,) = json.loads(hand_made.fab("adopt:opendebates,local", "--json").out)
    assert document["change"]["before"] == "launch configuration www-classic-2019"
    hand_made.fab("adopt:opendebates,local", "--apply", "--dry-run")
    assert by_hand.seen(hand_made, CLASSIC) == before


def test_a_balancer_that_the_group_is_not_behind_is_a_wrong_config(hand_made: Project) -> None:
    local = hand_made.config["environments"]["local"]
    local["load_balancers"] = ["www"]
    hand_made.write_config()
    try:
        ended = hand_made.fab("adopt:opendebates,local", "--apply", code=2)
        assert ended.err.endswith("it is behind www-classic. Set load_balancers: [www-classic].\n")
        assert "LaunchConfigurationName" in by_hand.seen(hand_made, CLASSIC)
    finally:
        local["load_balancers"] = [CLASSIC]
        hand_made.write_config()


def test_a_group_on_a_launch_configuration_behind_a_classic_balancer(hand_made: Project) -> None:
    """All that docs/adopting.md says, in its order."""
    before, members = settings(hand_made, CLASSIC), by_hand.seen(hand_made, CLASSIC)["Instances"]
    by_hand.release(hand_made, "second release\n")
    for _, words in typed("fab", [ROOT / "docs" / "adopting.md"]):
        hand_made.fab(*words)
        now = by_hand.seen(hand_made, CLASSIC)
        if words[0].startswith("undo_adoption"):
            assert now["LaunchConfigurationName"] == "www-classic-2019"
        elif words[-1] == "--apply":
            assert now["LaunchTemplate"]["Version"] == "1"
            assert now["Instances"] == members, "servers that run are left alone"
            assert settings(hand_made, CLASSIC) == before
            assert page(hand_made, "local") == OLD
    assert page(hand_made, "local") == "second release\n"
    assert_deployed(hand_made, "local", before)
    refused = hand_made.fab("undo_adoption:opendebates,local", code=2)
    assert "releases were deployed since" in refused.err


@pytest.mark.long
def test_a_first_release_that_fails_leaves_the_servers_made_by_hand_and_their_user_data(hand_made: Project) -> None:
    before = settings(hand_made, TARGETS)
    hand_made.fab("adopt:opendebates,other", "--apply")
    pinned = by_hand.seen(hand_made, TARGETS)["LaunchTemplate"]
    assert pinned["Version"] == "1", "$Latest is a number now"
    rollout = hand_made.config["environments"]["other"]["rollout"]
    rollout["slot_deadline"] = 8
    hand_made.write_config()
    by_hand.release(hand_made, "bad release\n", health=503)
    ended = hand_made.fab("deploy_serial:opendebates,other", code=4)
    assert "did not come into service" in ended.err
    rollout["slot_deadline"] = 30
    hand_made.write_config()
    group = by_hand.seen(hand_made, TARGETS)
    assert group["LaunchTemplate"] == pinned
    assert settings(hand_made, TARGETS) == before
    victim = group["Instances"][0]["InstanceId"]
    hand_made.client("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=victim, ShouldDecrementDesiredCapacity=False
    )
    until("a replacement", lambda: victim not in _ids(hand_made) and _serves(hand_made, TARGETS))
    assert page(hand_made, "other") == OLD


def _ids(made: Project) -> list[str]:
    return [each["InstanceId"] for each in by_hand.seen(made, TARGETS)["Instances"]]


@pytest.mark.long
def test_a_deploy_that_died_is_repaired_to_what_was_made_by_hand_and_resumed_the_next_time(hand_made: Project) -> None:
    before = settings(hand_made, TARGETS)
    by_hand.release(hand_made, "third release\n")
    for command in ("repair", "resume"):
        deploy = hand_made.start("deploy_serial:opendebates,other", "--batch", "2")
        until("the first launch", lambda: len(by_hand.seen(hand_made, TARGETS)["Instances"]) > 2)
        kill(deploy)
        finish(deploy)
        hand_made.fab(f"{command}:opendebates,other")
        assert page(hand_made, "other") == (OLD if command == "repair" else "third release\n")
        assert settings(hand_made, TARGETS) == before


@pytest.mark.long
def test_a_group_on_a_launch_template_behind_a_target_group(hand_made: Project) -> None:
    before = settings(hand_made, TARGETS)
    by_hand.release(hand_made, "fourth release\n")
    name = hand_made.fab("create_launch_config_for_deployment:opendebates,other").out.strip()
    hand_made.fab(f"deploy_serial:opendebates,other,{name}")
    assert page(hand_made, "other") == "fourth release\n"
    assert_deployed(hand_made, "other", before)
    hand_made.fab("suspend_autoscaling_processes:opendebates,other,ScheduledActions")
    hand_made.fab("resume_autoscaling_processes:opendebates,other,ScheduledActions")
    assert settings(hand_made, TARGETS) == before
