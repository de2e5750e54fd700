"""EC2 Auto Scaling and EC2: a group with its hooks and what it launches from, for comparing it with the config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .session import Aws


@dataclass(frozen=True)
class Hook:
    """A launch hook: what happens to a server that says nothing in time."""

    name: str
    default: str


@dataclass(frozen=True)
class Source:
    """What a group launches from; `version` may be a name such as $Latest. Empty for a launch configuration."""

    template: str = ""
    version: str = ""
    tokens: str = ""  # "required": metadata is not told to whoever asks
    tags: str = ""  # "enabled": servers see their own tags
    profile: str = ""  # ARN or name of the instance profile


@dataclass(frozen=True)
class InspectedGroup:
    """An autoscaling group as it is; times in seconds."""

    name: str
    minimum: int
    maximum: int
    health_check: str
    grace: float
    target_groups: tuple[str, ...]
    hooks: tuple[Hook, ...]
    source: Source


@dataclass(frozen=True)
class Ingress:
    """One rule of a security group: ports, and where from (groups' ids or address blocks)."""

    first: int
    last: int
    sources: tuple[str, ...]


def inspect_group(aws: Aws, name: str) -> InspectedGroup | None:
    """Return the group as it is now; None where there is none."""
    client = aws.client("autoscaling")
    with aws.calling(f"describe the autoscaling group {name}"):
        found = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        if not found:
            return None
        hooks = client.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
    group: Mapping[str, Any] = found[0]
    return InspectedGroup(
        name=name,
        minimum=group["MinSize"],
        maximum=group["MaxSize"],
        health_check=group["HealthCheckType"],
        grace=float(group.get("HealthCheckGracePeriod", 0)),
        target_groups=tuple(group.get("TargetGroupARNs", [])),
        hooks=tuple(
            Hook(hook["LifecycleHookName"], hook.get("DefaultResult", ""))
            for hook in hooks
            if hook.get("LifecycleTransition") == "autoscaling:EC2_INSTANCE_LAUNCHING"
        ),
        source=_source(aws, group),
    )


def ingress_of(aws: Aws, groups: tuple[str, ...]) -> Mapping[str, tuple[Ingress, ...]]:
    """Return the rules of security groups by their ids; raises `Missing` when one of them is gone."""
    if not groups:
        return {}
    with aws.calling(f"describe the security groups {', '.join(groups)}"):
        found = aws.client("ec2").describe_security_groups(GroupIds=list(groups))["SecurityGroups"]
    return {group["GroupId"]: tuple(_ingress(rule) for rule in group["IpPermissions"]) for group in found}


def _source(aws: Aws, group: Mapping[str, Any]) -> Source:
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification")
    named = group.get("LaunchTemplate") or mixed
    if not named:
        return Source()
    template, version = named["LaunchTemplateId"], named.get("Version", "$Default")
    with aws.calling(f"read the version {version} of the launch template {template}"):
        versions = aws.client("ec2").describe_launch_template_versions(LaunchTemplateId=template, Versions=[version])
    data: Mapping[str, Any] = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    options, profile = data.get("MetadataOptions", {}), data.get("IamInstanceProfile", {})
    return Source(
        template,
        version,
        options.get("HttpTokens", "optional"),
        options.get("InstanceMetadataTags", "disabled"),
        profile.get("Arn") or profile.get("Name", ""),
    )


def _ingress(rule: Mapping[str, Any]) -> Ingress:
    sources = [pair["GroupId"] for pair in rule.get("UserIdGroupPairs", [])]
    sources += [block["CidrIp"] for block in rule.get("IpRanges", [])]
    sources += [block["CidrIpv6"] for block in rule.get("Ipv6Ranges", [])]
    return Ingress(rule.get("FromPort", 0), rule.get("ToPort", 65535), tuple(sources))
