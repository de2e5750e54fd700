"""Deploys to adopted groups go by what is seen there: hooks, balancers, servers of a launch configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.adoption.first_release import check_first_release
from fabfile.apply.description import site_of
from fabfile.apply.launch_configs import LaunchConfigMaker
from fabfile.aws.autoscaling import describe_group
from fabfile.aws.session import Aws
from fabfile.config.environment import Environment
from fabfile.errors import UsageError
from fabfile.rollout.intents import begin
from fabfile.tasks.wiring import policy_of
from tests.aws.account import environment as environment_of
from tests.aws.account import manifest
from tests.localcloud.account import Account, open_account
from tests.rollout.fleets import NEW, OLD, fleet, member

GROUP = "opendebates-testing-web"


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as account:
        yield account


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return environment_of(tmp_path)


@pytest.fixture
def aws(account: Account, environment: Environment) -> Aws:
    return Aws(environment, endpoint_url=account.url)


@pytest.mark.parametrize(("hook", "told"), [("fabscale-ready", "fabscale-ready"), ("puppet", "")])
def test_servers_answer_our_launch_hook_only_where_the_group_has_it(
    account: Account, aws: Aws, environment: Environment, hook: str, told: str
) -> None:
    account.group(GROUP, minimum=0)
    account.groups.put_lifecycle_hook(
        AutoScalingGroupName=GROUP,
        LifecycleHookName=hook,
        LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
    )
    maker = LaunchConfigMaker(aws, environment, lambda: 1_700_000_000.0, lambda _: None)
    assert maker.document(manifest(), GROUP)["hook"] == told


def test_launch_configs_are_made_of_what_an_adopted_group_launches(
    account: Account, aws: Aws, environment: Environment
) -> None:
    template = account.template("theirs")
    live = account.version(template, InstanceType="m5.large")
    account.version(template, InstanceType="m5.metal")
    account.group(GROUP, minimum=0, LaunchTemplate={"LaunchTemplateId": template, "Version": live})
    maker = LaunchConfigMaker(aws, environment, lambda: 1_700_000_000.0, lambda _: None)
    made = maker.make(manifest(), GROUP)
    assert made.id == f"{template}:4"
    assert '"InstanceType": "m5.large"' in made.shape


def first_release(account: Account, aws: Aws, environment: Environment, migrates: bool, **data: object) -> None:
    template = account.template("theirs", **data)
    account.group(GROUP, minimum=0, LaunchTemplate={"LaunchTemplateId": template, "Version": "1"})
    check_first_release(aws, environment, describe_group(aws, GROUP).group, migrates=migrates)


def test_servers_that_could_not_fetch_their_first_release_are_refused_before_it_is_built(
    account: Account, aws: Aws, environment: Environment
) -> None:
    with pytest.raises(UsageError) as error:
        first_release(account, aws, environment, migrates=False)
    text = str(error.value)
    assert text.startswith(f"cannot deploy the first release to {GROUP}: lt-")
    assert text.endswith(
        "has no instance profile to fetch it with. Give it one whose role is allowed s3:GetObject on "
        "arn:aws:s3:::fabscale-123456789012/opendebates/*."
    )


@pytest.mark.parametrize("migrates", [True, False])
def test_servers_from_before_the_adoption_are_not_asked_to_migrate(
    account: Account, aws: Aws, environment: Environment, migrates: bool
) -> None:
    profile = {"IamInstanceProfile": {"Name": "servers"}}
    if not migrates:
        return first_release(account, aws, environment, migrates, **profile)
    with pytest.raises(UsageError, match="none of them can migrate before new ones come") as error:
        first_release(account, aws, environment, migrates, **profile)
    assert error.value.exit_code == 2


def test_without_the_hooks_gate_a_server_proves_itself_behind_the_balancers(environment: Environment) -> None:
    environment = replace(environment, rollout=replace(environment.rollout, min_healthy_time=60.0, poll=5.0))
    assert policy_of(environment, "1", 2, 0.0, gated=True).min_healthy_time == 2.5
    assert policy_of(environment, "1", 2, 0.0, gated=False).min_healthy_time == 60.0


def test_servers_of_a_launch_configuration_are_gone_back_to_by_the_adopted_version() -> None:
    foreign = (
        member("i-1", launch_config="site-2019"),
        member("i-2", launch_config="site-2019"),
        member("i-3", launch_config=OLD),
    )
    intent = begin(fleet(*foreign, launch_config=OLD), deploy_id="d", target=NEW, started=0.0)
    assert intent.previous == OLD


def test_the_site_is_at_a_classic_balancer_too(account: Account, aws: Aws, environment: Environment) -> None:
    assert site_of(aws, environment) == ""
    account.client("elb").create_load_balancer(
        LoadBalancerName="opendebates-testing",
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 8000}],
        Subnets=account.subnets(),
    )
    found = account.client("elb").describe_load_balancers()["LoadBalancerDescriptions"][0]["DNSName"]
    assert site_of(aws, environment) == f"http://{found}/"
