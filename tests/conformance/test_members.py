"""Members of autoscaling groups: launched, terminated, set aside, attached.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
"""

from __future__ import annotations

from tests.conformance.account import Account
from tests.conformance.expecting import refused


def test_launching_above_the_maximum_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html"""
    group = account.group(minimum=0, maximum=0)
    with refused("ValidationError", "above max value 0"):
        group.launch(account.zone)


def test_launching_in_a_group_of_two_zones_needs_a_zone(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html"""
    group = account.group(minimum=0)
    with refused("ValidationError", "AvailabilityZones"):
        account.groups.launch_instances(AutoScalingGroupName=group.name, RequestedCapacity=1, ClientToken=group.name)


def test_launching_while_the_launch_process_is_suspended_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    group = account.group(minimum=0)
    group.suspend("Launch")
    with refused("ValidationError", "suspended"):
        group.launch(account.zone)


def test_a_launch_answers_its_instances_and_raises_desired_capacity(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html"""
    group = account.group()
    ids = group.launch(account.zone, count=2)["Instances"][0]["InstanceIds"]
    assert len(ids) == 2
    assert group.desired() == 3
    assert set(ids) < set(group.settled(3))
    zones = {one["InstanceId"]: one["AvailabilityZone"] for one in group.seen()["Instances"]}
    assert {zones[one] for one in ids} == {account.zone}


def test_a_launch_repeated_with_its_token_launches_nothing_more(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html"""
    group = account.group(minimum=0)
    assert group.launch(account.zone)["Instances"] == group.launch(account.zone)["Instances"]
    assert group.desired() == 1
    with refused("IdempotentParameterMismatch"):
        group.launch(account.zone, count=2)


def test_terminating_with_decrement_below_the_minimum_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html"""
    group = account.group(minimum=1)
    with refused("ValidationError", "desiredSize equals minSize (1)"):
        group.terminate(group.ids()[0], decrement=True)
    with refused("ValidationError", "No managed instance found"):
        group.terminate("i-0123456789abcdef0", decrement=True)


def test_terminating_without_decrement_brings_a_replacement(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html"""
    group = account.group(minimum=1)
    old = group.ids()[0]
    activity = group.terminate(old, decrement=False)
    assert activity["StatusCode"] == "InProgress"
    group.settled(1, without=old)


def test_a_termination_tells_in_its_cause_what_desired_capacity_was(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html"""
    group = account.group(minimum=0, DesiredCapacity=2, zones=1)
    activity = group.terminate(group.ids()[0], decrement=True)
    assert "shrinking the capacity from 2 to 1" in activity["Cause"]
    assert group.desired() == 1


def test_a_protected_instance_is_terminated_when_it_is_named(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-instance-protection.html"""
    group = account.group(minimum=0, DesiredCapacity=1, NewInstancesProtectedFromScaleIn=True)
    instance = group.ids()[0]
    assert group.seen()["Instances"][0]["ProtectedFromScaleIn"]
    group.terminate(instance, decrement=True)
    group.becomes(instance, "")


def test_standby_with_decrement_below_the_minimum_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_EnterStandby.html"""
    group = account.group(minimum=1)
    with refused("ValidationError", "min-size=1"):
        account.groups.enter_standby(
            AutoScalingGroupName=group.name, InstanceIds=group.ids(), ShouldDecrementDesiredCapacity=True
        )


def test_standby_takes_an_instance_out_of_its_balancers_and_brings_it_back(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-enter-exit-standby.html"""
    target_group = account.target_group()
    group = account.group(minimum=1, DesiredCapacity=2, TargetGroupARNs=[target_group])
    group.suspend("AZRebalance")
    one = group.ids()[0]
    account.groups.enter_standby(
        AutoScalingGroupName=group.name, InstanceIds=[one], ShouldDecrementDesiredCapacity=True
    )
    group.becomes(one, "Standby")
    account.eventually(lambda: one not in account.health(target_group), "out of its target group")
    assert group.desired() == 1
    assert len(group.ids()) == 2
    account.groups.exit_standby(AutoScalingGroupName=group.name, InstanceIds=[one])
    group.settled(2)
    account.healthy(target_group, one)
    assert group.desired() == 2


def test_detaching_lets_an_instance_live_and_attaching_takes_it_back(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-detach-attach-instances.html"""
    group = account.group(minimum=0, DesiredCapacity=1)
    instance = group.ids()[0]
    account.groups.detach_instances(
        AutoScalingGroupName=group.name, InstanceIds=[instance], ShouldDecrementDesiredCapacity=True
    )
    group.becomes(instance, "")
    found = account.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["State"]["Name"] == "running"
    account.groups.attach_instances(AutoScalingGroupName=group.name, InstanceIds=[instance])
    assert group.settled(1) == [instance]
    assert group.desired() == 1


def test_attached_and_detached_target_groups_follow_the_groups_instances(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AttachLoadBalancerTargetGroups.html"""
    group = account.group(minimum=1)
    instance = group.ids()[0]
    target_group = account.target_group()
    given = {"AutoScalingGroupName": group.name, "TargetGroupARNs": [target_group]}
    account.groups.attach_load_balancer_target_groups(**given)
    account.healthy(target_group, instance)
    account.groups.detach_load_balancer_target_groups(**given)
    account.eventually(lambda: account.health(target_group).get(instance, ("",))[0] != "healthy", "draining or gone")
    account.eventually(lambda: account.health(target_group) == {}, "gone")
