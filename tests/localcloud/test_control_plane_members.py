"""Members of autoscaling groups on a bad day: no capacity, crashed machines, requests under way.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
"""

from __future__ import annotations

from typing import Any

from tests.localcloud.account import Account

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


def test_a_launch_without_capacity_answers_its_error_and_leaves_desired_capacity(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstancesError.html"""
    account.group()
    account.order(action="launch", error="InsufficientInstanceCapacity")
    reply = launch(account)
    assert reply["Instances"] == []
    assert reply["Errors"][0]["ErrorCode"] == "InsufficientInstanceCapacity"
    assert account.seen()["DesiredCapacity"] == 1


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


def test_a_crashed_machine_is_replaced(account: Account) -> None:
    """It fails its status checks. https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html"""
    account.group(minimum=1)
    old = account.ids()[0]
    account.machines.crash(old)
    status = account.ec2.describe_instance_status(InstanceIds=[old])["InstanceStatuses"][0]
    assert status["InstanceStatus"]["Status"] == "impaired"
    account.turn(8)
    assert old not in account.ids()
