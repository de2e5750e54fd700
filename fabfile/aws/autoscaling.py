"""EC2 Auto Scaling:

look at one group with all its members, and change it by calls that name only what they change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ..errors import UsageError
from ..rollout.model import Group, Launch, Lifecycle, Member
from .group_settings import CONFIGURATION, policy_problem
from .session import Aws

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.type_defs import (
        ActivityTypeDef,
        AutoScalingGroupTypeDef,
        InstanceTypeDef,
        LaunchTemplateSpecificationTypeDef,
        MixedInstancesPolicyTypeDef,
    )

_LIFECYCLES = {
    "Pending": Lifecycle.PENDING,
    "InService": Lifecycle.IN_SERVICE,
    "EnteringStandby": Lifecycle.STANDBY,
    "Standby": Lifecycle.STANDBY,
    "Terminating": Lifecycle.LEAVING,
    "Terminated": Lifecycle.LEAVING,
    "Detaching": Lifecycle.LEAVING,
    "Detached": Lifecycle.LEAVING,
    "Warmed": Lifecycle.WARM,
}
_SHRINKING = re.compile(r"shrinking the capacity from (\d+) to \d+")
_GROWING = re.compile(r"increasing the capacity from (\d+) to \d+")


@dataclass(frozen=True)
class GroupRecord:
    """A group, and the balancers that it knows; its members' target states are not filled in yet."""

    group: Group
    target_groups: tuple[str, ...]  # ARNs
    classic_balancers: tuple[str, ...]  # names


@dataclass(frozen=True)
class Launched:
    """What a launch brought: instance ids, or why there are none."""

    ids: tuple[str, ...]
    refusal: str = ""


@dataclass(frozen=True)
class Activity:
    """One scaling activity."""

    status: str
    description: str
    cause: str
    message: str


def describe_group(aws: Aws, name: str) -> GroupRecord:
    """Return the group as it is now, by one call whatever its size.

    Raises `UsageError` for a group that is not there, or that launches from anything but a plain launch
    template.
    """
    return describe_groups(aws, name)[0]


def exists(aws: Aws, name: str) -> bool:
    """Whether there is a group of that name, of whatever kind."""
    with aws.calling(f"describe the autoscaling group {name}"):
        found = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return bool(found["AutoScalingGroups"])


def describe_groups(aws: Aws, name: str, other: str = "") -> tuple[GroupRecord, Group | None]:
    """Return a group as `describe_group` does, and another one by the same call: None if it is not there."""
    what = f"describe the autoscaling group {name}"
    with aws.calling(what):
        found = aws.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[each for each in (name, other) if each]
        )
    groups = {group["AutoScalingGroupName"]: group for group in found["AutoScalingGroups"]}
    if name not in groups:
        raise UsageError(what, f"there is none in {aws.where}", "Run create_environment first")
    group = groups[name]
    _refuse_other_kinds(group)
    record = GroupRecord(_group(group), tuple(group.get("TargetGroupARNs", [])), tuple(group["LoadBalancerNames"]))
    return record, _group(groups[other]) if other in groups else None


def switch_launch_config(aws: Aws, group: str, launch_config: str) -> None:
    """Point the group at `launch_config` ("lt-…:N"), for what it launches from now on.

    A MixedInstancesPolicy stays as it is but for the version: it is read, and sent back whole, since an update
    without it erases it. A change of it by somebody else between the two calls would be lost.
    """
    template, version = launch_config.split(":")
    wanted: LaunchTemplateSpecificationTypeDef = {"LaunchTemplateId": template, "Version": version}
    client = aws.client("autoscaling")
    with aws.calling(f"switch {group} to the launch config {launch_config}"):
        found = client.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
        policy = found[0].get("MixedInstancesPolicy") if found else None
        if policy is None:
            client.update_auto_scaling_group(AutoScalingGroupName=group, LaunchTemplate=wanted)
            return
        whole = {**policy, "LaunchTemplate": {**policy["LaunchTemplate"], "LaunchTemplateSpecification": wanted}}
        client.update_auto_scaling_group(
            AutoScalingGroupName=group, MixedInstancesPolicy=cast("MixedInstancesPolicyTypeDef", whole)
        )


