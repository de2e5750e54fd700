"""Adoptions in an account: only what the group launches from changes, whenever the adopter dies, and it can go back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fabfile.adoption.carrying_out import adoptions, carry_out, check_nothing_is_under_way, ended, record_of, take_back
from fabfile.adoption.decision import decide
from fabfile.adoption.model import Change, Expected, Seen
from fabfile.adoption.seeing import see
from fabfile.apply.ledger_contract import Record, Status, Unfinished
from fabfile.aws.group_settings import find_group_settings
from fabfile.aws.launch_templates import create_template, read_launch_config
from fabfile.aws.session import Aws
from fabfile.config.environment import Environment
from fabfile.errors import FabscaleError, StoppedHalfway, UsageError
from fabfile.rollout.model import Intent
from tests.aws.account import environment as environment_of
from tests.localcloud.account import Account, encoded, open_account

GROUP = "opendebates-testing-web"
EXPECTED = Expected("opendebates,testing", ("opendebates-testing",), 80)
FOREIGN = "#!/bin/sh\nexport PASSWORD=hunter2\n"


class TurningClock:
    """A clock whose sleep lets the account's time pass."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds
        self._account.turn()


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


def balancer(account: Account) -> str:
    name = "opendebates-testing"
    account.client("elb").create_load_balancer(
        LoadBalancerName=name,
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 8000}],
        Subnets=account.subnets(),
    )
    return name


def by_hand(account: Account, **given: Any) -> None:
    """A group as somebody made it years ago: every setting of its own."""
    account.groups.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        MinSize=1,
        MaxSize=3,
        DesiredCapacity=2,
        VPCZoneIdentifier=",".join(account.subnets()),
        HealthCheckType="ELB",
        HealthCheckGracePeriod=240,
        DefaultCooldown=77,
        TerminationPolicies=["OldestInstance"],
        Tags=[{"Key": "team", "Value": "web", "PropagateAtLaunch": True}],
        LoadBalancerNames=[balancer(account)],
        **given,
    )
    account.groups.put_lifecycle_hook(
        AutoScalingGroupName=GROUP,
        LifecycleHookName="drain",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout=60,
    )
    account.groups.suspend_processes(AutoScalingGroupName=GROUP, ScalingProcesses=["AlarmNotification"])
    account.turn(8)


def on_configuration(account: Account) -> None:
    account.groups.create_launch_configuration(
        LaunchConfigurationName="site-2019", ImageId="ami-1", InstanceType="m5.large", UserData=FOREIGN, KeyName="old"
    )
    by_hand(account, LaunchConfigurationName="site-2019")


def looked_at(aws: Aws, environment: Environment) -> tuple[Seen, Change | None]:
    (seen,) = see(aws, environment, EXPECTED)
    verdict = decide(seen, EXPECTED)
    assert verdict.problems == ()
    return seen, verdict.change


def adopted(account: Account, aws: Aws, environment: Environment) -> str:
    _, change = looked_at(aws, environment)
    assert change is not None
    return carry_out(aws, change, TurningClock(account), lambda: None)


def templates(account: Account) -> list[str]:
    return [each["LaunchTemplateName"] for each in account.ec2.describe_launch_templates()["LaunchTemplates"]]


def test_looking_changes_nothing_and_can_change_nothing(account: Account, environment: Environment) -> None:
    on_configuration(account)
    before = account.seen(GROUP)
    looked_at(Aws(environment, endpoint_url=account.url, read_only=True), environment)
    assert account.seen(GROUP) == before
    assert templates(account) == []


def test_a_group_on_a_launch_configuration_keeps_everything_but_what_it_launches_from(
    account: Account, aws: Aws, environment: Environment
) -> None:
    on_configuration(account)
    before, servers = find_group_settings(aws, GROUP), account.ids(GROUP)
    target = adopted(account, aws, environment)
    account.turn(10)
    after = find_group_settings(aws, GROUP)
    assert before is not None
    assert after is not None
    assert after.kept == before.kept
    assert str(after.source) == target
    assert account.ids(GROUP) == servers
    made = read_launch_config(aws, target)
    assert made.name == "adopted from site-2019"
    assert made.user_data == FOREIGN
    account.groups.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=3)
    account.until(lambda: len(account.ids(GROUP)) == 3)
    (new,) = set(account.ids(GROUP)) - set(servers)
    assert account.machines.specs[new].user_data == FOREIGN.encode()


