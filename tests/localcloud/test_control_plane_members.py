"""Members of autoscaling groups: launched, terminated, replaced, set aside, waiting for hooks.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.account import Account, refused

ZONE_A = "us-east-1a"


def launch(account: Account, token: str = "token", count: int = 1, zone: str = ZONE_A, **given: Any) -> dict[str, Any]:
    reply = account.groups.launch_instances(
        AutoScalingGroupName="web", RequestedCapacity=count, ClientToken=token, AvailabilityZones=[zone], **given
    )
    return dict(reply)


def terminate(account: Account, instance: str, *, decrement: bool) -> dict[str, Any]:
    reply = account.groups.terminate_instance_in_auto_scaling_group(
        InstanceId=instance, ShouldDecrementDesiredCapacity=decrement
    )
    return dict(reply["Activity"])


def hook(account: Account, transition: str = "LAUNCHING", default: str = "ABANDON", timeout: int = 60) -> None:
    account.groups.put_lifecycle_hook(
        LifecycleHookName="ready",
        AutoScalingGroupName="web",
        LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
        HeartbeatTimeout=timeout,
        DefaultResult=default,
    )


def complete(account: Account, instance: str, result: str) -> None:
    account.groups.complete_lifecycle_action(
        LifecycleHookName="ready", AutoScalingGroupName="web", InstanceId=instance, LifecycleActionResult=result
    )


def test_launching_above_the_maximum_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html"""
    account.group(minimum=1, maximum=1)
    with refused("ValidationError", "above max value 1"):
        launch(account)


