"""A network of its own for the tests: two zones, no way in or out, which costs nothing."""

from __future__ import annotations

from dataclasses import dataclass

from tests.conformance.cloud import Cloud
from tests.conformance.run import TAG

INSTANCE_TYPE = "t3.nano"  # the smallest that every region has
PORT = 8000
RANGE = "10.211.0.0"


@dataclass(frozen=True)
class Network:
    """Where tests put things; zones and subnets go together."""

    vpc: str
    zones: tuple[str, str]
    subnets: tuple[str, str]
    security_group: str


def build(cloud: Cloud, label: str) -> Network:
    """Make a VPC with two subnets whose servers may be reached on port 8000 from within."""
    ec2 = cloud.client("ec2")

    def tags(kind: str) -> list[dict[str, object]]:
        return [{"ResourceType": kind, "Tags": [{"Key": TAG, "Value": label}]}]

    vpc = ec2.create_vpc(CidrBlock=f"{RANGE}/16", TagSpecifications=tags("vpc"))["Vpc"]["VpcId"]
    zones = _zones(cloud)
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, AvailabilityZone=zone, CidrBlock=f"10.211.{number}.0/24", TagSpecifications=tags("subnet")
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones, 1)
    ]
    group = ec2.create_security_group(
        GroupName="fsc-web", Description=label, VpcId=vpc, TagSpecifications=tags("security-group")
    )["GroupId"]
    within = [{"CidrIp": f"{RANGE}/16"}]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": PORT, "ToPort": PORT, "IpRanges": within}]
    )
    return Network(vpc, zones, (subnets[0], subnets[1]), group)


def _zones(cloud: Cloud) -> tuple[str, str]:
    """The first two zones that have the instance type: some old ones don't."""
    found = cloud.client("ec2").describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [INSTANCE_TYPE]}]
    )
    first, second = sorted(one["Location"] for one in found["InstanceTypeOfferings"])[:2]
    return first, second
