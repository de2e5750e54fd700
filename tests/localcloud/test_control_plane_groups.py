"""Autoscaling groups: what is refused as AWS refuses it, and how capacity is reached.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Operations.html
"""

from __future__ import annotations

from collections import Counter

from tests.localcloud.account import Account, encoded, refused


def test_desired_capacity_above_the_maximum_is_refused(account: Account) -> None:
    """SetDesiredCapacity answers ValidationError. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html"""
    account.group(minimum=1, maximum=2)
    with refused("ValidationError", "New SetDesiredCapacity value 3 is above max value 2"):
        account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=3)


def test_desired_capacity_below_the_minimum_is_refused(account: Account) -> None:
    """SetDesiredCapacity answers ValidationError. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html"""
    account.group(minimum=1, maximum=2)
    with refused("ValidationError", "New SetDesiredCapacity value 0 is below min value 1"):
        account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=0)


def test_a_second_group_of_the_same_name_is_refused(account: Account) -> None:
    """CreateAutoScalingGroup answers AlreadyExists. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html"""
    account.group(minimum=0)
    with refused("AlreadyExists", "already exists"):
        account.group(minimum=0)


def test_a_group_that_does_not_exist_is_refused_by_name(account: Account) -> None:
    """Operations on an unknown group answer ValidationError; describing it answers an empty list."""
    with refused("ValidationError", "AutoScalingGroup name not found"):
        account.groups.set_desired_capacity(AutoScalingGroupName="nobody", DesiredCapacity=1)
    described = account.groups.describe_auto_scaling_groups(AutoScalingGroupNames=["nobody"])
    assert described["AutoScalingGroups"] == []


def test_a_group_with_instances_is_deleted_only_by_force(account: Account) -> None:
    """DeleteAutoScalingGroup answers ResourceInUse. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html"""
    account.group(minimum=1)
    with refused("ResourceInUse", "instances"):
        account.groups.delete_auto_scaling_group(AutoScalingGroupName="web")
    account.groups.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    account.turn(6)
    assert account.groups.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert account.machines.alive == set()


def test_instances_are_spread_evenly_over_the_zones(account: Account) -> None:
    """New instances go to the zone with the fewest. https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html"""
    account.group(minimum=4)
    assert Counter(account.zones()) == {"us-east-1a": 2, "us-east-1b": 2}


def test_an_uneven_group_is_evened_out_by_launching_before_terminating(account: Account) -> None:
    """AZRebalance launches first. https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html"""
    account.group(minimum=2)
    account.groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["AZRebalance"])
    first = account.seen()["Instances"][1]["InstanceId"]
    account.groups.launch_instances(
        AutoScalingGroupName="web", RequestedCapacity=1, ClientToken="t", AvailabilityZones=["us-east-1a"]
    )
    account.groups.terminate_instance_in_auto_scaling_group(InstanceId=first, ShouldDecrementDesiredCapacity=True)
    account.turn(10)
    assert account.zones() == ["us-east-1a", "us-east-1a"], "suspended: left uneven"
    account.groups.resume_processes(AutoScalingGroupName="web", ScalingProcesses=["AZRebalance"])
    account.turn()
    assert len(account.ids()) == 3
    account.turn(10)
    assert account.zones() == ["us-east-1a", "us-east-1b"]


