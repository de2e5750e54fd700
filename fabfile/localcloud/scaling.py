"""Scaling policies and scheduled actions of groups: kept, described, and scheduled actions carried out in time.

A target tracking policy is a record: nothing measures servers here. What AWS refuses is refused.
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scheduled-scaling.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from .autoscaling import Autoscaling
from .groups import Group, moment, stamp
from .refusal import Refusal, invalid

POLICY_TYPES = ("SimpleScaling", "StepScaling", "TargetTrackingScaling", "PredictiveScaling")
_SIZES = ("MinSize", "MaxSize", "DesiredCapacity")


@dataclass
class Action:
    """A scheduled action; `due` is when it runs next, in seconds since the epoch, None when it never will."""

    group: str
    name: str
    sizes: dict[str, int]
    recurrence: str = ""
    zone: str = ""
    start: float | None = None
    end: float | None = None
    due: float | None = None

    def after(self, now: float) -> float | None:
        """When it runs next after `now`."""
        if not self.recurrence:
            return None
        zone = ZoneInfo(self.zone) if self.zone else UTC
        due = next(CronSim(self.recurrence, datetime.fromtimestamp(now, zone))).timestamp()
        return due if self.end is None or due <= self.end else None

    def document(self, group_arn: str) -> dict[str, Any]:
        """The action as DescribeScheduledActions answers it."""
        start = self.start if self.start is not None else self.due
        own = group_arn.replace(":autoScalingGroup:", ":scheduledUpdateGroupAction:")
        return {
            "AutoScalingGroupName": self.group,
            "ScheduledActionName": self.name,
            "ScheduledActionARN": f"{own}:scheduledActionName/{self.name}",
            "StartTime": None if start is None else moment(start),
            "EndTime": None if self.end is None else moment(self.end),
            "Recurrence": self.recurrence or None,
            "TimeZone": self.zone or None,
            **self.sizes,
        }


@dataclass
class Policy:
    """A scaling policy, as it was asked for."""

    group: str
    name: str
    arn: str
    given: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The policy as DescribePolicies answers it."""
        return {
            "PolicyType": "SimpleScaling",
            "Enabled": True,
            "Alarms": [],
            **self.given,
            "AutoScalingGroupName": self.group,
            "PolicyName": self.name,
            "PolicyARN": self.arn,
        }


class Scaling:
    """Policies and scheduled actions. The control plane's lock guards every method."""

    def __init__(self, autoscaling: Autoscaling, clock: Callable[[], float]) -> None:
        self._groups = autoscaling
        self._clock = clock
        self._actions: dict[tuple[str, str], Action] = {}
        self._policies: dict[tuple[str, str], Policy] = {}

    # Policies

    def put_policy(self, name: str, policy: str, given: Mapping[str, Any]) -> str:
        """Make or replace a policy and return its ARN."""
        group = self._groups.group(name)
        kind = str(given.get("PolicyType") or "SimpleScaling")
        if kind not in POLICY_TYPES:
            raise invalid(f"PolicyType {kind} is not one of {', '.join(POLICY_TYPES)}")
        if kind == "TargetTrackingScaling":
            _check_tracking(group, given.get("TargetTrackingConfiguration") or {})
        elif kind == "SimpleScaling" and (not given.get("AdjustmentType") or given.get("ScalingAdjustment") is None):
            raise invalid("AdjustmentType and ScalingAdjustment are required for policy type SimpleScaling")
        arn = group.arn.replace(":autoScalingGroup:", ":scalingPolicy:") + f":policyName/{policy}"
        kept = {key: value for key, value in given.items() if key not in ("AutoScalingGroupName", "PolicyName")}
        self._policies[name, policy] = Policy(name, policy, arn, {**kept, "PolicyType": kind})
        return arn

    def policies(self, name: str | None, names: Sequence[str], kinds: Sequence[str]) -> list[Policy]:
        """Policies by group, names or ARNs, and types; all where none is said."""
        self._forget()
        return [
            one
            for one in self._policies.values()
            if name in (None, one.group)
            and (not names or one.name in names or one.arn in names)
            and (not kinds or one.given["PolicyType"] in kinds)
        ]

    def delete_policy(self, name: str | None, policy: str) -> None:
        """Delete a policy by name or ARN."""
        self._policies.pop(self._key(name, policy))

    def execute(self, name: str | None, policy: str) -> None:
        """Carry a simple policy out, as an alarm would."""
        found = self._policies[self._key(name, policy)]
        if found.given["PolicyType"] != "SimpleScaling":
            raise invalid(f"Cannot execute a {found.given['PolicyType']} policy here.")
        group = self._groups.group(found.group)
        amount, kind = int(found.given["ScalingAdjustment"]), found.given["AdjustmentType"]
        if kind == "ExactCapacity":
            amount -= group.desired
        elif kind == "PercentChangeInCapacity":
            amount = int(group.desired * amount / 100) or (1 if amount > 0 else -1)
        self._groups.adjust(group.name, amount)

    def _key(self, name: str | None, policy: str) -> tuple[str, str]:
        found = self.policies(name, [policy], ())
        if not found:
            raise invalid("No policy found for this name or ARN.")
        return found[0].group, found[0].name

    # Scheduled actions

    def put_action(self, name: str, action: str, given: Mapping[str, Any]) -> None:
        """Make or replace a scheduled action."""
        self._groups.group(name)
        made = _action(name, action, given, self._clock())
        self._actions[name, action] = made

    def actions(self, name: str | None, names: Sequence[str]) -> list[dict[str, Any]]:
        """The actions that have not run or will run again, as AWS answers them."""
        self._forget()
        return [
            one.document(self._groups.group(one.group).arn)
            for one in self._actions.values()
            if name in (None, one.group) and (not names or one.name in names)
        ]

    def delete_action(self, name: str, action: str) -> None:
        """Delete a scheduled action."""
        if self._actions.pop((name, action), None) is None:
            raise invalid("Scheduled action name not found")

    def turn(self) -> None:
        """Carry out what is due; what falls due while ScheduledActions is suspended is lost."""
        self._forget()
        now = self._clock()
        for key, action in list(self._actions.items()):
            if action.due is None or action.due > now:
                continue
            group = self._groups.group(action.group)
            if group.runs("ScheduledActions"):
                _run(self._groups, group, action, now)
            action.due, action.start = action.after(now), None
            if action.due is None:
                del self._actions[key]

    def _forget(self) -> None:
        """Drop what belongs to groups that are gone."""
        for kept in (self._actions, self._policies):
            for key in [key for key in kept if key[0] not in self._groups.groups]:
                del kept[key]


