"""What an autoscaling group is: its settings, members, hooks and activities, as plain records."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PROCESSES = (
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
)
ACTIVITIES_KEPT = 1000  # AWS keeps six weeks of them
LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
COUNTED = ("Pending", "Pending:Wait", "Pending:Proceed", "InService")
LEAVING = ("Terminating", "Terminating:Wait", "Terminating:Proceed", "Detaching")


@dataclass(frozen=True)
class Hook:
    """A lifecycle hook; times in seconds."""

    name: str
    transition: str
    timeout: float = 3600
    default: str = "ABANDON"
    role: str | None = None
    target: str | None = None
    metadata: str | None = None

    @property
    def global_timeout(self) -> float:
        """The longest wait, however many heartbeats: 48 hours or 100 timeouts, whichever is less."""
        return min(172800.0, 100 * self.timeout)


@dataclass
class Wait:
    """One member's wait for one hook."""

    hook: Hook
    began: float
    deadline: float
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    result: str | None = None
    why: str = ""


@dataclass
class Activity:
    """A scaling activity; times are seconds since the epoch."""

    group: str
    description: str
    cause: str
    start: float
    status: str = "InProgress"
    message: str = ""
    progress: int = 0
    end: float | None = None
    details: str = "{}"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def finish(self, now: float, status: str = "Successful", message: str = "") -> None:
        """End the activity; one that has ended stays as it ended."""
        if self.end is None:
            self.status, self.message, self.progress, self.end = status, message, 100, now

    def document(self, arn: str) -> dict[str, Any]:
        """The activity as DescribeScalingActivities answers it."""
        return {
            "ActivityId": self.id,
            "AutoScalingGroupName": self.group,
            "AutoScalingGroupARN": arn,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": moment(self.start),
            "EndTime": None if self.end is None else moment(self.end),
            "StatusCode": self.status,
            "StatusMessage": self.message or None,
            "Progress": self.progress,
            "Details": self.details,
        }


@dataclass
class Member:
    """An instance of a group. `template` is the launch template version that it was launched with."""

    id: str
    zone: str
    instance_type: str
    image: str
    launched: float
    template: dict[str, str] | None = None
    configuration: str | None = None
    state: str = "Pending"
    health: str = "Healthy"
    health_cause: str = ""
    protected: bool = False
    balanced: bool = True  # False: launched while AddToLoadBalancer was suspended
    in_service: float | None = None
    waits: dict[str, Wait] = field(default_factory=dict)
    activity: Activity | None = None

    @property
    def counted(self) -> bool:
        """Whether the member fills a place of the desired capacity."""
        return self.state in COUNTED

    def document(self, group: str | None = None) -> dict[str, Any]:
        """The member as Describe calls answer it; with the group's name where that belongs to the answer."""
        result: dict[str, Any] = {
            "InstanceId": self.id,
            "InstanceType": self.instance_type,
            "AvailabilityZone": self.zone,
            "LifecycleState": self.state,
            "HealthStatus": self.health if group is None else self.health.upper(),
            "ProtectedFromScaleIn": self.protected,
        }
        if self.template:
            result["LaunchTemplate"] = dict(self.template)
        if self.configuration:
            result["LaunchConfigurationName"] = self.configuration
        if group is not None:
            result["AutoScalingGroupName"] = group
            result["ImageId"] = self.image
        return result