def test_scaling_in_takes_from_the_fullest_zone_and_spares_the_protected(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html"""
    account.group(minimum=1, DesiredCapacity=3)
    instances = account.seen()["Instances"]
    in_a = [one["InstanceId"] for one in instances if one["AvailabilityZone"] == "us-east-1a"]
    assert len(in_a) == 2
    account.groups.set_instance_protection(AutoScalingGroupName="web", InstanceIds=in_a[:1], ProtectedFromScaleIn=True)
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    account.turn(8)
    assert in_a[0] in account.ids()
    assert in_a[1] not in account.ids()


def test_newest_instance_policy_terminates_the_newest(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html"""
    account.group(minimum=1, TerminationPolicies=["NewestInstance"], VPCZoneIdentifier=account.subnets()[0])
    old = account.ids()[0]
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    account.turn(6)
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    account.turn(6)
    assert account.ids() == [old]


def test_the_default_policy_terminates_the_oldest_launch_template_version(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html"""
    template = account.template()
    account.version(template, UserData=encoded("two"))
    account.group(LaunchTemplate={"LaunchTemplateId": template, "Version": "2"}, VPCZoneIdentifier=account.subnets()[0])
    newer = account.ids()[0]
    account.groups.update_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
        DesiredCapacity=2,
    )
    account.turn(6)
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    account.turn(6)
    assert account.ids() == [newer]


def test_an_update_leaves_what_it_does_not_name(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html"""
    account.group(minimum=1, maximum=4, HealthCheckType="ELB", HealthCheckGracePeriod=77, DesiredCapacity=2)
    account.groups.update_auto_scaling_group(AutoScalingGroupName="web", MaxSize=6)
    seen = account.seen()
    kept = (seen["MinSize"], seen["MaxSize"], seen["DesiredCapacity"], seen["HealthCheckGracePeriod"])
    assert kept == (1, 6, 2, 77)
    assert seen["HealthCheckType"] == "ELB"
    assert seen["LaunchTemplate"]["Version"] == "1"


def test_raising_the_minimum_raises_desired_capacity_with_it(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html"""
    account.group(minimum=1)
    account.groups.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=3)
    assert account.seen()["DesiredCapacity"] == 3
    with refused("ValidationError", "Desired capacity:9 must be between"):
        account.groups.update_auto_scaling_group(AutoScalingGroupName="web", DesiredCapacity=9)


def test_a_suspended_launch_process_leaves_capacity_unmet_until_it_is_resumed(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    account.group(minimum=1)
    account.groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    account.turn(10)
    assert len(account.ids()) == 1
    account.groups.resume_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])
    account.turn(6)
    assert len(account.ids()) == 2


def test_a_suspended_terminate_process_keeps_surplus_instances(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
    account.group(minimum=1, DesiredCapacity=2)
    account.groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Terminate"])
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    account.turn(10)
    assert len(account.ids()) == 2
    reasons = account.seen()["SuspendedProcesses"]
    assert reasons[0]["SuspensionReason"].startswith("User suspended at")


def test_groups_are_described_page_by_page(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html"""
    account.template()
    for number in range(5):
        account.group(f"group-{number}", minimum=0)
    pages = list(account.groups.get_paginator("describe_auto_scaling_groups").paginate(MaxRecords=2))
    assert [len(page["AutoScalingGroups"]) for page in pages] == [2, 2, 1]
    with refused("ValidationError"):
        account.groups.describe_auto_scaling_groups(MaxRecords=101)


def test_each_instance_tells_the_version_that_it_was_launched_with(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Instance.html"""
    template = account.template()
    account.version(template, UserData=encoded("two"))
    account.group(LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"})
    account.version(template, UserData=encoded("three"))
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    account.turn(6)
    seen = account.seen()
    assert seen["LaunchTemplate"]["Version"] == "$Latest"
    assert [one["LaunchTemplate"]["Version"] for one in seen["Instances"]] == ["2", "3"]
    assert [account.machines.specs[one].user_data for one in account.ids()] == [b"two", b"three"]


def test_group_tags_reach_the_instances_that_they_are_propagated_to(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html"""
    tags = [
        {"Key": "role", "Value": "web", "PropagateAtLaunch": True},
        {"Key": "owner", "Value": "us", "PropagateAtLaunch": False},
    ]
    account.group(Tags=tags)
    spec = account.machines.specs[account.ids()[0]]
    assert spec.tags["role"] == "web"
    assert "owner" not in spec.tags
    assert spec.tags["aws:autoscaling:groupName"] == "web"
    assert spec.tags["aws:ec2launchtemplate:version"] == "1"


def test_a_failed_launch_is_an_activity_and_is_tried_again(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/CHAP_Troubleshooting.html"""
    account.template()
    account.order(action="launch", times=1, error="InsufficientInstanceCapacity")
    account.group(minimum=1)
    account.turn(6)
    assert list(account.states().values()) == ["InService"]
    failed = account.activities()[-1]
    assert failed["StatusCode"] == "Failed"
    assert "sufficient capacity" in failed["StatusMessage"]


def test_activities_are_newest_first_with_cause_and_pages(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html"""
    account.group(minimum=3)
    account.groups.terminate_instance_in_auto_scaling_group(
        InstanceId=account.ids()[0], ShouldDecrementDesiredCapacity=False
    )
    account.turn(6)
    found = account.activities()
    assert found[0]["Description"].startswith("Launching")
    assert found[1]["Description"].startswith("Terminating")
    assert "in response to a user request" in found[1]["Cause"]
    assert all(one["StatusCode"] == "Successful" and one["Progress"] == 100 for one in found)
    pages = account.groups.get_paginator("describe_scaling_activities").paginate(
        AutoScalingGroupName="web", PaginationConfig={"PageSize": 2}
    )
    assert sum(len(page["Activities"]) for page in pages) == 5


def test_a_policy_changes_capacity_by_a_difference_within_the_sizes(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ExecutePolicy.html"""
    account.group(minimum=1, maximum=3)
    account.groups.put_scaling_policy(
        AutoScalingGroupName="web", PolicyName="more", AdjustmentType="ChangeInCapacity", ScalingAdjustment=5
    )
    account.groups.execute_policy(PolicyName="more", AutoScalingGroupName="web")
    assert account.seen()["DesiredCapacity"] == 3