def point_group(aws: Aws, group: str, source: str) -> None:
    """Point the group at a source as `Source` writes it: "launch configuration NAME", or a template's version."""
    if not source.startswith(CONFIGURATION):
        return switch_launch_config(aws, group, source)
    name = source.removeprefix(CONFIGURATION)
    with aws.calling(f"switch {group} to the {source}"):
        aws.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=group, LaunchConfigurationName=name)


def fill_group(aws: Aws, group: str, version: str, minimum: int, desired: int) -> None:
    """Give a group that is empty a version of its launch template and its first servers, by one call.

    So no server is launched on another version, and whoever dies right after it finds the group filled.
    """
    template = describe_group(aws, group).group.launch_config.partition(":")[0]
    with aws.calling(f"fill {group} with {desired} servers"):
        aws.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=group,
            LaunchTemplate={"LaunchTemplateId": template, "Version": version},
            MinSize=minimum,
            DesiredCapacity=desired,
        )


def set_maximum(aws: Aws, group: str, maximum: int) -> None:
    """Set the group's MaxSize and nothing else."""
    with aws.calling(f"set the maximum size of {group} to {maximum}"):
        aws.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=group, MaxSize=maximum)


def set_sizes(aws: Aws, group: str, desired: int, minimum: int | None, maximum: int | None) -> None:
    """Set desired capacity and, unless None, the limits, all by one call: in between no size would be out of them.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html
    """
    limits: dict[str, int] = {}
    if minimum is not None:
        limits["MinSize"] = minimum
    if maximum is not None:
        limits["MaxSize"] = maximum
    with aws.calling(f"set the sizes of {group}"):
        aws.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=group,
            DesiredCapacity=desired,
            **limits,  # type: ignore[arg-type]
        )


def suspend_processes(aws: Aws, group: str, processes: Collection[str]) -> None:
    """Suspend scaling processes; those already suspended stay so."""
    with aws.calling(f"suspend {', '.join(sorted(processes))} of {group}"):
        aws.client("autoscaling").suspend_processes(AutoScalingGroupName=group, ScalingProcesses=sorted(processes))


def resume_processes(aws: Aws, group: str, processes: Collection[str]) -> None:
    """Resume scaling processes."""
    with aws.calling(f"resume {', '.join(sorted(processes))} of {group}"):
        aws.client("autoscaling").resume_processes(AutoScalingGroupName=group, ScalingProcesses=sorted(processes))


def launch_instances(aws: Aws, group: str, launch: Launch) -> Launched:
    """Launch instances into one zone; desired capacity rises by as many. Idempotent by the launch's token.

    Sent once: the loop repeats it, and a refusal then is the answer to this call, not to a second one.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html
    """
    with aws.calling(f"launch {launch.count} in {launch.zone} into {group}"):
        reply = aws.client("autoscaling", once=True).launch_instances(
            AutoScalingGroupName=group,
            RequestedCapacity=launch.count,
            ClientToken=launch.token,
            AvailabilityZones=[launch.zone],
            RetryStrategy="none",
        )
    ids = tuple(id_ for batch in reply.get("Instances", []) for id_ in batch.get("InstanceIds", []))
    refusals = [f"{each.get('ErrorCode')}: {each.get('ErrorMessage')}" for each in reply.get("Errors", [])]
    return Launched(ids, "" if ids else "; ".join(refusals))


def terminate(aws: Aws, instance: str, decrement: bool) -> int | None:
    """Terminate an instance of a group, which deregisters and drains it first; sent once, never repeated.

    Returns the group's desired capacity right before, where the activity's cause says so.
    """
    with aws.calling(f"terminate {instance}"):
        reply = aws.client("autoscaling", once=True).terminate_instance_in_auto_scaling_group(
            InstanceId=instance, ShouldDecrementDesiredCapacity=decrement
        )
    cause = reply.get("Activity", {}).get("Cause", "")
    found = _SHRINKING.search(cause) or _GROWING.search(cause)
    return int(found.group(1)) if found else None