@dataclass
class Group:
    """An autoscaling group. `template` is what comes next: id, name and version as given."""

    name: str
    arn: str
    created: float
    minimum: int
    maximum: int
    desired: int
    subnets: tuple[str, ...]
    zones: tuple[str, ...]
    template: dict[str, str] | None = None
    configuration: str | None = None
    mixed: dict[str, Any] | None = None
    cooldown: int = 300
    health_type: str = "EC2"
    grace: float = 0
    policies: tuple[str, ...] = ("Default",)
    balancers: list[str] = field(default_factory=list)
    target_groups: list[str] = field(default_factory=list)
    protect_new: bool = False
    placement: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)  # kept and answered, without effect here
    tags: dict[str, tuple[str, bool]] = field(default_factory=dict)  # key → value, propagated
    hooks: dict[str, Hook] = field(default_factory=dict)
    suspended: dict[str, str] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    tokens: dict[str, tuple[Any, dict[str, Any]]] = field(default_factory=dict)
    rebalancing: str | None = None  # the instance launched to even the zones out
    launch_after: float = 0  # when a failed launch is tried again
    deleting: bool = False

    def counted(self) -> list[Member]:
        """The members that fill a place of the desired capacity."""
        return [member for member in self.members.values() if member.counted]

    def runs(self, process: str) -> bool:
        """Whether a scaling process is not suspended."""
        return process not in self.suspended

    def zone_counts(self) -> Counter[str]:
        """How many counted members each zone has; zones without any are there with 0."""
        counts: Counter[str] = Counter(dict.fromkeys(self.zones, 0))
        counts.update(member.zone for member in self.counted())
        return counts

    def record(self, description: str, cause: str, now: float, status: str = "InProgress") -> Activity:
        """Open a scaling activity."""
        activity = Activity(self.name, description, cause, now, status)
        self.activities.append(activity)
        del self.activities[:-ACTIVITIES_KEPT]
        return activity

    def document(self) -> dict[str, Any]:
        """The group as DescribeAutoScalingGroups answers it."""
        suspended = [{"ProcessName": name, "SuspensionReason": why} for name, why in self.suspended.items()]
        return {
            **self.extra,
            "AutoScalingGroupName": self.name,
            "AutoScalingGroupARN": self.arn,
            "LaunchConfigurationName": self.configuration,
            "LaunchTemplate": self.template if not self.mixed else None,
            "MixedInstancesPolicy": self.mixed,
            "MinSize": self.minimum,
            "MaxSize": self.maximum,
            "DesiredCapacity": self.desired,
            "DefaultCooldown": self.cooldown,
            "AvailabilityZones": list(self.zones),
            "LoadBalancerNames": list(self.balancers),
            "TargetGroupARNs": list(self.target_groups),
            "HealthCheckType": self.health_type,
            "HealthCheckGracePeriod": int(self.grace),
            "Instances": [member.document() for member in self.members.values()],
            "CreatedTime": moment(self.created),
            "SuspendedProcesses": suspended,
            "PlacementGroup": self.placement,
            "VPCZoneIdentifier": ",".join(self.subnets),
            "EnabledMetrics": [],
            "Status": "Delete in progress" if self.deleting else None,
            "Tags": self.tag_documents(),
            "TerminationPolicies": list(self.policies),
            "NewInstancesProtectedFromScaleIn": self.protect_new,
            "ServiceLinkedRoleARN": "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com"
            "/AWSServiceRoleForAutoScaling",
            "TrafficSources": [{"Identifier": arn, "Type": "elbv2"} for arn in self.target_groups],
        }

    def tag_documents(self) -> list[dict[str, Any]]:
        """The group's tags as DescribeTags answers them."""
        return [
            {
                "ResourceId": self.name,
                "ResourceType": "auto-scaling-group",
                "Key": key,
                "Value": value,
                "PropagateAtLaunch": propagated,
            }
            for key, (value, propagated) in self.tags.items()
        ]


def moment(seconds: float) -> datetime:
    """Turn seconds since the epoch into a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def stamp(seconds: float) -> str:
    """Write a time as the causes of activities have it."""
    return moment(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def tags_from(documents: Iterable[dict[str, Any]]) -> dict[str, tuple[str, bool]]:
    """Read tags as requests bring them."""
    return {
        str(tag["Key"]): (str(tag.get("Value") or ""), str(tag.get("PropagateAtLaunch")).lower() == "true")
        for tag in documents
    }
