"""Autoscaling groups: health, suspended processes, lifecycle hooks.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html
"""

from __future__ import annotations

import pytest

from tests.conformance.account import Account
from tests.conformance.expecting import refused
from tests.conformance.group import HOOK


def test_an_instance_called_unhealthy_is_replaced(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceHealth.html"""
    group = account.group(minimum=1)
    old = group.ids()[0]
    group.called_unhealthy(old)
    group.settled(1, without=old)
    assert any("user health-check" in one["Cause"] for one in group.activities())


@pytest.mark.parametrize("process", ["ReplaceUnhealthy", "Terminate"])
def test_an_unhealthy_instance_stays_while_its_replacement_is_suspended(account: Account, process: str) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    group = account.group(minimum=1)
    group.suspend(process)
    old = group.ids()[0]
    group.called_unhealthy(old)
    account.stays(lambda: old in group.ids(), f"a member while {process} is suspended")


def test_an_instance_terminated_by_ec2_is_replaced_even_in_its_grace_period(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-check-grace-period.html"""
    group = account.group(minimum=1, HealthCheckGracePeriod=3600)
    old = group.ids()[0]
    account.ec2.terminate_instances(InstanceIds=[old])
    group.settled(1, without=old)


def test_the_balancers_verdict_counts_after_the_grace_period_and_only_with_elb_checks(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-check-grace-period.html"""
    target_group = account.target_group(delay=0)
    group = account.group(minimum=1, TargetGroupARNs=[target_group], HealthCheckGracePeriod=0)
    old = group.ids()[0]
    account.healthy(target_group, old)
    account.balancers.modify_target_group(TargetGroupArn=target_group, HealthCheckPath="/missing")
    account.eventually(lambda: account.health(target_group)[old][0] == "unhealthy", "unhealthy")
    account.stays(lambda: group.ids() == [old], "a member: EC2 checks don't ask the balancer")
    group.update(HealthCheckType="ELB", HealthCheckGracePeriod=3600)
    account.stays(lambda: group.ids() == [old], "a member in its grace period")
    group.update(HealthCheckGracePeriod=0)
    account.eventually(lambda: old not in group.ids(), "replaced")
    assert any("ELB system health check failure" in one["Cause"] for one in group.activities())


def test_health_checks_that_are_suspended_find_nothing(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    target_group = account.target_group(delay=0)
    group = account.group(minimum=1, TargetGroupARNs=[target_group], HealthCheckType="ELB", HealthCheckGracePeriod=300)
    old = group.ids()[0]
    account.healthy(target_group, old)
    group.suspend("HealthCheck")
    group.update(HealthCheckGracePeriod=0)
    account.balancers.modify_target_group(TargetGroupArn=target_group, HealthCheckPath="/missing")
    account.eventually(lambda: account.health(target_group)[old][0] == "unhealthy", "unhealthy")
    account.stays(lambda: group.states() == {old: "InService"}, "a member")
    assert group.seen()["Instances"][0]["HealthStatus"] == "Healthy"


def test_a_suspended_launch_process_leaves_capacity_unmet_until_it_is_resumed(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    group = account.group(minimum=0)
    group.suspend("Launch")
    group.desire(1)
    account.stays(lambda: group.ids() == [], "empty")
    group.resume("Launch")
    group.settled(1)


def test_a_suspended_terminate_process_keeps_surplus_instances(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    group = account.group(minimum=0, DesiredCapacity=1)
    group.suspend("Terminate")
    group.desire(0)
    account.stays(lambda: len(group.ids()) == 1, "a surplus of one")
    reasons = group.seen()["SuspendedProcesses"]
    assert reasons[0]["SuspensionReason"].startswith("User suspended at")


def test_an_instance_launched_while_registration_is_suspended_is_never_added_later(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    target_group = account.target_group()
    group = account.group(minimum=0, TargetGroupARNs=[target_group])
    group.suspend("AddToLoadBalancer")
    group.desire(1)
    instance = group.settled(1)[0]
    group.resume("AddToLoadBalancer")
    account.stays(lambda: account.health(target_group) == {}, "in no target group")
    account.balancers.register_targets(TargetGroupArn=target_group, Targets=[{"Id": instance}])
    account.healthy(target_group, instance)


def test_a_new_instance_waits_for_its_launch_hook_and_is_not_registered_before(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html"""
    target_group = account.target_group()
    group = account.group(minimum=0, TargetGroupARNs=[target_group])
    group.hook()
    group.desire(1)
    account.eventually(lambda: list(group.states().values()) == ["Pending:Wait"], "waiting for its hook")
    instance = group.ids()[0]
    account.stays(lambda: account.health(target_group) == {}, "in no target group")
    assert group.activities()[0]["StatusCode"] == "MidLifecycleAction"
    group.complete(instance, "CONTINUE")
    group.settled(1)
    account.healthy(target_group, instance)


def test_an_abandoned_launch_is_terminated_and_replaced(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/completing-lifecycle-hooks.html"""
    group = account.group(minimum=0)
    group.hook()
    group.desire(1)
    account.eventually(lambda: list(group.states().values()) == ["Pending:Wait"], "waiting for its hook")
    first = group.ids()[0]
    group.complete(first, "ABANDON")
    account.eventually(
        lambda: first not in group.ids() and list(group.states().values()) == ["Pending:Wait"], "another one waits"
    )
    launches = [one for one in group.activities() if one["Description"].endswith(first)]
    cancelled = next(one for one in launches if one["Description"].startswith("Launching"))
    assert cancelled["StatusCode"] == "Cancelled"
    assert "abandoned" in cancelled["StatusMessage"]


def test_a_wait_that_times_out_ends_with_the_hooks_default_and_heartbeats_prolong_it(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RecordLifecycleActionHeartbeat.html"""
    group = account.group(minimum=0)
    group.hook(default="CONTINUE", timeout=60)
    group.desire(1)
    account.eventually(lambda: list(group.states().values()) == ["Pending:Wait"], "waiting for its hook")
    instance = group.ids()[0]
    began = account.cloud.now()
    account.eventually(lambda: account.cloud.now() > began + 40, "most of the time is over")
    account.groups.record_lifecycle_action_heartbeat(
        LifecycleHookName=HOOK, AutoScalingGroupName=group.name, InstanceId=instance
    )
    account.eventually(lambda: account.cloud.now() > began + 75, "without the heartbeat it would be over")
    assert group.states() == {instance: "Pending:Wait"}
    group.settled(1)


def test_completing_what_nobody_waits_for_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html"""
    group = account.group(minimum=1)
    group.hook()
    with refused("ValidationError", "No active Lifecycle Action found with instance ID"):
        group.complete(group.ids()[0], "CONTINUE")


def test_a_termination_hook_holds_an_instance_after_its_drain(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html"""
    group = account.group(minimum=0, DesiredCapacity=1)
    group.hook("TERMINATING")
    instance = group.ids()[0]
    group.terminate(instance, decrement=True)
    group.becomes(instance, "Terminating:Wait")
    found = account.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["State"]["Name"] == "running"
    group.complete(instance, "CONTINUE")
    group.becomes(instance, "")