def _run(groups: Autoscaling, group: Group, action: Action, now: float) -> None:
    before = group.desired
    called = {"MinSize": "min", "MaxSize": "max", "DesiredCapacity": "desired"}
    told = ", ".join(f"{called[key]}: {size}" for key, size in action.sizes.items())
    cause = f"At {stamp(now)} a scheduled action update of AutoScalingGroup constraints to {told}"
    activity = group.record(f"Executing scheduled action {action.name}", f"{cause}.", now)
    try:
        groups.update(group.name, action.sizes)
    except Refusal as refused:  # such as a minimum above the maximum that there is by then
        activity.finish(now, "Failed", refused.message)
        return
    if group.desired != before:
        activity.cause = f"{cause} changing the desired capacity from {before} to {group.desired}."
    activity.finish(now)


def _check_tracking(group: Group, given: Mapping[str, Any]) -> None:
    predefined = given.get("PredefinedMetricSpecification")
    if given.get("TargetValue") is None or bool(predefined) == bool(given.get("CustomizedMetricSpecification")):
        raise invalid("A target tracking policy needs a TargetValue and one metric, predefined or customized.")
    if not predefined or predefined.get("PredefinedMetricType") != "ALBRequestCountPerTarget":
        return
    label = str(predefined.get("ResourceLabel") or "")
    if not any(label.endswith("/" + arn.rsplit(":", 1)[-1]) for arn in group.target_groups):
        raise invalid(f"The resource label {label!r} names no load balancer and target group of {group.name}.")


def _action(group: str, name: str, given: Mapping[str, Any], now: float) -> Action:
    sizes = {key: int(given[key]) for key in _SIZES if given.get(key) is not None}
    if not sizes:
        raise invalid("At least one of MinSize, MaxSize or DesiredCapacity must be specified.")
    ordered = [sizes[key] for key in ("MinSize", "DesiredCapacity", "MaxSize") if key in sizes]
    if ordered != sorted(ordered):
        raise invalid("Min size, desired capacity and max size must not exceed one another in this order.")
    start, end = (_seconds(given.get(key)) for key in ("StartTime", "EndTime"))
    recurrence, zone = str(given.get("Recurrence") or ""), str(given.get("TimeZone") or "")
    if start is not None and start < now:
        raise invalid("Given start time is in the past")
    if start is None and not recurrence:
        raise invalid("Either StartTime or Recurrence must be specified.")
    if end is not None and end <= (start if start is not None else now):
        raise invalid("End time is before start time or in the past")
    made = Action(group, name, sizes, recurrence, zone, start, end)
    try:
        made.due = start if start is not None else made.after(now)
        if recurrence and len(recurrence.split()) != 5:
            raise CronSimError("Wrong number of fields")
        made.after(now)
    except (CronSimError, ValueError, OSError, KeyError) as wrong:
        raise invalid(f"Given recurrence or time zone is invalid: {recurrence!r} {zone!r} ({wrong})") from wrong
    return made


def _seconds(value: Any) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).timestamp()
    return datetime.fromisoformat(str(value).replace("Z", "+00:00")).timestamp()
