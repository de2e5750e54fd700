"""Autoscaling groups: sizes, zones, and who goes first.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Operations.html
"""

from __future__ import annotations

from collections import Counter

from tests.conformance.account import Account
from tests.conformance.expecting import encoded, refused


def test_desired_capacity_above_the_maximum_is_refused(account: Account) -> None:
    """SetDesiredCapacity answers ValidationError. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html"""
    group = account.group(minimum=0, maximum=2)
    with refused("ValidationError", "New SetDesiredCapacity value 3 is above max value 2"):
        group.desire(3)


def test_desired_capacity_below_the_minimum_is_refused(account: Account) -> None:
    """SetDesiredCapacity answers ValidationError. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html"""
    group = account.group(minimum=1, maximum=2)
    with refused("ValidationError", "New SetDesiredCapacity value 0 is below min value 1"):
        group.desire(0)


def test_a_second_group_of_the_same_name_is_refused(account: Account) -> None:
    """CreateAutoScalingGroup answers AlreadyExists. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html"""
    template = {"LaunchTemplateId": account.template(), "Version": "1"}
    account.group(minimum=0, LaunchTemplate=template)
    with refused("AlreadyExists", "already exists"):
        account.group(minimum=0, LaunchTemplate=template)


def test_a_group_that_does_not_exist_is_refused_by_name(account: Account) -> None:
    """Operations on an unknown group answer ValidationError; describing it answers an empty list."""
    with refused("ValidationError", "AutoScalingGroup name not found"):
        account.groups.set_desired_capacity(AutoScalingGroupName=account.named("nobody"), DesiredCapacity=1)
    described = account.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[account.named("nobody")])
    assert described["AutoScalingGroups"] == []


def test_a_group_with_instances_is_deleted_only_by_force(account: Account) -> None:
    """DeleteAutoScalingGroup answers ResourceInUse. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html"""
    group = account.group(minimum=1)
    instance = group.ids()[0]
    with refused("ResourceInUse", "instances"):
        group.delete(force=False)
    group.delete(force=True)

    def gone() -> bool:
        found = account.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[group.name])
        return not found["AutoScalingGroups"]

    account.eventually(gone, "the group is gone")
    found = account.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["State"]["Name"] in ("shutting-down", "terminated")


def test_instances_are_spread_evenly_over_the_zones(account: Account) -> None:
    """New instances go to the zone with the fewest. https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html"""
    group = account.group(minimum=4)
    assert Counter(group.zones()) == dict.fromkeys(account.network.zones, 2)


def test_an_uneven_group_is_evened_out_by_launching_before_terminating(account: Account) -> None:
    """AZRebalance launches first. https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html"""
    group = account.group(minimum=2)
    group.suspend("AZRebalance")
    other = next(one for one in group.seen()["Instances"] if one["AvailabilityZone"] != account.zone)
    group.launch(account.zone)
    group.terminate(other["InstanceId"], decrement=True)
    group.settled(2)
    account.stays(lambda: group.zones() == [account.zone] * 2, "suspended: left uneven")
    group.resume("AZRebalance")
    account.eventually(lambda: len(group.ids()) == 3, "one more than desired", within=3600)
    account.eventually(lambda: group.zones() == list(account.network.zones), "even", within=3600)