def failed_activities(aws: Aws, group: str, limit: int = 5) -> tuple[Activity, ...]:
    """Return the newest activities that failed or were cancelled, from the last 100."""
    with aws.calling(f"read the scaling activities of {group}"):
        found = aws.client("autoscaling").describe_scaling_activities(AutoScalingGroupName=group, MaxRecords=100)[
            "Activities"
        ]
    failed = [_activity(each) for each in found if each["StatusCode"] in ("Failed", "Cancelled")]
    return tuple(failed[:limit])


def list_members(aws: Aws, name: str) -> tuple[Member, ...]:
    """Return the members of a group of any kind; none if there is no such group."""
    with aws.calling(f"describe the autoscaling group {name}"):
        found = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return tuple(_member(each) for group in found["AutoScalingGroups"] for each in group["Instances"])


def _refuse_other_kinds(group: AutoScalingGroupTypeDef) -> None:
    what = f"deploy to the autoscaling group {group['AutoScalingGroupName']}"
    problem = policy_problem(group.get("MixedInstancesPolicy", {}))
    if problem:
        raise UsageError(what, problem, "Take that out of the policy")
    template = _template(group)
    if not template:
        raise UsageError(
            what,
            f"it launches from the launch configuration {group.get('LaunchConfigurationName', '(none)')}",
            "See what `fab adopt` makes of it",
        )
    version = template.get("Version", "$Default")
    if not version.isdecimal():
        raise UsageError(
            what,
            f"it launches from the version {version} of its launch template: a new one would go live by being made",
            "`fab adopt` points the group at the number that this is now",
        )


def _template(group: AutoScalingGroupTypeDef) -> Mapping[str, str]:
    """Return the launch template that a group launches from, inside of a MixedInstancesPolicy or plain."""
    policy: Mapping[str, Any] = group.get("MixedInstancesPolicy", {})
    found: Mapping[str, str] = policy.get("LaunchTemplate", {}).get("LaunchTemplateSpecification", {})
    return found or cast("Mapping[str, str]", group.get("LaunchTemplate", {}))


def _group(group: AutoScalingGroupTypeDef) -> Group:
    return Group(
        name=group["AutoScalingGroupName"],
        minimum=group["MinSize"],
        maximum=group["MaxSize"],
        desired=group["DesiredCapacity"],
        launch_config=_launch_config(_template(group)),
        zones=tuple(sorted(group["AvailabilityZones"])),
        suspended=frozenset(each["ProcessName"] for each in group.get("SuspendedProcesses", [])),
        members=tuple(_member(each) for each in group["Instances"]),
    )


def _member(instance: InstanceTypeDef) -> Member:
    state = instance["LifecycleState"]
    folded = Lifecycle.WARM if state.startswith("Warmed") else _LIFECYCLES.get(state.split(":")[0])
    return Member(
        id=instance["InstanceId"],
        zone=instance["AvailabilityZone"],
        launch_config=_launch_config(instance.get("LaunchTemplate", {})) or instance.get("LaunchConfigurationName", ""),
        lifecycle=folded or Lifecycle.LEAVING,
        healthy=instance["HealthStatus"].lower() == "healthy",
        protected=instance.get("ProtectedFromScaleIn", False),
    )


def _launch_config(template: Mapping[str, object]) -> str:
    return f"{template['LaunchTemplateId']}:{template.get('Version', '')}" if "LaunchTemplateId" in template else ""


def _activity(activity: ActivityTypeDef) -> Activity:
    return Activity(
        activity["StatusCode"],
        activity.get("Description", ""),
        activity.get("Cause", ""),
        activity.get("StatusMessage", ""),
    )
