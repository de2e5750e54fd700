"""EC2: instances by id or tag, their addresses, their consoles."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .session import Aws

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef, InstanceTypeDef

_CHUNK = 200  # values that one filter takes; a longer list is refused with FilterLimitExceeded


@dataclass(frozen=True)
class Instance:
    """An instance; `launched` in seconds since the epoch.

    `addresses` is by the names that the config uses.
    """

    id: str
    state: str
    zone: str
    launched: float
    type: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def instances(aws: Aws, ids: Sequence[str]) -> Mapping[str, Instance]:
    """Return the instances of these ids that EC2 still knows."""
    found: dict[str, Instance] = {}
    for start in range(0, len(ids), _CHUNK):
        part = list(ids[start : start + _CHUNK])
        # A filter, not InstanceIds: one id that is gone would fail the whole call.
        filters: list[FilterTypeDef] = [{"Name": "instance-id", "Values": part}]
        found.update({each.id: each for each in _matching(aws, filters)})
    return found


def instances_tagged(aws: Aws, tags: Mapping[str, str]) -> tuple[Instance, ...]:
    """Return running or pending instances with all these tags, by id."""
    filters: list[FilterTypeDef] = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["pending", "running"]})
    return tuple(sorted(_matching(aws, filters), key=lambda each: each.id))


def console_tail(aws: Aws, instance: str, lines: int = 20) -> tuple[str, ...]:
    """Return the console's last lines; AWS posts them some minutes late, `Latest` works on Nitro types only."""
    with aws.calling(f"read the console of {instance}"):
        output = aws.client("ec2").get_console_output(InstanceId=instance).get("Output", "")
    return tuple(_decoded(output).splitlines()[-lines:])


def _matching(aws: Aws, filters: list[FilterTypeDef]) -> Iterable[Instance]:
    with aws.calling("describe instances"):
        pages = aws.client("ec2").get_paginator("describe_instances")
        for page in pages.paginate(Filters=filters):
            for reservation in page["Reservations"]:
                yield from map(_instance, reservation["Instances"])


def _instance(instance: InstanceTypeDef) -> Instance:
    addresses = {
        "private_ip_address": instance.get("PrivateIpAddress", ""),
        "private_dns_name": instance.get("PrivateDnsName", ""),
        "public_ip_address": instance.get("PublicIpAddress", ""),
        "public_dns_name": instance.get("PublicDnsName", ""),
    }
    return Instance(
        id=instance["InstanceId"],
        state=instance["State"]["Name"],
        zone=instance.get("Placement", {}).get("AvailabilityZone", ""),
        launched=instance["LaunchTime"].timestamp(),
        type=instance["InstanceType"],
        addresses=addresses,
        tags={tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])},
    )


def _decoded(output: str) -> str:
    """Decode what botocore left encoded: it decodes AWS's own answers, and not everybody's."""
    try:
        return base64.b64decode(output, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return output
