"""A launch configuration and the template made of it make the same servers."""

from __future__ import annotations

from dataclasses import replace

from fabfile.adoption.conversion import converted
from fabfile.aws.launch_configurations import LaunchConfiguration

PLAIN = LaunchConfiguration("old", "ami-1", "m5.large")


def test_defaults_that_differ_between_the_two_are_spelled_out() -> None:
    assert converted(PLAIN).data == {"ImageId": "ami-1", "InstanceType": "m5.large", "Monitoring": {"Enabled": True}}


def test_everything_that_a_launch_configuration_can_say_is_in_the_template() -> None:
    made = converted(
        LaunchConfiguration(
            "old",
            "ami-1",
            "m5.large",
            user_data="IyEvYmluL3NoCg==",
            key="deployers",
            security_groups=("sg-1", "web"),
            profile="servers",
            devices=(
                {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 30, "VolumeType": "io1", "Iops": 300}},
                {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
                {"DeviceName": "/dev/sdc", "NoDevice": True},
                {"DeviceName": "/dev/sdd", "Ebs": {"Encrypted": True, "VolumeSize": 5, "DeleteOnTermination": False}},
            ),
            monitoring=False,
            ebs_optimized=True,
            spot_price="0.25",
            tenancy="dedicated",
            metadata={"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
            kernel="aki-1",
            ramdisk="ari-1",
        )
    )
    assert made.left_out == made.problems == ()
    assert made.data == {
        "ImageId": "ami-1",
        "InstanceType": "m5.large",
        "KeyName": "deployers",
        "UserData": "IyEvYmluL3NoCg==",
        "IamInstanceProfile": {"Name": "servers"},
        "KernelId": "aki-1",
        "RamDiskId": "ari-1",
        "BlockDeviceMappings": [
            {
                "DeviceName": "/dev/sda1",
                "Ebs": {"DeleteOnTermination": True, "VolumeSize": 30, "VolumeType": "io1", "Iops": 300},
            },
            {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
            {"DeviceName": "/dev/sdc", "NoDevice": ""},
            {"DeviceName": "/dev/sdd", "Ebs": {"DeleteOnTermination": False, "Encrypted": True, "VolumeSize": 5}},
        ],
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        "InstanceMarketOptions": {
            "MarketType": "spot",
            "SpotOptions": {"MaxPrice": "0.25", "SpotInstanceType": "one-time"},
        },
        "Placement": {"Tenancy": "dedicated"},
        "SecurityGroupIds": ["sg-1"],
        "SecurityGroups": ["web"],
        "Monitoring": {"Enabled": False},
        "EbsOptimized": True,
    }


def test_a_public_address_moves_the_security_groups_to_the_interface() -> None:
    data = converted(replace(PLAIN, public_address=False, security_groups=("sg-1", "sg-2"))).data
    assert "SecurityGroupIds" not in data
    assert data["NetworkInterfaces"] == [
        {
            "DeviceIndex": 0,
            "AssociatePublicIpAddress": False,
            "DeleteOnTermination": True,
            "Groups": ["sg-1", "sg-2"],
        }
    ]


def test_security_groups_by_name_beside_a_public_address_are_a_problem() -> None:
    (problem,) = converted(replace(PLAIN, public_address=True, security_groups=("web",))).problems
    assert problem == (
        "the launch configuration old names security groups (web) and says whether servers get a public address: a "
        "launch template needs the groups' ids for that. Give the group a launch configuration with ids"
    )


def test_a_profile_may_be_named_by_its_arn() -> None:
    arn = "arn:aws:iam::123456789012:instance-profile/servers"
    assert converted(replace(PLAIN, profile=arn)).data["IamInstanceProfile"] == {"Arn": arn}


def test_encryption_of_a_volume_made_of_a_snapshot_is_the_snapshots() -> None:
    device = {"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-1", "Encrypted": True}}
    made = converted(replace(PLAIN, devices=(device,)))
    volume = {"DeleteOnTermination": True, "SnapshotId": "snap-1"}
    assert made.data["BlockDeviceMappings"] == [{"DeviceName": "/dev/sdf", "Ebs": volume}]
    assert made.left_out == ("Encrypted of /dev/sdf: it follows from snap-1, and EC2 takes only one",)