def test_launching_in_a_group_of_two_zones_needs_a_zone(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html"""
    account.group()
    with refused("ValidationError", "AvailabilityZones"):
        account.groups.launch_instances(AutoScalingGroupName="web", RequestedCapacity=1, ClientToken="t")


def test_launching_while_the_launch_process_is_suspended_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    account.group()
    account.groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])
    with refused("ValidationError", "suspended"):
        launch(account)


def test_a_launch_answers_its_instances_and_raises_desired_capacity(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html"""
    account.group()
    reply = launch(account, count=2)
    ids = reply["Instances"][0]["InstanceIds"]
    assert len(ids) == 2
    assert account.seen()["DesiredCapacity"] == 3
    account.turn(4)
    assert {account.states()[one] for one in ids} == {"InService"}
    assert {account.machines.specs[one].zone for one in ids} == {ZONE_A}


def test_a_launch_repeated_with_its_token_launches_nothing_more(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html"""
    account.group()
    assert launch(account)["Instances"] == launch(account)["Instances"]
    assert account.seen()["DesiredCapacity"] == 2
    with refused("IdempotentParameterMismatch"):
        launch(account, count=2)


def test_a_launch_without_capacity_answers_its_error_and_leaves_desired_capacity(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstancesError.html"""
    account.group()
    account.order(action="launch", error="InsufficientInstanceCapacity")
    reply = launch(account)
    assert reply["Instances"] == []
    assert reply["Errors"][0]["ErrorCode"] == "InsufficientInstanceCapacity"
    assert account.seen()["DesiredCapacity"] == 1


def test_terminating_with_decrement_below_the_minimum_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html"""
    account.group(minimum=1)
    with refused("ValidationError", "desiredSize equals minSize (1)"):
        terminate(account, account.ids()[0], decrement=True)
    with refused("ValidationError", "No managed instance found"):
        terminate(account, "i-0123456789abcdef0", decrement=True)


def test_terminating_without_decrement_brings_a_replacement(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html"""
    account.group(minimum=1)
    old = account.ids()[0]
    activity = terminate(account, old, decrement=False)
    assert activity["StatusCode"] == "InProgress"
    account.turn(6)
    assert old not in account.ids()
    assert list(account.states().values()) == ["InService"]


def test_a_terminating_instance_drains_before_it_goes(account: Account) -> None:
    """The group deregisters it and waits. https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-elb-healthcheck.html"""
    target_group = account.target_group(delay=60)
    account.group(minimum=0, DesiredCapacity=1, TargetGroupARNs=[target_group])
    instance = account.ids()[0]
    account.proxy.busy[account.address(instance)] = 1
    terminate(account, instance, decrement=True)
    account.turn(10)
    assert account.states() == {instance: "Terminating"}
    assert account.health(target_group)[instance] == ("draining", "Target.DeregistrationInProgress")
    assert account.proxy.pools[0].endpoints[0].draining
    assert instance in account.machines.alive
    assert account.activities()[0]["StatusCode"] == "WaitingForELBConnectionDraining"
    account.proxy.busy.clear()
    account.turn(6)
    assert account.states() == {}
    assert account.health(target_group) == {}
    assert instance not in account.machines.alive


def test_a_drain_ends_with_the_deregistration_delay_whatever_is_under_way(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html"""
    target_group = account.target_group(delay=5)
    account.group(minimum=0, DesiredCapacity=1, TargetGroupARNs=[target_group])
    instance = account.ids()[0]
    account.proxy.busy[account.address(instance)] = 1
    terminate(account, instance, decrement=True)
    account.turn(6)
    assert instance in account.ids()
    account.turn(10)
    assert account.ids() == []


def test_an_instance_called_unhealthy_is_replaced(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceHealth.html"""
    account.group(minimum=1)
    old = account.ids()[0]
    account.groups.set_instance_health(InstanceId=old, HealthStatus="Unhealthy")
    account.turn(8)
    assert old not in account.ids()
    assert len(account.ids()) == 1
    assert any("user health-check" in one["Cause"] for one in account.activities())


@pytest.mark.parametrize("process", ["ReplaceUnhealthy", "Terminate"])
def test_an_unhealthy_instance_stays_while_its_replacement_is_suspended(account: Account, process: str) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    account.group(minimum=1)
    account.groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=[process])
    old = account.ids()[0]
    account.groups.set_instance_health(InstanceId=old, HealthStatus="Unhealthy")
    account.turn(8)
    assert account.ids() == [old]


def test_a_crashed_machine_is_replaced(account: Account) -> None:
    """It fails its status checks. https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html"""
    account.group(minimum=1)
    old = account.ids()[0]
    account.machines.crash(old)
    status = account.ec2.describe_instance_status(InstanceIds=[old])["InstanceStatuses"][0]
    assert status["InstanceStatus"]["Status"] == "impaired"
    account.turn(8)
    assert old not in account.ids()


def test_an_instance_terminated_by_ec2_is_replaced_even_in_its_grace_period(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-check-grace-period.html"""
    account.group(minimum=1, HealthCheckGracePeriod=3600)
    old = account.ids()[0]
    account.ec2.terminate_instances(InstanceIds=[old])
    account.turn(8)
    assert old not in account.ids()
    assert list(account.states().values()) == ["InService"]


def test_the_balancers_verdict_counts_after_the_grace_period_and_only_with_elb_checks(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-check-grace-period.html"""
    target_group = account.target_group(delay=0)
    account.group(minimum=1, TargetGroupARNs=[target_group], HealthCheckGracePeriod=20)
    old = account.ids()[0]
    account.proxy.sick[account.address(old)] = "HTTP 500"
    account.turn(10)
    assert account.health(target_group)[old][0] == "unhealthy"
    account.turn(50)
    assert account.ids() == [old], "EC2 checks don't ask the balancer"
    account.groups.update_auto_scaling_group(
        AutoScalingGroupName="web", HealthCheckType="ELB", HealthCheckGracePeriod=60
    )
    account.turn(20)
    assert account.ids() == [old], "in its grace period"
    account.turn(80)
    assert old not in account.ids()
    assert any("ELB system health check failure" in one["Cause"] for one in account.activities())


def test_health_checks_that_are_suspended_find_nothing(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    account.group(minimum=1)
    account.groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["HealthCheck"])
    old = account.ids()[0]
    account.machines.crash(old)
    account.turn(8)
    assert account.ids() == [old]


def test_standby_with_decrement_below_the_minimum_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_EnterStandby.html"""
    account.group(minimum=1)
    with refused("ValidationError", "min-size=1"):
        account.groups.enter_standby(
            AutoScalingGroupName="web", InstanceIds=account.ids(), ShouldDecrementDesiredCapacity=True
        )


def test_standby_takes_an_instance_out_of_its_balancers_and_brings_it_back(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-enter-exit-standby.html"""
    target_group = account.target_group()
    account.group(minimum=1, DesiredCapacity=2, TargetGroupARNs=[target_group])
    account.groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["AZRebalance"])
    one = account.ids()[0]
    account.groups.enter_standby(AutoScalingGroupName="web", InstanceIds=[one], ShouldDecrementDesiredCapacity=True)
    assert account.states()[one] == "EnteringStandby"
    account.turn(6)
    assert account.states()[one] == "Standby"
    assert one not in account.health(target_group)
    assert account.seen()["DesiredCapacity"] == 1
    assert len(account.ids()) == 2
    account.groups.exit_standby(AutoScalingGroupName="web", InstanceIds=[one])
    account.turn(4)
    assert account.states()[one] == "InService"
    assert account.health(target_group)[one][0] == "healthy"
    assert account.seen()["DesiredCapacity"] == 2


def test_a_new_instance_waits_for_its_launch_hook_and_is_not_registered_before(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html"""
    target_group = account.target_group()
    account.group(minimum=0, TargetGroupARNs=[target_group])
    hook(account)
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    account.turn(10)
    instance = account.ids()[0]
    assert account.states() == {instance: "Pending:Wait"}
    assert account.health(target_group) == {}
    assert account.activities()[0]["StatusCode"] == "MidLifecycleAction"
    complete(account, instance, "CONTINUE")
    account.turn(3)
    assert account.states() == {instance: "InService"}
    assert account.health(target_group)[instance][0] == "healthy"


def test_an_abandoned_launch_is_terminated_and_replaced(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/completing-lifecycle-hooks.html"""
    account.group(minimum=0)
    hook(account)
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    account.turn(4)
    first = account.ids()[0]
    complete(account, first, "ABANDON")
    account.turn(8)
    assert first not in account.ids()
    assert list(account.states().values()) == ["Pending:Wait"]
    launches = [one for one in account.activities() if one["Description"].endswith(first)]
    cancelled = next(one for one in launches if one["Description"].startswith("Launching"))
    assert cancelled["StatusCode"] == "Cancelled"
    assert "abandoned" in cancelled["StatusMessage"]


def test_a_wait_that_times_out_ends_with_the_hooks_default_and_heartbeats_prolong_it(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RecordLifecycleActionHeartbeat.html"""
    account.group(minimum=0)
    hook(account, default="CONTINUE", timeout=30)
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    account.turn(4)
    instance = account.ids()[0]
    account.turn(20, seconds=1)
    account.groups.record_lifecycle_action_heartbeat(
        LifecycleHookName="ready", AutoScalingGroupName="web", InstanceId=instance
    )
    account.turn(20, seconds=1)
    assert account.states() == {instance: "Pending:Wait"}
    account.turn(14, seconds=1)
    assert account.states() == {instance: "InService"}


def test_completing_what_nobody_waits_for_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html"""
    account.group(minimum=1)
    hook(account)
    with refused("ValidationError", "No active Lifecycle Action found with instance ID"):
        complete(account, account.ids()[0], "CONTINUE")


def test_a_termination_hook_holds_an_instance_after_its_drain(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html"""
    account.group(minimum=0, DesiredCapacity=1)
    hook(account, "TERMINATING")
    instance = account.ids()[0]
    terminate(account, instance, decrement=True)
    account.turn(4)
    assert account.states() == {instance: "Terminating:Wait"}
    assert instance in account.machines.alive
    complete(account, instance, "CONTINUE")
    account.turn(4)
    assert account.states() == {}


def test_an_instance_launched_while_registration_is_suspended_is_never_added_later(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    target_group = account.target_group()
    account.group(minimum=0, TargetGroupARNs=[target_group])
    account.groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["AddToLoadBalancer"])
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    account.turn(6)
    account.groups.resume_processes(AutoScalingGroupName="web")
    account.turn(10)
    assert list(account.states().values()) == ["InService"]
    assert account.health(target_group) == {}
    account.balancers.register_targets(TargetGroupArn=target_group, Targets=[{"Id": account.ids()[0]}])
    account.turn(2)
    assert account.health(target_group)[account.ids()[0]][0] == "healthy"


def test_detaching_lets_an_instance_live_and_attaching_takes_it_back(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-detach-attach-instances.html"""
    account.group(minimum=0, DesiredCapacity=1)
    instance = account.ids()[0]
    account.groups.detach_instances(
        AutoScalingGroupName="web", InstanceIds=[instance], ShouldDecrementDesiredCapacity=True
    )
    account.turn(3)
    assert account.ids() == []
    assert instance in account.machines.alive
    account.groups.attach_instances(AutoScalingGroupName="web", InstanceIds=[instance])
    account.turn(3)
    assert account.states() == {instance: "InService"}
    assert account.seen()["DesiredCapacity"] == 1


def test_attached_and_detached_target_groups_follow_the_groups_instances(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AttachLoadBalancerTargetGroups.html"""
    account.group(minimum=1)
    instance = account.ids()[0]
    target_group = account.target_group()
    account.groups.attach_load_balancer_target_groups(AutoScalingGroupName="web", TargetGroupARNs=[target_group])
    account.turn(2)
    assert account.health(target_group)[instance][0] == "healthy"
    account.groups.detach_load_balancer_target_groups(AutoScalingGroupName="web", TargetGroupARNs=[target_group])
    assert account.health(target_group)[instance][0] == "draining"
    account.turn(6)
    assert account.health(target_group) == {}
