"""EC2: where servers can go (network, subnets) and what an image's root device is called."""

from __future__ import annotations

from dataclasses import dataclass

from ..config.environment import Environment
from ..errors import UsageError
from .session import Aws
from .translate import Missing, Refused


@dataclass(frozen=True)
class Placement:
    """A network, its subnets in the environment's zones, and the image's root device, e.g. /dev/xvda."""

    vpc: str
    subnets: tuple[str, ...]
    root_device: str


def place(aws: Aws, environment: Environment) -> Placement:
    """Look up what the config leaves open: the account's default VPC and its subnets in the named zones.

    Raises `UsageError` when there is no default VPC, when a zone has no subnet, or when the image is unknown.
    """
    vpc = environment.vpc or _default_vpc(aws, environment)
    return Placement(vpc, environment.subnets or _subnets(aws, environment, vpc), _root_device(aws, environment))


def _default_vpc(aws: Aws, environment: Environment) -> str:
    with aws.calling("look up the default VPC"):
        found = aws.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not found:
        raise UsageError(
            f"place the servers of {environment.deployment}-{environment.name}",
            f"the account has no default VPC in {environment.region}",
            "Name one as `vpc` and its `subnets` in fabulaws-config.yml",
        )
    return found[0]["VpcId"]


def _subnets(aws: Aws, environment: Environment, vpc: str) -> tuple[str, ...]:
    with aws.calling(f"look up the subnets of {vpc}"):
        pages = aws.client("ec2").get_paginator("describe_subnets")
        found = [
            subnet
            for page in pages.paginate(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
            for subnet in page["Subnets"]
        ]
    # A zone's default subnet is preferred; of several others the first by id, so that a rerun picks the same.
    found.sort(key=lambda subnet: (not subnet.get("DefaultForAz"), subnet["SubnetId"]))
    by_zone = {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in reversed(found)}
    missing = [zone for zone in environment.zones if zone not in by_zone]
    if missing:
        raise UsageError(
            f"place the servers of {environment.deployment}-{environment.name}",
            f"{vpc} has no subnet in {', '.join(missing)} (it has some in {', '.join(sorted(by_zone))})",
            "Change `avail_zones` or name `subnets` in fabulaws-config.yml",
        )
    return tuple(by_zone[zone] for zone in environment.zones)


def _root_device(aws: Aws, environment: Environment) -> str:
    cannot = f"use the image {environment.ami or '(none)'}"
    try:
        with aws.calling(cannot):
            found = aws.client("ec2").describe_images(ImageIds=[environment.ami])["Images"]
    except (Missing, Refused) as error:
        raise UsageError(cannot, error.seen, "Set `instance_settings: {ami: …}`") from error
    if not found:
        raise UsageError(
            cannot,
            f"{environment.region} has no such image",
            "Set `instance_settings: {ami: …}` in fabulaws-config.yml",
        )
    return found[0].get("RootDeviceName", "/dev/xvda")
