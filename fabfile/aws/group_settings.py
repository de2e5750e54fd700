"""A whole autoscaling group, whoever made it: what it launches from, its settings, hooks and servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .session import Aws

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef, InstanceTypeDef, LifecycleHookTypeDef

CONFIGURATION = "launch configuration "  # before its name, where text says what a group launches from
_LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"


@dataclass(frozen=True)
class Source:
    """What a group launches from: a launch configuration, or a version of a launch template, "$Latest" included."""

    configuration: str = ""
    template: str = ""  # id
    version: str = ""
    policy: Mapping[str, Any] | None = None  # the MixedInstancesPolicy around the template, in AWS's words

    @property
    def numbered(self) -> bool:
        """Whether it is a version by its number, so that a new version changes nothing by being made."""
        return self.version.isdecimal()

    def __str__(self) -> str:
        return CONFIGURATION + self.configuration if self.configuration else f"{self.template}:{self.version}"


def policy_problem(policy: Mapping[str, Any]) -> str:
    """Say why rollouts can't work with a MixedInstancesPolicy; "" where they can."""
    overrides = policy.get("LaunchTemplate", {}).get("Overrides") or []
    if any(each.get("WeightedCapacity") for each in overrides):
        return (
            "its MixedInstancesPolicy weighs instance types: its sizes are no numbers of servers, which rollouts count"
        )
    if any(each.get("LaunchTemplateSpecification") for each in overrides):
        return (
            "its MixedInstancesPolicy has several launch templates, and a launch config is one version of one template"
        )
    return ""


@dataclass(frozen=True)
class Hook:
    """A lifecycle hook; `timeout` in seconds. `target` is who is notified, "" for nobody."""

    name: str
    launching: bool
    timeout: float
    default: str
    target: str = ""


@dataclass(frozen=True)
class Launched:
    """A server of the group, and what it was launched from."""

    id: str
    zone: str
    state: str
    healthy: bool
    source: str


@dataclass(frozen=True)
class GroupSettings:
    """A group as it is now; times in seconds."""

    name: str
    source: Source
    minimum: int
    maximum: int
    desired: int
    zones: tuple[str, ...]
    subnets: tuple[str, ...]
    suspended: tuple[str, ...]
    health_check: str  # EC2, ELB, …
    grace: float
    cooldown: float
    termination_policies: tuple[str, ...]
    protects_new: bool
    classic_balancers: tuple[str, ...]  # names
    target_groups: tuple[str, ...]  # ARNs
    tags: Mapping[str, str] = field(default_factory=dict)
    hooks: tuple[Hook, ...] = ()
    servers: tuple[Launched, ...] = ()

    @property
    def kept(self) -> GroupSettings:
        """The part that an adoption leaves as it is: all but what it launches from, and its servers' states."""
        policy = self.source.policy
        rest = None if policy is None else {**policy, "LaunchTemplate": _without_version(policy["LaunchTemplate"])}
        return replace(self, source=Source(policy=rest), servers=())


def find_group_settings(aws: Aws, name: str) -> GroupSettings | None:
    """Return everything about a group, by two calls; None if it is not there."""
    with aws.calling(f"describe the autoscaling group {name}"):
        found = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    if not found["AutoScalingGroups"]:
        return None
    return _settings(found["AutoScalingGroups"][0], hooks_of(aws, name))


def hooks_of(aws: Aws, group: str) -> tuple[Hook, ...]:
    """Return a group's lifecycle hooks; raises `Refused` if there is no such group."""
    with aws.calling(f"describe the lifecycle hooks of {group}"):
        found = aws.client("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=group)
    return tuple(map(_hook, found["LifecycleHooks"]))


def tags_of_groups(aws: Aws) -> Mapping[str, Mapping[str, str]]:
    """Return the names of the account's groups in this region, each with its tags."""
    with aws.calling("list the autoscaling groups"):
        pages = aws.client("autoscaling").get_paginator("describe_auto_scaling_groups")
        found = [group for page in pages.paginate() for group in page["AutoScalingGroups"]]
    return {group["AutoScalingGroupName"]: _tags(group) for group in found}


def _settings(group: AutoScalingGroupTypeDef, hooks: tuple[Hook, ...]) -> GroupSettings:
    return GroupSettings(
        name=group["AutoScalingGroupName"],
        source=_source(group),
        minimum=group["MinSize"],
        maximum=group["MaxSize"],
        desired=group["DesiredCapacity"],
        zones=tuple(sorted(group["AvailabilityZones"])),
        subnets=tuple(filter(None, group.get("VPCZoneIdentifier", "").split(","))),
        suspended=tuple(sorted(each["ProcessName"] for each in group.get("SuspendedProcesses", []))),
        health_check=group["HealthCheckType"],
        grace=float(group.get("HealthCheckGracePeriod", 0)),
        cooldown=float(group["DefaultCooldown"]),
        termination_policies=tuple(group.get("TerminationPolicies", [])),
        protects_new=group.get("NewInstancesProtectedFromScaleIn", False),
        classic_balancers=tuple(group.get("LoadBalancerNames", [])),
        target_groups=tuple(group.get("TargetGroupARNs", [])),
        tags=_tags(group),
        hooks=hooks,
        servers=tuple(map(_launched, group["Instances"])),
    )


def _source(group: AutoScalingGroupTypeDef) -> Source:
    policy: Mapping[str, Any] | None = group.get("MixedInstancesPolicy")
    template = policy["LaunchTemplate"]["LaunchTemplateSpecification"] if policy else group.get("LaunchTemplate", {})
    if template:
        return Source("", template.get("LaunchTemplateId", ""), template.get("Version", "$Default"), policy)
    return Source(configuration=group.get("LaunchConfigurationName", ""))


def _launched(instance: InstanceTypeDef) -> Launched:
    template = instance.get("LaunchTemplate")
    configuration = instance.get("LaunchConfigurationName", "")
    if template:
        source = f"{template.get('LaunchTemplateId', '')}:{template.get('Version', '')}"
    else:
        source = CONFIGURATION + configuration if configuration else "by hand"
    return Launched(
        instance["InstanceId"],
        instance["AvailabilityZone"],
        instance["LifecycleState"],
        instance["HealthStatus"].lower() == "healthy",
        source,
    )


def _hook(hook: LifecycleHookTypeDef) -> Hook:
    return Hook(
        hook["LifecycleHookName"],
        hook["LifecycleTransition"] == _LAUNCHING,
        float(hook.get("HeartbeatTimeout", 3600)),
        hook.get("DefaultResult", "ABANDON"),
        hook.get("NotificationTargetARN", ""),
    )


def _tags(group: AutoScalingGroupTypeDef) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in group.get("Tags", [])}


def _without_version(template: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in template.items() if key != "LaunchTemplateSpecification"}
