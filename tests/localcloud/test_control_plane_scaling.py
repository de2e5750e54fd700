"""Scaling policies, scheduled actions and maintenance policies: kept, refused as AWS refuses, carried out in time.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Operations.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.localcloud.account import STARTED, Account, refused

CPU = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}, "TargetValue": 50.0}


def put(account: Account, name: str = "morning", **given: Any) -> None:
    account.groups.put_scheduled_update_group_action(
        AutoScalingGroupName="web", ScheduledActionName=name, **{"DesiredCapacity": 3, **given}
    )


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(STARTED + seconds, UTC)


def actions(account: Account) -> list[dict[str, Any]]:
    return list(account.groups.describe_scheduled_actions(AutoScalingGroupName="web")["ScheduledUpdateGroupActions"])


def track(account: Account, **given: Any) -> None:
    account.groups.put_scaling_policy(
        AutoScalingGroupName="web",
        PolicyName="keep",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={**CPU, **given},
    )


def test_a_scheduled_action_in_the_past_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html"""
    account.group()
    with refused("ValidationError", "in the past"):
        put(account, StartTime=at(-60))


@pytest.mark.parametrize(
    "given",
    [
        {"DesiredCapacity": None, "Recurrence": "0 8 * * *"},
        {"MinSize": 4, "MaxSize": 2, "Recurrence": "0 8 * * *"},
        {"Recurrence": "61 8 * * *"},
        {"Recurrence": "0 8 * *"},
        {"Recurrence": "0 8 * * *", "TimeZone": "Berlin"},
        {},
        {"StartTime": at(7200), "EndTime": at(3600), "Recurrence": "0 8 * * *"},
    ],
    ids=["no-size", "minimum-above-maximum", "no-cron", "four-fields", "no-zone", "no-time", "ends-before-it-starts"],
)
def test_a_scheduled_action_that_means_nothing_is_refused(account: Account, given: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html"""
    account.group()
    kept = {key: value for key, value in {"DesiredCapacity": 3, **given}.items() if value is not None}
    with refused("ValidationError"):
        account.groups.put_scheduled_update_group_action(
            AutoScalingGroupName="web", ScheduledActionName="morning", **kept
        )
    assert actions(account) == []


def test_a_scheduled_action_changes_the_sizes_at_its_time_and_is_an_activity(account: Account) -> None:
    account.group(minimum=1, maximum=4)
    put(account, StartTime=at(3600), MinSize=2, MaxSize=6, DesiredCapacity=3)
    account.turn(2)
    assert account.seen()["DesiredCapacity"] == 1
    account.turn(1, seconds=3600)
    account.turn(6)
    seen = account.seen()
    assert (seen["MinSize"], seen["DesiredCapacity"], seen["MaxSize"]) == (2, 3, 6)
    assert len(account.ids()) == 3
    causes = [one["Cause"] for one in account.activities()]
    assert any("a scheduled action update of AutoScalingGroup constraints to min: 2, max: 6, desired: 3 changing the "
               "desired capacity from 1 to 3" in cause for cause in causes), causes  # fmt: skip
    assert actions(account) == [], "it was to run once"


def test_a_recurring_action_runs_again_in_its_time_zone(account: Account) -> None:
    """14 November 2023, 22:13 UTC is 23:13 in Berlin; the next 8 o'clock there is 07:00 UTC."""
    account.group(minimum=1, maximum=4)
    put(account, Recurrence="0 8 * * *", TimeZone="Europe/Berlin")
    assert actions(account)[0]["StartTime"] == datetime(2023, 11, 15, 7, 0, tzinfo=UTC)
    account.turn(1, seconds=9 * 3600)
    assert account.seen()["DesiredCapacity"] == 3
    assert actions(account)[0]["StartTime"] == datetime(2023, 11, 16, 7, 0, tzinfo=UTC)


def test_what_falls_due_while_scheduled_actions_are_suspended_is_not_made_up_for(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/understand-how-suspending-processes-affects-other-processes.html"""
    account.group(minimum=1, maximum=4)
    put(account, StartTime=at(3600))
    account.groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["ScheduledActions"])
    account.turn(1, seconds=4000)
    account.groups.resume_processes(AutoScalingGroupName="web", ScalingProcesses=["ScheduledActions"])
    account.turn(4)
    assert account.seen()["DesiredCapacity"] == 1


def test_a_scheduled_action_that_no_longer_fits_is_an_activity_that_failed(account: Account) -> None:
    account.group(minimum=1, maximum=4)
    put(account, StartTime=at(3600), DesiredCapacity=4)
    account.groups.update_auto_scaling_group(AutoScalingGroupName="web", MaxSize=2)
    account.turn(1, seconds=4000)
    assert account.seen()["DesiredCapacity"] == 1
    assert account.activities()[0]["StatusCode"] == "Failed"


def test_a_scheduled_action_can_be_taken_back(account: Account) -> None:
    account.group()
    put(account, Recurrence="0 8 * * *")
    account.groups.delete_scheduled_action(AutoScalingGroupName="web", ScheduledActionName="morning")
    assert actions(account) == []
    with refused("ValidationError", "not found"):
        account.groups.delete_scheduled_action(AutoScalingGroupName="web", ScheduledActionName="morning")


def test_a_target_tracking_policy_is_described_as_it_was_asked_for(account: Account) -> None:
    account.group()
    track(account)
    (policy,) = account.groups.describe_policies(AutoScalingGroupName="web")["ScalingPolicies"]
    assert policy["PolicyType"] == "TargetTrackingScaling"
    assert policy["TargetTrackingConfiguration"]["TargetValue"] == 50.0
    account.turn(4)
    assert account.seen()["DesiredCapacity"] == 1
    account.groups.delete_policy(AutoScalingGroupName="web", PolicyName="keep")
    assert account.groups.describe_policies()["ScalingPolicies"] == []


def test_requests_per_target_need_the_label_of_the_groups_own_target_group(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PredefinedMetricSpecification.html"""
    own, other = account.target_group(), account.target_group("other", listener=False)
    account.group(TargetGroupARNs=[own])
    metric = {"PredefinedMetricType": "ALBRequestCountPerTarget"}
    for label in ({}, {"ResourceLabel": f"app/web/1/{other.rsplit(':', 1)[-1]}"}):
        with refused("ValidationError", "resource label"):
            track(account, PredefinedMetricSpecification={**metric, **label})
    track(account, PredefinedMetricSpecification={**metric, "ResourceLabel": f"app/web/1/{own.rsplit(':', 1)[-1]}"})


@pytest.mark.parametrize("given", [(101, 110), (90, 99), (90, 201), (50, 200)], ids=str)
def test_a_maintenance_policy_out_of_its_limits_is_refused(account: Account, given: tuple[int, int]) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceMaintenancePolicy.html"""
    account.group()
    policy = dict(zip(("MinHealthyPercentage", "MaxHealthyPercentage"), given, strict=True))
    with refused("ValidationError", "HealthyPercentage"):
        account.groups.update_auto_scaling_group(AutoScalingGroupName="web", InstanceMaintenancePolicy=policy)


def test_a_maintenance_policy_is_kept_until_it_is_cleared_and_does_not_bound_our_own_calls(account: Account) -> None:
    """100 to 100 leaves no room for replacements; launching and terminating by request are no replacements."""
    account.group(minimum=1, DesiredCapacity=2)
    policy = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 100}
    account.groups.update_auto_scaling_group(AutoScalingGroupName="web", InstanceMaintenancePolicy=policy)
    assert account.seen()["InstanceMaintenancePolicy"] == policy
    launched = account.groups.launch_instances(
        AutoScalingGroupName="web", RequestedCapacity=1, ClientToken="t", AvailabilityZones=["us-east-1a"]
    )
    account.turn(6)
    one = launched["Instances"][0]["InstanceIds"][0]
    account.groups.terminate_instance_in_auto_scaling_group(InstanceId=one, ShouldDecrementDesiredCapacity=True)
    account.turn(6)
    assert len(account.ids()) == 2
    cleared = {"MinHealthyPercentage": -1, "MaxHealthyPercentage": -1}
    account.groups.update_auto_scaling_group(AutoScalingGroupName="web", InstanceMaintenancePolicy=cleared)
    assert not account.seen().get("InstanceMaintenancePolicy")
