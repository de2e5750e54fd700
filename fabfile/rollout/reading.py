"""Read an observation in the light of our own latest changes.

AWS's reads are eventually consistent: one may show what was before our own call. For `policy.read_lag` seconds
after a call its effect is believed although the read does not show it yet; after that the read is right, and
what it does not show is asked for again. All that is done about stale reads is done here and in `accounting`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .model import Group, Intent, Lifecycle, Member, Observed, Policy

ALIVE = frozenset({Lifecycle.PENDING, Lifecycle.IN_SERVICE})


def believed(observed: Observed, intent: Intent, policy: Policy, now: float) -> Observed:
    """Return what is seen, with our own changes of the last `policy.read_lag` seconds in it."""
    group = with_our_settings(observed.group, intent, policy, now)
    retiring = {each.instance for each in intent.retiring}
    members = [
        replace(member, lifecycle=Lifecycle.LEAVING) if member.id in retiring and member.lifecycle in ALIVE else member
        for member in group.members
    ]
    unseen = tuple(_unseen(observed.group, intent, policy, now))
    return replace(observed, group=replace(group, members=(*members, *unseen)))


def shows_our_settings(observed: Observed, intent: Intent, policy: Policy, now: float) -> bool:
    """Whether the group's settings were read back as we left them, not only believed."""
    return with_our_settings(observed.group, intent, policy, now) == observed.group


def with_our_settings(group: Group, intent: Intent, policy: Policy, now: float) -> Group:
    """Return the group with the settings in it that we asked for in the last `policy.read_lag` seconds."""
    launch_config, suspended = group.launch_config, set(group.suspended)
    minimum, maximum = group.minimum, group.maximum
    for asked in intent.asked:
        if now - asked.at > policy.read_lag:
            continue
        if asked.what == "launch config":
            launch_config = asked.value
        elif asked.what == "maximum":
            maximum = int(asked.value)
        elif asked.what == "minimum":
            minimum = int(asked.value)
        elif asked.what.startswith("process "):
            name = asked.what.removeprefix("process ")
            (suspended.add if asked.value == "suspended" else suspended.discard)(name)
    return replace(group, launch_config=launch_config, minimum=minimum, maximum=maximum, suspended=frozenset(suspended))


def _unseen(group: Group, intent: Intent, policy: Policy, now: float) -> Iterator[Member]:
    """Yield instances that we launched and that no read shows yet; named by the token until the reply is in."""
    recent = [launch for launch in intent.launches if now - launch.asked_at <= policy.read_lag]
    if not recent:
        return
    seen = {member.id for member in group.members} | {each.instance for each in intent.retiring}
    for launch in recent:
        for name in launch.ids or tuple(f"{launch.token}#{number}" for number in range(launch.count)):
            if name not in seen:
                yield Member(name, launch.zone, launch.launch_config, Lifecycle.PENDING)
