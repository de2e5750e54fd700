"""A launch configuration as a launch template's data: the same servers, in the other API's words. Pure.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RequestLaunchTemplateData.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..aws.launch_configurations import LaunchConfiguration

_SECURITY_GROUP = "sg-"


@dataclass(frozen=True)
class Converted:
    """A launch template's data; what was left out of it and why; why it can't be made."""

    data: Mapping[str, object]
    left_out: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def converted(configuration: LaunchConfiguration) -> Converted:
    """Return the launch template that makes the same servers."""
    left_out: list[str] = []
    if configuration.classic_link:
        left_out.append(f"ClassicLink to {configuration.classic_link}: AWS ended EC2-Classic, and with it ClassicLink")
    devices = [_device(each, left_out) for each in configuration.devices]
    data = {
        "ImageId": configuration.image,
        "InstanceType": configuration.instance_type,
        "KeyName": configuration.key,
        "UserData": configuration.user_data,
        "IamInstanceProfile": _profile(configuration.profile),
        "KernelId": configuration.kernel,
        "RamDiskId": configuration.ramdisk,
        "BlockDeviceMappings": devices,
        "MetadataOptions": dict(configuration.metadata),
        "InstanceMarketOptions": _spot(configuration.spot_price),
        "Placement": {"Tenancy": configuration.tenancy} if configuration.tenancy else {},
        **_network(configuration),
    }
    kept: dict[str, object] = {key: value for key, value in data.items() if value}
    # Detailed monitoring is on unless a launch configuration says otherwise, and off unless a template does.
    kept["Monitoring"] = {"Enabled": configuration.monitoring}
    if configuration.ebs_optimized:
        kept["EbsOptimized"] = True
    return Converted(kept, tuple(left_out), _problems(configuration))


def _profile(profile: str) -> dict[str, str]:
    if not profile:
        return {}
    return {"Arn" if profile.startswith("arn:") else "Name": profile}


def _spot(price: str) -> dict[str, object]:
    if not price:
        return {}
    return {"MarketType": "spot", "SpotOptions": {"MaxPrice": price, "SpotInstanceType": "one-time"}}


def _network(configuration: LaunchConfiguration) -> dict[str, object]:
    """Security groups belong to the interface where there is one; it is the only place to ask for a public address."""
    groups = list(configuration.security_groups)
    if configuration.public_address is not None:
        address = configuration.public_address
        interface = {"DeviceIndex": 0, "AssociatePublicIpAddress": address, "DeleteOnTermination": True}
        return {"NetworkInterfaces": [{**interface, "Groups": groups} if groups else interface]}
    return {
        "SecurityGroupIds": [name for name in groups if name.startswith(_SECURITY_GROUP)],
        "SecurityGroups": [name for name in groups if not name.startswith(_SECURITY_GROUP)],
    }


def _device(device: Mapping[str, object], left_out: list[str]) -> dict[str, object]:
    kept = {key: device[key] for key in ("DeviceName", "VirtualName") if device.get(key)}
    if device.get("NoDevice"):
        return {**kept, "NoDevice": ""}
    ebs = device.get("Ebs")
    if not isinstance(ebs, Mapping):
        return kept
    # Autoscaling deletes volumes with their server unless told otherwise.
    volume = {"DeleteOnTermination": True, **ebs}
    if volume.get("SnapshotId") and "Encrypted" in volume:
        del volume["Encrypted"]
        left_out.append(
            f"Encrypted of {device.get('DeviceName')}: it follows from {volume['SnapshotId']}, and EC2 takes only one"
        )
    return {**kept, "Ebs": volume}


def _problems(configuration: LaunchConfiguration) -> tuple[str, ...]:
    names = [name for name in configuration.security_groups if not name.startswith(_SECURITY_GROUP)]
    if configuration.public_address is None or not names:
        return ()
    return (
        f"the launch configuration {configuration.name} names security groups ({', '.join(names)}) and says whether "
        "servers get a public address: a launch template needs the groups' ids for that. Give the group a launch "
        "configuration with ids",
    )