def test_scaling_in_takes_from_the_fullest_zone_and_spares_the_protected(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html"""
    group = account.group(minimum=1, DesiredCapacity=3)
    zone, many = Counter(group.zones()).most_common()[0]
    fullest = [one["InstanceId"] for one in group.seen()["Instances"] if one["AvailabilityZone"] == zone]
    assert many == 2
    account.groups.set_instance_protection(
        AutoScalingGroupName=group.name, InstanceIds=fullest[:1], ProtectedFromScaleIn=True
    )
    group.desire(2)
    assert fullest[0] in group.settled(2, without=fullest[1])


def test_newest_instance_policy_terminates_the_newest(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html"""
    group = account.group(minimum=1, TerminationPolicies=["NewestInstance"], zones=1)
    old = group.ids()[0]
    group.desire(2)
    group.settled(2)
    group.desire(1)
    assert group.settled(1) == [old]


def test_the_default_policy_terminates_the_oldest_launch_template_version(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html"""
    template = account.template()
    account.version(template, UserData=encoded("two"))
    group = account.group(LaunchTemplate={"LaunchTemplateId": template, "Version": "2"}, zones=1)
    newer = group.ids()[0]
    group.update(LaunchTemplate={"LaunchTemplateId": template, "Version": "1"}, DesiredCapacity=2)
    group.settled(2)
    group.desire(1)
    assert group.settled(1) == [newer]


def test_an_update_leaves_what_it_does_not_name(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html"""
    group = account.group(minimum=0, HealthCheckType="ELB", HealthCheckGracePeriod=77, DesiredCapacity=0)
    group.suspend("Launch")
    group.desire(2)
    group.update(MaxSize=6)
    seen = group.seen()
    kept = (seen["MinSize"], seen["MaxSize"], seen["DesiredCapacity"], seen["HealthCheckGracePeriod"])
    assert kept == (0, 6, 2, 77)
    assert seen["HealthCheckType"] == "ELB"
    assert seen["LaunchTemplate"]["Version"] == "1"
    assert [one["ProcessName"] for one in seen["SuspendedProcesses"]] == ["Launch"]


def test_raising_the_minimum_raises_desired_capacity_with_it(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html"""
    group = account.group(minimum=0)
    group.suspend("Launch")
    group.update(MinSize=3)
    assert group.desired() == 3
    with refused("ValidationError", "Desired capacity:9 must be between"):
        group.update(DesiredCapacity=9)


def test_lowering_the_maximum_lowers_desired_capacity_with_it(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html"""
    group = account.group(minimum=0)
    group.suspend("Launch")
    group.desire(4)
    group.update(MaxSize=2)
    assert group.desired() == 2


def test_groups_are_described_page_by_page(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html"""
    template = {"LaunchTemplateId": account.template(), "Version": "1"}
    names = [account.group(f"group-{number}", minimum=0, LaunchTemplate=template).name for number in range(5)]
    paginator = account.groups.get_paginator("describe_auto_scaling_groups")
    pages = list(paginator.paginate(AutoScalingGroupNames=names, MaxRecords=2))
    assert [len(page["AutoScalingGroups"]) for page in pages] == [2, 2, 1]
    with refused("ValidationError"):
        account.groups.describe_auto_scaling_groups(MaxRecords=101)


def test_each_instance_tells_the_version_that_it_was_launched_with(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Instance.html"""
    template = account.template()
    account.version(template, UserData=encoded("two"))
    group = account.group(LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"})
    account.version(template, UserData=encoded("three"))
    group.desire(2)
    group.settled(2)
    seen = group.seen()
    assert seen["LaunchTemplate"]["Version"] == "$Latest"
    assert sorted(one["LaunchTemplate"]["Version"] for one in seen["Instances"]) == ["2", "3"]


def test_group_tags_reach_the_instances_that_they_are_propagated_to(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html"""
    tags = [
        {"Key": "role", "Value": "web", "PropagateAtLaunch": True},
        {"Key": "owner", "Value": "us", "PropagateAtLaunch": False},
    ]
    group = account.group(Tags=tags)
    found = account.ec2.describe_instances(InstanceIds=group.ids())["Reservations"][0]["Instances"][0]
    seen = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    assert seen["role"] == "web"
    assert "owner" not in seen
    assert seen["aws:autoscaling:groupName"] == group.name
    assert seen["aws:ec2launchtemplate:version"] == "1"


def test_activities_are_newest_first_with_cause_and_pages(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html"""
    group = account.group(minimum=3)
    first = group.ids()[0]
    group.terminate(first, decrement=False)
    group.settled(3, without=first)
    account.eventually(
        lambda: all(one["StatusCode"] == "Successful" for one in group.activities()), "every activity has ended"
    )
    found = group.activities()
    assert found[0]["Description"].startswith("Launching")
    assert found[1]["Description"].startswith("Terminating")
    assert "in response to a user request" in found[1]["Cause"]
    assert {one["Progress"] for one in found} == {100}
    pages = account.groups.get_paginator("describe_scaling_activities").paginate(
        AutoScalingGroupName=group.name, PaginationConfig={"PageSize": 2}
    )
    assert sum(len(page["Activities"]) for page in pages) == 5


def test_a_policy_changes_capacity_by_a_difference_within_the_sizes(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ExecutePolicy.html"""
    group = account.group(minimum=0, maximum=3)
    group.suspend("Launch")
    account.groups.put_scaling_policy(
        AutoScalingGroupName=group.name, PolicyName="more", AdjustmentType="ChangeInCapacity", ScalingAdjustment=5
    )
    account.groups.execute_policy(PolicyName="more", AutoScalingGroupName=group.name)
    assert group.desired() == 3
