"""The loop on the AWS world, with the embedded control plane behind it and a clock that turns it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.apply.aws_world import AwsWorld
from fabfile.apply.evidence import redacted
from fabfile.apply.forecast import FreeLease
from fabfile.apply.ledger_contract import Record, Status
from fabfile.apply.loop import Pace, Setting
from fabfile.apply.memory_ledger import MemoryLedger
from fabfile.apply.report import Report
from fabfile.apply.series import run
from fabfile.apply.workers import NoWorkers
from fabfile.aws.session import Aws
from fabfile.errors import UsageError
from fabfile.rollout.intents import begin
from fabfile.rollout.model import Health, Intent, Launch, Lifecycle, Observed, Order, Policy
from fabfile.rollout.steps import LaunchInstances, SetMaximum, SwitchLaunchConfig, Terminate
from tests.aws.account import environment
from tests.localcloud.account import Account, open_account

POLICY = Policy(slot_deadline=120.0, min_healthy_time=2.0, read_lag=2.0)


class NoEvidence:
    def gather(self, instances: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{name}: nothing" for name in instances)


class TurningClock:
    """Sleeping lets the cloud work."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.time = 1_700_000_000.0
        self.between: list[Callable[[], None]] = []

    def now(self) -> float:
        return self.time

    monotonic = now

    def sleep(self, seconds: float) -> None:
        if self.between:
            self.between.pop(0)()
        self.time += 1.0
        self._account.turn(2)


class Stage:
    """A group of four behind a balancer, and the next launch config."""

    def __init__(self, account: Account, state: Path) -> None:
        self.account = account
        self.target_group = account.target_group()
        self.template = account.template()
        account.group(minimum=2, maximum=6, DesiredCapacity=4, TargetGroupARNs=[self.target_group])
        account.until(lambda: list(account.health(self.target_group).values()).count(("healthy", None)) == 4)
        self.new = f"{self.template}:{account.version(self.template)}"
        self.aws = Aws(environment(state), endpoint_url=account.url)
        self.world = AwsWorld(self.aws, "web", NoWorkers(), NoEvidence())
        self.clock = TurningClock(account)

    def deploy(self, policy: Policy = POLICY) -> Report:
        observed = Observed(self.world.observe_group())
        intent = begin(observed, deploy_id="d", target=self.new, started=self.clock.now(), order=Order.NEVER)
        setting = Setting(
            self.world, MemoryLedger(), FreeLease(), self.clock, policy, Pace(1.0), api_calls=lambda: self.aws.calls
        )
        record = Record("d", "deploy_serial", "opendebates", "testing", self.new, intent.previous)
        return run(setting, replace(record, started=self.clock.now()), intent)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with open_account() as account:
        yield Stage(account, tmp_path)


def test_a_group_that_is_not_there_is_a_usage_error(stage: Stage) -> None:
    world = AwsWorld(stage.aws, "nothing", NoWorkers(), NoEvidence())
    with pytest.raises(UsageError, match="create_environment"):
        world.observe_group()


def test_what_aws_refuses_for_the_groups_state_is_an_outcome_in_its_words(stage: Stage) -> None:
    launch = Launch("token", "us-east-1a", 9, stage.new, 0.0, 4)
    refused = stage.world.apply(LaunchInstances("too many", launch))
    assert refused.refusal
    assert refused.ids == ()
    gone = stage.world.apply(Terminate("gone", "i-0123456789abcdef0", decrement=False))
    assert "ValidationError" in gone.refusal


def test_a_look_takes_two_calls_and_sees_every_member_in_its_balancer(stage: Stage) -> None:
    before = dict(stage.aws.calls)
    group = stage.world.observe(Intent("d", stage.new, "", order=Order.NEVER)).group
    calls = {name: count - before.get(name, 0) for name, count in stage.aws.calls.items()}
    assert calls == {"DescribeAutoScalingGroups": 1, "DescribeTargetHealth": 1}
    assert len(group.members) == 4
    assert {member.lifecycle for member in group.members} == {Lifecycle.IN_SERVICE}
    assert {member.targets[0].health for member in group.members} == {Health.HEALTHY}
    assert {member.zone for member in group.members} == {"us-east-1a", "us-east-1b"}
    assert {member.launch_config for member in group.members} == {f"{stage.template}:1"}


def test_a_change_leaves_everything_that_it_does_not_name(stage: Stage) -> None:
    before = stage.account.seen()
    stage.world.apply(SwitchLaunchConfig("new", stage.new))
    stage.world.apply(SetMaximum("room", 7))
    after = stage.account.seen()
    assert after["LaunchTemplate"]["Version"] == "2"
    assert after["MaxSize"] == 7
    changed = {key for key in before if before[key] != after.get(key)}
    assert changed <= {"LaunchTemplate", "MaxSize"}


def test_launches_with_one_token_are_one_launch(stage: Stage) -> None:
    step = LaunchInstances("surge", Launch("token", "us-east-1a", 1, stage.new, 0.0, 4))
    first, second = stage.world.apply(step), stage.world.apply(step)
    assert first.ids == second.ids
    assert len(first.ids) == 1
    assert stage.account.seen()["DesiredCapacity"] == 5


def test_a_termination_tells_what_desired_capacity_was(stage: Stage) -> None:
    outcome = stage.world.apply(Terminate("old", stage.account.ids()[0], decrement=True))
    assert outcome.desired_from == 4
    assert stage.account.seen()["DesiredCapacity"] == 3


def test_every_server_is_replaced_and_sizes_stay(stage: Stage) -> None:
    old = set(stage.account.ids())
    report = stage.deploy()
    assert report.status is Status.DEPLOYED, report.reason
    group = stage.account.seen()
    serving = [one for one in group["Instances"] if one["LifecycleState"] == "InService"]
    assert not old & {one["InstanceId"] for one in serving}
    assert [one["LaunchTemplate"]["Version"] for one in serving] == ["2"] * 4
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (2, 6, 4)
    assert group["SuspendedProcesses"] == []
    assert report.capacity_lowest == 4


def test_an_operators_scale_out_in_mid_deploy_stays(stage: Stage) -> None:
    put = []

    def scale() -> None:
        put.append(stage.account.seen()["DesiredCapacity"] + 1)
        stage.account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=put[0])

    stage.clock.between = [*[lambda: None] * 6, scale]
    report = stage.deploy()
    assert report.status is Status.DEPLOYED, report.reason
    group = stage.account.seen()
    assert [group["DesiredCapacity"]] == put
    serving = [one for one in group["Instances"] if one["LifecycleState"] == "InService"]
    assert [one["LaunchTemplate"]["Version"] for one in serving] == ["2"] * put[0]


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("DATABASE_PASSWORD=hunter2 x", "DATABASE_PASSWORD=… x"),
        ('{"secret_key": "abc"}', '{"secret_key": …'),
        ("postgres://user:hunter2@db/x", "postgres://user:…@db/x"),
        ("key AKIAABCDEFGHIJKLMNOP used", "key … used"),
        ("GET /healthcheck.html 500", "GET /healthcheck.html 500"),
    ],
)
def test_evidence_has_no_secrets(line: str, clean: str) -> None:
    assert redacted(line) == clean
