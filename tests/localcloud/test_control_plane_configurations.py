"""Groups as old accounts have them: launch configurations, classic balancers, mixed instances policies.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-configurations.html
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.account import Account, encoded, refused

GIVEN: dict[str, Any] = {
    "ImageId": "ami-04681a1dbd79675a5",
    "InstanceType": "m5.large",
    "UserData": "#!/bin/sh\necho hello\n",
    "KeyName": "deployers",
    "SecurityGroups": [],
    "BlockDeviceMappings": [
        {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 30, "VolumeType": "io1", "Iops": 300, "Encrypted": True}},
        {"DeviceName": "/dev/sdb", "NoDevice": True},
    ],
    "InstanceMonitoring": {"Enabled": False},
    "EbsOptimized": True,
    "SpotPrice": "0.25",
    "PlacementTenancy": "dedicated",
    "AssociatePublicIpAddress": False,
    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"},
}


def configuration(account: Account, name: str = "old", **given: Any) -> str:
    account.groups.create_launch_configuration(LaunchConfigurationName=name, **{**GIVEN, **given})
    return name


def test_a_name_that_is_taken_is_refused(account: Account) -> None:
    configuration(account)
    with refused("AlreadyExists", "old"):
        configuration(account)


def test_one_without_image_or_type_is_refused(account: Account) -> None:
    with refused("ValidationError", "InstanceType"):
        account.groups.create_launch_configuration(LaunchConfigurationName="old", ImageId="ami-1")


def test_a_group_on_one_that_is_not_there_is_refused(account: Account) -> None:
    with refused("ValidationError", "nowhere"):
        account.groups.create_auto_scaling_group(
            AutoScalingGroupName="web",
            MinSize=0,
            MaxSize=1,
            LaunchConfigurationName="nowhere",
            VPCZoneIdentifier=",".join(account.subnets()),
        )


def test_everything_that_was_asked_for_is_described(account: Account) -> None:
    configuration(account)
    (found,) = account.groups.describe_launch_configurations(LaunchConfigurationNames=["old"])["LaunchConfigurations"]
    assert {key: found[key] for key in GIVEN} == {**GIVEN, "UserData": encoded(GIVEN["UserData"])}


def test_monitoring_is_detailed_unless_asked_otherwise(account: Account) -> None:
    account.groups.create_launch_configuration(
        LaunchConfigurationName="plain", ImageId="ami-1", InstanceType="t2.micro"
    )
    (found,) = account.groups.describe_launch_configurations()["LaunchConfigurations"]
    assert found["InstanceMonitoring"] == {"Enabled": True}
    assert found["EbsOptimized"] is False
    assert "AssociatePublicIpAddress" not in found


def test_a_group_on_one_launches_what_it_says_and_cannot_be_asked_for_instances(account: Account) -> None:
    group = account.seen(on_configuration(account))
    (member,) = group["Instances"]
    assert group["LaunchConfigurationName"] == member["LaunchConfigurationName"] == "old"
    assert "LaunchTemplate" not in group | member
    assert member["InstanceType"] == "m5.large"
    assert account.machines.specs[member["InstanceId"]].user_data == GIVEN["UserData"].encode()
    with refused("ValidationError", "launch configuration"):
        account.groups.launch_instances(
            AutoScalingGroupName="web", RequestedCapacity=1, ClientToken="t", AvailabilityZones=["us-east-1a"]
        )


def on_configuration(account: Account, **given: Any) -> str:
    account.groups.create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=1,
        MaxSize=4,
        LaunchConfigurationName=configuration(account),
        VPCZoneIdentifier=",".join(account.subnets()),
        **given,
    )
    account.turn(6)
    return "web"


def test_one_that_a_group_launches_from_is_not_deleted(account: Account) -> None:
    group = on_configuration(account)
    with refused("ResourceInUse", "web"):
        account.groups.delete_launch_configuration(LaunchConfigurationName="old")
    account.groups.update_auto_scaling_group(
        AutoScalingGroupName=group, LaunchTemplate={"LaunchTemplateId": account.template(), "Version": "1"}
    )
    account.groups.delete_launch_configuration(LaunchConfigurationName="old")
    assert account.groups.describe_launch_configurations()["LaunchConfigurations"] == []


def test_a_group_pointed_at_a_template_keeps_its_servers_and_their_origin(account: Account) -> None:
    group = on_configuration(account)
    before = account.ids()
    account.groups.update_auto_scaling_group(
        AutoScalingGroupName=group, LaunchTemplate={"LaunchTemplateId": account.template(), "Version": "1"}
    )
    account.turn(10)
    assert account.ids() == before
    seen = account.seen()
    assert "LaunchConfigurationName" not in seen
    assert seen["Instances"][0]["LaunchConfigurationName"] == "old"


@pytest.mark.parametrize("public", [True, False])
def test_a_template_with_interfaces_and_groups_of_its_own_launches_nothing(account: Account, public: bool) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RequestLaunchTemplateData.html"""
    security = account.ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    interface = {"DeviceIndex": 0, "AssociatePublicIpAddress": public}
    both = account.template("both", NetworkInterfaces=[interface], SecurityGroupIds=[security])
    with refused("InvalidParameterCombination"):
        account.ec2.run_instances(LaunchTemplate={"LaunchTemplateId": both}, MinCount=1, MaxCount=1)
    inside = account.template("inside", NetworkInterfaces=[{**interface, "Groups": [security]}])
    account.ec2.run_instances(LaunchTemplate={"LaunchTemplateId": inside}, MinCount=1, MaxCount=1)


def test_a_mixed_instances_policy_is_kept_whole_until_a_plain_template_erases_it(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html"""
    template = account.template()
    number = account.version(template, InstanceType="t3.large")
    policy: dict[str, Any] = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"},
            "Overrides": [{"InstanceType": "m5.large"}, {"InstanceType": "m5a.large"}],
        },
        "InstancesDistribution": {"OnDemandBaseCapacity": 1, "SpotAllocationStrategy": "price-capacity-optimized"},
    }
    account.groups.create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=1,
        MaxSize=4,
        MixedInstancesPolicy=policy,
        VPCZoneIdentifier=",".join(account.subnets()),
    )
    account.turn(6)
    seen = account.seen()["MixedInstancesPolicy"]
    assert seen["LaunchTemplate"]["Overrides"] == policy["LaunchTemplate"]["Overrides"]
    assert seen["InstancesDistribution"] == policy["InstancesDistribution"]
    seen["LaunchTemplate"]["LaunchTemplateSpecification"] = {"LaunchTemplateId": template, "Version": number}
    account.groups.update_auto_scaling_group(AutoScalingGroupName="web", MixedInstancesPolicy=seen)
    after = account.seen()["MixedInstancesPolicy"]
    assert after["LaunchTemplate"]["LaunchTemplateSpecification"]["Version"] == number
    assert after["LaunchTemplate"]["Overrides"] == policy["LaunchTemplate"]["Overrides"]
    launched = account.groups.launch_instances(
        AutoScalingGroupName="web", RequestedCapacity=1, ClientToken="t", AvailabilityZones=["us-east-1a"]
    )
    assert launched["Instances"][0]["InstanceType"] == "m5.large"
    account.groups.update_auto_scaling_group(
        AutoScalingGroupName="web", LaunchTemplate={"LaunchTemplateId": template, "Version": "1"}
    )
    assert "MixedInstancesPolicy" not in account.seen()
