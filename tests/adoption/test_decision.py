"""What adopting a group comes to: nothing while something stands in the way, and one change otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fabfile.adoption.decision import ADOPTED_FROM, ADOPTED_GROUP, decide, template_names
from fabfile.adoption.model import Balancer, Launches
from fabfile.aws.group_settings import Hook, Launched, Source
from fabfile.aws.launch_templates import Template

from .groups import BALANCER, CONFIGURATION, EXPECTED, on_template, seen


def problem(**changes: Any) -> str:
    (only,) = decide(seen(**changes), EXPECTED).problems
    return only


def policy(*overrides: dict[str, Any]) -> Source:
    template = {"LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1", "Version": "7"}, "Overrides": [*overrides]}
    return Source(template="lt-1", version="7", policy={"LaunchTemplate": template})


def test_a_launch_configuration_that_is_gone_stands_in_the_way() -> None:
    verdict = decide(seen(configuration=None, launches=None), EXPECTED)
    assert verdict.change is None
    assert verdict.problems == (
        "site-web launches from the launch configuration site-2019, which is gone: it can launch nothing. Give it a "
        "launch template that makes its servers (`aws ec2 get-launch-template-data --instance-id` prints one's)",
    )


def test_a_balancer_of_the_config_that_the_group_is_not_behind_is_told_with_those_that_it_is_behind() -> None:
    assert problem(balancers=(replace(BALANCER, name="old-site"),)) == (
        "site-web is not behind the load balancer site of the config: it is behind old-site. "
        "Set load_balancers: [old-site]"
    )
    assert problem(balancers=()).endswith("it is behind none. Attach it to the group")


def test_weights_and_templates_of_their_own_in_a_policy_are_refused_plainly() -> None:
    weighed = decide(on_template("7", source=policy({"InstanceType": "m5.large", "WeightedCapacity": "2"})), EXPECTED)
    assert weighed.problems == (
        "deploys can't work with site-web: its MixedInstancesPolicy weighs instance types: its sizes are no numbers of "
        "servers, which rollouts count. Take that out of the policy",
    )
    own = policy({"InstanceType": "m6g.large", "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-2"}})
    assert "several launch templates" in decide(on_template("7", source=own), EXPECTED).problems[0]


def test_a_policy_without_either_is_left_as_it_is() -> None:
    verdict = decide(on_template("7", source=policy({"InstanceType": "m5.large"})), EXPECTED)
    assert (verdict.change, verdict.problems) == (None, ())


def test_servers_of_another_architecture_than_releases_are_built_for_stand_in_the_way() -> None:
    assert problem(launches=Launches("ami-1", "m6g.large", "", "servers")) == (
        "site-web launches m6g.large (aarch64), and the config's instance_types say that releases are built for "
        "x86_64. Set instance_types: m6g.large"
    )


def test_a_launch_configuration_becomes_version_1_of_a_template_called_like_the_group() -> None:
    change = decide(seen(), EXPECTED).change
    assert change is not None
    assert change.template is not None
    assert (change.group, change.before, change.target) == ("site-web", "launch configuration site-2019", "")
    assert change.template.name == "site-web"
    assert change.template.tags[ADOPTED_GROUP] == "site-web"
    assert "IyEv" not in repr(change), "user data may hold secrets"


def test_a_template_that_was_made_before_is_used_again() -> None:
    made = decide(seen(), EXPECTED).change
    assert made is not None
    assert made.template is not None
    again = decide(seen(templates=(Template("lt-9", "site-web", made.template.tags),)), EXPECTED).change
    assert again is not None
    assert (again.target, again.template) == ("lt-9:1", None)


@pytest.mark.parametrize("tags", [{}, {ADOPTED_GROUP: "site-web", ADOPTED_FROM: "site-2019 0123456789abcdef"}])
def test_a_template_of_that_name_with_something_else_in_it_is_left_alone(tags: dict[str, str]) -> None:
    taken = (Template("lt-8", "site-web", tags), Template("lt-9", "site-web-2", {}))
    change = decide(seen(templates=taken), EXPECTED).change
    assert change is not None
    assert change.template is not None
    assert change.template.name == "site-web-3"


def test_a_groups_name_that_is_none_for_a_template_is_changed_as_little_as_possible() -> None:
    assert next(template_names("web (old) ü")) == "web-(old)--"
    assert next(template_names("w")) == "w--"
    assert len(next(template_names("w" * 255))) <= 128


@pytest.mark.parametrize("version", ["$Latest", "$Default"])
def test_a_version_without_a_number_is_pinned_to_the_one_that_it_is_now(version: str) -> None:
    change = decide(on_template(version), EXPECTED).change
    assert change is not None
    assert (change.before, change.target, change.template) == (f"lt-1:{version}", "lt-1:7", None)
    assert change.reason == f"{version} is version 7 now, and another one as soon as somebody makes it"


def test_a_group_on_a_numbered_version_needs_no_change() -> None:
    assert decide(on_template("7"), EXPECTED).change is None


def notes(**changes: Any) -> str:
    return "\n".join(decide(seen(**changes), EXPECTED).notes)


def test_what_deploys_will_meet_is_told() -> None:
    ours = Hook("fabscale-ready", launching=True, timeout=600, default="ABANDON")
    assert "has to be healthy there for 10 s" in notes()
    assert "has to be healthy" not in notes(hooks=(ours,))
    theirs = replace(ours, name="puppet")
    assert "abandoned after 600 s" in notes(hooks=(theirs,))
    assert "puppet" not in notes(hooks=(replace(theirs, target="arn:aws:sns:…"),))
    assert "connection draining of site is off" in notes(balancers=(replace(BALANCER, delay=0.0),))
    assert "health check type EC2" in notes(health_check="EC2")
    assert "fab resume_autoscaling_processes:site,staging,Launch\\,Terminate" in notes(
        suspended=("Launch", "Terminate")
    )
    assert "listens on 443, and not on the config's listener_port 80" in notes(
        balancers=(replace(BALANCER, ports=(443,)),)
    )
    orphan = Balancer("", "", "", (), "/", 300.0, "site-targets")
    assert "no load balancer sends requests to the target group site-targets" in notes(balancers=(BALANCER, orphan))


def test_servers_that_could_not_fetch_a_release_are_told_early() -> None:
    allow = "allow its role s3:GetObject on arn:aws:s3:::releases/site/*"
    assert allow not in notes()
    assert f"may not read releases: {allow}" in notes(reads_releases=False)
    assert "nobody could say" in notes(reads_releases=None)
    assert "have no instance profile" in notes(launches=Launches("ami-1", "m5.large"))
    blind = Launches("ami-1", "m5.large", "", "servers", metadata=False)
    assert "metadata service of the servers of site-web is off" in notes(launches=blind)


def test_servers_on_another_version_than_the_next_one_are_named() -> None:
    old = Launched("i-3", "us-east-1a", "InService", True, "lt-1:4")
    assert "i-3 run something else than lt-1:7" in "\n".join(decide(on_template("7", servers=(old,)), EXPECTED).notes)


def test_what_is_left_out_of_the_template_has_its_reason() -> None:
    snapshot = {"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-1", "Encrypted": True}}
    linked = replace(CONFIGURATION, classic_link="vpc-1", devices=(snapshot,))
    change = decide(seen(configuration=linked), EXPECTED).change
    assert change is not None
    assert [each.partition(":")[0] for each in change.left_out] == ["ClassicLink to vpc-1", "Encrypted of /dev/sdf"]
