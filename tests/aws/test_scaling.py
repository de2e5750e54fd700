"""How a group scales by itself, as `describe` reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.aws.scaling import ActionState, MaintenanceState, PolicyState, ScalingState, scaling_of
from fabfile.aws.session import Aws
from fabfile.tasks.describe import scaling_lines
from tests.aws.account import environment
from tests.localcloud.account import open_account


def test_a_group_that_scales_by_hand_alone_has_nothing_to_say(tmp_path: Path) -> None:
    with open_account() as account:
        account.group()
        assert scaling_of(Aws(environment(tmp_path), endpoint_url=account.url), "web") == ScalingState()


def test_policies_schedules_and_maintenance_are_read_from_the_group(tmp_path: Path) -> None:
    with open_account() as account:
        account.group(InstanceMaintenancePolicy={"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110})
        account.groups.put_scaling_policy(
            AutoScalingGroupName="web",
            PolicyName="keep",
            PolicyType="TargetTrackingScaling",
            TargetTrackingConfiguration={
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
                "TargetValue": 50.0,
                "DisableScaleIn": True,
            },
        )
        account.groups.put_scheduled_update_group_action(
            AutoScalingGroupName="web", ScheduledActionName="morning", Recurrence="0 8 * * *", MinSize=4, MaxSize=9
        )
        found = scaling_of(Aws(environment(tmp_path), endpoint_url=account.url), "web")
    assert found == ScalingState(
        (PolicyState("keep", "TargetTrackingScaling", "ASGAverageCPUUtilization", 50.0, False, True),),
        (ActionState("morning", "0 8 * * *", "", "2023-11-15T08:00:00Z", 4, 9, None),),
        MaintenanceState(100, 110),
    )


@pytest.mark.parametrize(
    ("scaling", "line"),
    [
        (
            ScalingState(
                (PolicyState("keep", "TargetTrackingScaling", "ASGAverageCPUUtilization", 50.0, False, True),)
            ),
            "web scales by TargetTrackingScaling ASGAverageCPUUtilization at 50, never fewer (keep)",
        ),
        (
            ScalingState(actions=(ActionState("m", "0 8 * * *", "Europe/Berlin", "2026-12-01T07:00:00Z", 4, None, 5),)),
            "web is scheduled (0 8 * * * Europe/Berlin, next 2026-12-01T07:00:00Z): minimum 4, desired 5 (m)",
        ),
        (
            ScalingState(maintenance=MaintenanceState(90, 110)),
            "web is maintained between 90 % and 110 % of desired capacity",
        ),
    ],
    ids=["policy", "schedule", "maintenance"],
)
def test_each_is_one_line_of_describe(scaling: ScalingState, line: str) -> None:
    assert scaling_lines("web", scaling) == [line]
