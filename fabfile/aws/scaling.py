"""How groups scale by themselves: policies, scheduled actions and maintenance policies, as AWS has them now."""

from __future__ import annotations

from dataclasses import dataclass

from .session import Aws


@dataclass(frozen=True)
class PolicyState:
    """A scaling policy: what it keeps at which value, in AWS's words."""

    name: str
    kind: str  # TargetTrackingScaling …
    metric: str
    target: float | None
    scale_in: bool
    enabled: bool


@dataclass(frozen=True)
class ActionState:
    """A scheduled action; None leaves a size as it is then. `next` is its next start in UTC, as far as AWS says."""

    name: str
    recurrence: str
    time_zone: str
    next: str
    minimum: int | None
    maximum: int | None
    desired: int | None


@dataclass(frozen=True)
class MaintenanceState:
    """Per cent of desired capacity that AWS keeps, and may reach, while it replaces instances by itself."""

    minimum_healthy: int
    maximum_healthy: int


@dataclass(frozen=True)
class ScalingState:
    """All by which a group scales without being asked."""

    policies: tuple[PolicyState, ...] = ()
    actions: tuple[ActionState, ...] = ()
    maintenance: MaintenanceState | None = None


def scaling_of(aws: Aws, group: str) -> ScalingState:
    """Return how a group scales by itself; every page of it."""
    return ScalingState(tuple(_policies(aws, group)), tuple(_actions(aws, group)), _maintenance(aws, group))


def _policies(aws: Aws, group: str) -> list[PolicyState]:
    found = []
    with aws.calling(f"describe the scaling policies of {group}"):
        for page in aws.client("autoscaling").get_paginator("describe_policies").paginate(AutoScalingGroupName=group):
            for policy in page["ScalingPolicies"]:
                tracking = policy.get("TargetTrackingConfiguration")
                metric = tracking.get("PredefinedMetricSpecification") if tracking else None
                found.append(
                    PolicyState(
                        name=policy.get("PolicyName", ""),
                        kind=policy.get("PolicyType", ""),
                        metric=str(metric.get("PredefinedMetricType", "")) if metric else "",
                        target=tracking.get("TargetValue") if tracking else None,
                        scale_in=not (tracking and tracking.get("DisableScaleIn", False)),
                        enabled=policy.get("Enabled", True),
                    )
                )
    return found


def _actions(aws: Aws, group: str) -> list[ActionState]:
    found = []
    with aws.calling(f"describe the scheduled actions of {group}"):
        pages = aws.client("autoscaling").get_paginator("describe_scheduled_actions")
        for page in pages.paginate(AutoScalingGroupName=group):
            for action in page["ScheduledUpdateGroupActions"]:
                start = action.get("StartTime")
                found.append(
                    ActionState(
                        name=action.get("ScheduledActionName", ""),
                        recurrence=action.get("Recurrence", ""),
                        time_zone=action.get("TimeZone", ""),
                        next=f"{start:%Y-%m-%dT%H:%M:%SZ}" if start else "",
                        minimum=action.get("MinSize"),
                        maximum=action.get("MaxSize"),
                        desired=action.get("DesiredCapacity"),
                    )
                )
    return found


def _maintenance(aws: Aws, group: str) -> MaintenanceState | None:
    with aws.calling(f"describe the autoscaling group {group}"):
        found = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    for each in found["AutoScalingGroups"]:
        policy = each.get("InstanceMaintenancePolicy")
        if policy and policy.get("MinHealthyPercentage", -1) >= 0:
            return MaintenanceState(policy.get("MinHealthyPercentage", 0), policy.get("MaxHealthyPercentage", 0))
    return None