def test_an_adoption_that_died_after_making_the_template_goes_on_with_that_one(
    account: Account, aws: Aws, environment: Environment
) -> None:
    on_configuration(account)
    _, change = looked_at(aws, environment)
    assert change is not None
    assert change.template is not None
    made = create_template(aws, change.template)
    assert adopted(account, aws, environment) == made
    assert templates(account) == [GROUP]
    assert looked_at(aws, environment)[1] is None, "adopted once, there is nothing left to change"


def test_a_template_whose_reply_was_lost_is_found_by_its_tags(
    account: Account, aws: Aws, environment: Environment
) -> None:
    on_configuration(account)
    _, change = looked_at(aws, environment)
    assert change is not None
    assert change.template is not None
    made = create_template(aws, change.template)
    assert carry_out(aws, change, TurningClock(account), lambda: None) == made


def test_somebody_elses_template_of_the_name_is_not_taken_over(
    account: Account, aws: Aws, environment: Environment
) -> None:
    on_configuration(account)
    account.template(GROUP)
    target = adopted(account, aws, environment)
    assert sorted(templates(account)) == [GROUP, f"{GROUP}-2"]
    assert read_launch_config(aws, target).user_data == FOREIGN


def test_a_lost_lock_leaves_the_group_alone(account: Account, aws: Aws, environment: Environment) -> None:
    on_configuration(account)
    _, change = looked_at(aws, environment)
    assert change is not None

    def lost() -> None:
        raise FabscaleError("hold the lock", "it is lost")

    with pytest.raises(FabscaleError):
        carry_out(aws, change, TurningClock(account), lost)
    assert account.seen(GROUP)["LaunchConfigurationName"] == "site-2019"


def test_an_adoption_is_taken_back_to_the_launch_configuration(
    account: Account, aws: Aws, environment: Environment
) -> None:
    on_configuration(account)
    before = find_group_settings(aws, GROUP)
    adopted(account, aws, environment)
    clock = TurningClock(account)
    assert take_back(aws, GROUP, "launch configuration site-2019", clock)
    after = find_group_settings(aws, GROUP)
    assert before is not None
    assert after is not None
    assert (after.source, after.kept) == (before.source, before.kept)
    assert not take_back(aws, GROUP, "launch configuration site-2019", clock)


@pytest.mark.parametrize("version", ["$Latest", "$Default"])
def test_a_version_without_a_number_is_pinned_and_unpinned(
    account: Account, aws: Aws, environment: Environment, version: str
) -> None:
    template = account.template()
    newest = account.version(template, InstanceType="m5.large")
    by_hand(account, LaunchTemplate={"LaunchTemplateId": template, "Version": version})
    assert adopted(account, aws, environment) == f"{template}:{newest if version == '$Latest' else '1'}"
    assert take_back(aws, GROUP, f"{template}:{version}", TurningClock(account))
    assert account.seen(GROUP)["LaunchTemplate"]["Version"] == version


def test_a_mixed_instances_policy_keeps_all_but_the_version(
    account: Account, aws: Aws, environment: Environment
) -> None:
    template = account.template()
    overrides = [{"InstanceType": "m5.large"}, {"InstanceType": "m5a.large"}]
    specification = {"LaunchTemplateId": template, "Version": "$Latest"}
    policy = {
        "LaunchTemplate": {"LaunchTemplateSpecification": specification, "Overrides": overrides},
        "InstancesDistribution": {"OnDemandBaseCapacity": 1},
    }
    by_hand(account, MixedInstancesPolicy=policy)
    assert adopted(account, aws, environment) == f"{template}:1"
    after = account.seen(GROUP)["MixedInstancesPolicy"]
    assert after["LaunchTemplate"]["LaunchTemplateSpecification"]["Version"] == "1"
    assert after["LaunchTemplate"]["Overrides"] == overrides
    assert after["InstancesDistribution"] == policy["InstancesDistribution"]


