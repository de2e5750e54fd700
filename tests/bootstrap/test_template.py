"""The stack's template and parameters: what deploys own is never in them by value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint import api, core

from fabfile.aws.placement import Placement
from fabfile.bootstrap.template import Live, additions, parameters, render
from fabfile.config.environment import (
    Application,
    Environment,
    HealthCheck,
    LocalTimes,
    Names,
    Provider,
    RoleSettings,
    Rollout,
)

PLACEMENT = Placement("vpc-1", ("subnet-1", "subnet-2"), "/dev/xvda")
ROLE = RoleSettings(1, "t3.small", 10, "gp3")


@pytest.fixture
def environment() -> Environment:
    return Environment(
        deployment="opendebates",
        name="staging",
        provider=Provider.AWS,
        production=False,
        region="us-east-1",
        zones=("us-east-1a", "us-east-1b"),
        vpc="",
        subnets=(),
        ami="ami-0123456789abcdef0",
        branch="main",
        repository=Path(),
        python="/usr/bin/python3",
        app_port=8000,
        listener_port=80,
        minimum=2,
        maximum=8,
        desired=4,
        roles={"web": replace(ROLE, count=4), "worker": ROLE, "db-primary": ROLE},
        domains=(),
        names=Names("s", "s-web", "s-web", ("s",), "s", "s-worker", "fabscale", "fabscale-{account}"),
        application=Application((), (), (), ()),
        health=HealthCheck(),
        rollout=Rollout(),
        local=LocalTimes(),
        ssh_user="app",
        ssh_config=None,
        ssh_attribute="private_ip_address",
        key_name="",
        tags={"fabscale:environment": "staging"},
        state=Path(".fab"),
    )


def resources(text: str) -> dict[str, Any]:
    """Return a template's resources, with CloudFormation's short forms read as plain values."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, tag, node: {tag: _plain(loader, node)})
    found: dict[str, Any] = yaml.load(text, Loader)["Resources"]
    return found


def _plain(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


def test_a_group_that_runs_a_release_keeps_its_version_and_its_desired_capacity(environment: Environment) -> None:
    given = parameters(environment, PLACEMENT, Live("7", "3"))
    assert given["WebVersion"] == "7"
    assert given["WorkerVersion"] == "3"
    assert "WebDesired" not in given
    assert given["WebMinimum"] == "2"


def test_an_update_never_sets_the_maximum_below_the_servers_that_an_operator_asked_for(
    environment: Environment,
) -> None:
    grown = parameters(environment, PLACEMENT, Live("7", "3", web_desired=environment.maximum + 5))
    assert grown["WebMaximum"] == str(environment.maximum + 5)
    assert parameters(environment, PLACEMENT, Live("7", "3", web_desired=1))["WebMaximum"] == str(environment.maximum)


def test_a_group_that_never_ran_a_release_stays_empty_until_there_is_one(environment: Environment) -> None:
    given = parameters(environment, PLACEMENT, Live())
    assert given["WebVersion"] == ""
    assert given["WebMinimum"] == "0"
    assert given["WorkerCount"] == "0"


def test_desired_capacity_is_only_ever_a_parameter_and_there_is_no_rolling_update_policy(
    environment: Environment,
) -> None:
    group = resources(render(environment, "bucket"))["WebGroup"]
    assert group["Properties"]["DesiredCapacity"] == {
        "If": ["HasWebDesired", {"Ref": "WebDesired"}, {"Ref": "AWS::NoValue"}]
    }
    assert "UpdatePolicy" not in group


def test_servers_answer_metadata_requests_with_tokens_alone_and_their_volumes_are_encrypted(
    environment: Environment,
) -> None:
    data = resources(render(environment, "bucket"))["WebTemplate"]["Properties"]["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


def test_the_grace_period_is_said_because_cloudformation_takes_none_for_zero(environment: Environment) -> None:
    group = resources(render(environment, "bucket"))["WebGroup"]
    assert group["Properties"]["HealthCheckGracePeriod"] == 300


def test_the_servers_role_may_do_nothing_to_everything(environment: Environment) -> None:
    role = resources(render(environment, "bucket"))["ServerRole"]["Properties"]
    for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
        assert statement["Resource"] != "*"
        assert "*" not in str(statement["Action"])


@pytest.mark.parametrize("roles", [("web",), ("web", "worker"), ("web", "worker", "db-primary")])
def test_cloudformations_linter_has_nothing_to_say(environment: Environment, roles: tuple[str, ...]) -> None:
    chosen = replace(environment, roles={name: environment.roles[name] for name in roles})
    matches = api.lint(render(chosen, "bucket"), core.get_rules([], [], ["I", "W", "E"]), ["us-east-1"])
    assert [str(match) for match in matches] == []


def test_what_a_new_stack_would_add_is_read_from_its_template(environment: Environment) -> None:
    """Without CloudFormation: a change set for a stack that is not there would make an empty one."""
    added = {change.resource: change.type for change in additions(render(environment, "bucket"))}
    assert added == {name: resource["Type"] for name, resource in resources(render(environment, "bucket")).items()}
    assert added["WebGroup"] == "AWS::AutoScaling::AutoScalingGroup"
