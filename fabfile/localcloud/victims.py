"""Choose who goes when a group has too many: the fullest zone first, then the termination policies.

See https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .groups import Group, Member

POLICIES = (
    "Default",
    "OldestInstance",
    "NewestInstance",
    "OldestLaunchTemplate",
    "OldestLaunchConfiguration",
    "ClosestToNextInstanceHour",
    "AllocationStrategy",
)
Narrow = Callable[[list[Member]], list[Member]]


def victims(group: Group, count: int, ec2: Any) -> list[Member]:
    """Up to `count` members to terminate, in order; protected ones never."""
    left = [member for member in group.counted() if not member.protected]
    chosen: list[Member] = []
    counts = group.zone_counts()
    while left and len(chosen) < count:
        fullest = max(counts[member.zone] for member in left)
        candidates = [member for member in left if counts[member.zone] == fullest]
        victim = _by_policies(group, candidates, ec2)
        chosen.append(victim)
        left.remove(victim)
        counts[victim.zone] -= 1
    return chosen


def _by_policies(group: Group, candidates: list[Member], ec2: Any) -> Member:
    narrowing: dict[str, Narrow] = {
        "OldestInstance": lambda some: _extreme(some, lambda one: one.launched),
        "NewestInstance": lambda some: _extreme(some, lambda one: -one.launched),
        "OldestLaunchTemplate": lambda some: _oldest_template(group, some, ec2),
        "OldestLaunchConfiguration": lambda some: [one for one in some if one.configuration] or some,
        "Default": lambda some: _oldest_template(group, some, ec2),
    }
    for policy in group.policies or ("Default",):
        narrow = narrowing.get(policy)
        candidates = narrow(candidates) if narrow else candidates
    return min(candidates, key=lambda member: (member.launched, member.id))


def _extreme(members: list[Member], value: Callable[[Member], float]) -> list[Member]:
    best = min(value(member) for member in members)
    return [member for member in members if value(member) == best]


def _oldest_template(group: Group, members: list[Member], ec2: Any) -> list[Member]:
    """Launch configurations go first, then other templates than the group's, then the oldest version."""
    old = [member for member in members if member.configuration and group.configuration != member.configuration]
    if old:
        return old
    others = [member for member in members if member.template and not _same_template(group, member, ec2)]
    if others:
        return others
    return _extreme(members, lambda one: float((one.template or {}).get("Version") or 0))


def _same_template(group: Group, member: Member, ec2: Any) -> bool:
    wanted = group.template or {}
    if group.mixed:
        wanted = group.mixed["LaunchTemplate"]["LaunchTemplateSpecification"]
    identifier = wanted.get("LaunchTemplateId") or ec2.launch_template_name_to_ids.get(
        wanted.get("LaunchTemplateName", "")
    )
    return (member.template or {}).get("LaunchTemplateId") == identifier