def tagged(account: Account, name: str, **tags: str) -> None:
    account.group(
        name, minimum=0, Tags=[{"Key": key, "Value": value, "PropagateAtLaunch": False} for key, value in tags.items()]
    )


def refusal(aws: Aws, environment: Environment) -> str:
    with pytest.raises(UsageError) as error:
        see(aws, environment, EXPECTED)
    assert error.value.exit_code == 2
    return str(error.value)


def test_a_group_that_is_not_there_is_met_with_the_nearest_names(
    account: Account, aws: Aws, environment: Environment
) -> None:
    assert "make an environment: create_environment" in refusal(aws, environment)
    tagged(account, "opendebates-test-web")
    assert refusal(aws, environment).startswith("cannot adopt the autoscaling group opendebates-testing-web: there is ")
    assert refusal(aws, environment).endswith("the nearest are: opendebates-test-web.")


def test_one_group_with_the_environments_tags_is_named_and_of_two_one_is_to_be_chosen(
    account: Account, aws: Aws, environment: Environment
) -> None:
    tagged(account, "www-blue", deployment="opendebates", environment="testing")
    assert refusal(aws, environment).endswith("Set auto_scaling_groups: www-blue.")
    tagged(account, "www-green", deployment="opendebates", environment="testing")
    text = refusal(aws, environment)
    assert "www-blue, www-green have its tags (deployment=opendebates, environment=testing)" in text
    assert text.endswith("Name the one that is meant in auto_scaling_groups.")


def test_what_was_before_the_first_of_several_adoptions_is_what_undoing_brings_back() -> None:
    web = Change("web", "launch configuration old", "lt-1:1", "")
    first = record_of([web, Change("worker", "lt-2:$Latest", "lt-2:4", "")], "1", "site", "staging", 1.0)
    second = record_of([Change("web", "lt-1:$Default", "lt-1:1", "")], "2", "site", "staging", 2.0)
    found, before = adoptions([second, ended(first, Status.HALF_WAY, "died", 2.0)])
    assert len(found) == 2
    assert before == {"web": "launch configuration old", "worker": "lt-2:$Latest"}
    assert adoptions([replace(first, status=Status.ROLLED_BACK)]) == ((), {})


def test_an_adoption_is_not_undone_while_a_deploy_has_settings_of_the_group_to_put_back() -> None:
    """It died before it launched anything: of releases there is no trace, and AZRebalance is suspended."""
    record = Record("d-1", "deploy_serial", "site", "staging", "lt-1:2", "lt-1:1")
    intent = Intent("d-1", "lt-1:2", "lt-1:1", group="web")
    check_nothing_is_under_way((Unfinished(record, (intent,)),), "site,staging")
    with pytest.raises(StoppedHalfway) as refused:
        check_nothing_is_under_way((Unfinished(record, (replace(intent, begun=True),)),), "site,staging")
    assert str(refused.value) == (
        "cannot undo the adoption: the deploy d-1 has not ended. "
        "Run fab resume:site,staging or fab repair:site,staging first."
    )


def test_user_data_is_nowhere_in_what_is_told(account: Account, aws: Aws, environment: Environment) -> None:
    from fabfile.tasks.adoption_report import as_document, facts, outcome  # noqa: PLC0415

    on_configuration(account)
    (seen,) = see(aws, environment, EXPECTED)
    verdict = decide(seen, EXPECTED)
    told = "\n".join([*facts(seen), *outcome(seen, verdict, "opendebates,testing"), str(as_document(seen, verdict))])
    assert "hunter2" not in told
    assert encoded(FOREIGN) not in told
    assert f"{len(FOREIGN)} bytes of user data" in told
