"""Launch configurations, from which old accounts' groups launch. They are read, never made: AWS takes no new ones.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchConfiguration.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .session import Aws

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.type_defs import LaunchConfigurationTypeDef


@dataclass(frozen=True)
class LaunchConfiguration:
    """All that a launch configuration says of its servers; "" and None where it says nothing.

    `user_data` is base64, as AWS has it, and may hold secrets: it is copied, and never shown. `devices` and
    `metadata` are in AWS's words.
    """

    name: str
    image: str
    instance_type: str
    user_data: str = field(default="", repr=False)
    key: str = ""
    security_groups: tuple[str, ...] = ()
    profile: str = ""  # name or ARN
    devices: tuple[Mapping[str, object], ...] = ()
    monitoring: bool = True
    ebs_optimized: bool = False
    spot_price: str = ""
    tenancy: str = ""
    public_address: bool | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    kernel: str = ""
    ramdisk: str = ""
    classic_link: str = ""  # a VPC's id


def find_launch_configuration(aws: Aws, name: str) -> LaunchConfiguration | None:
    """Return the launch configuration of that name; None if it is gone."""
    with aws.calling(f"describe the launch configuration {name}"):
        found = aws.client("autoscaling").describe_launch_configurations(LaunchConfigurationNames=[name])
    return next(map(_configuration, found["LaunchConfigurations"]), None)


def _configuration(found: LaunchConfigurationTypeDef) -> LaunchConfiguration:
    return LaunchConfiguration(
        name=found["LaunchConfigurationName"],
        image=found.get("ImageId", ""),
        instance_type=found.get("InstanceType", ""),
        user_data=found.get("UserData", ""),
        key=found.get("KeyName", ""),
        security_groups=tuple(found.get("SecurityGroups", [])),
        profile=found.get("IamInstanceProfile", ""),
        devices=tuple({**each} for each in found.get("BlockDeviceMappings", [])),
        monitoring=found.get("InstanceMonitoring", {}).get("Enabled", True),
        ebs_optimized=found.get("EbsOptimized", False),
        spot_price=found.get("SpotPrice", ""),
        tenancy=found.get("PlacementTenancy", ""),
        public_address=found.get("AssociatePublicIpAddress"),
        metadata={**found.get("MetadataOptions", {})},
        kernel=found.get("KernelId", ""),
        ramdisk=found.get("RamdiskId", ""),
        classic_link=found.get("ClassicLinkVPCId", ""),
    )
