"""Rules for the time before anything is changed, and for the first changes."""

from __future__ import annotations

from dataclasses import replace

from .deciding import act, think, wait
from .model import Group, Lifecycle, Phase
from .noticing import standing_by
from .reading import ALIVE
from .situation import Situation, condition, listed
from .steps import Plan, Stopped, SuspendProcesses, SwitchLaunchConfig

REBALANCE = "AZRebalance"
NEEDED = frozenset({"Launch", "Terminate", "HealthCheck", "AddToLoadBalancer"})


def refuse_suspended(s: Situation) -> Plan | None:
    """Refuse a group that could not launch, check, register or terminate: nothing would go as planned."""
    blocked = tuple(sorted(NEEDED & s.raw.group.suspended))
    if s.intent.begun or not s.old or not blocked:
        return None
    return _refused(s, f"{s.group.name} has {listed(blocked)} suspended")


def await_stable(s: Situation) -> Plan | None:
    """Wait for a group that is still changing; refuse it if it goes on."""
    if s.intent.begun or not s.old or not s.policy.wait_for_stable:
        return None
    unstable = instability(s.group)
    if not unstable:
        return think(replace(s.intent, slot_since=None)) if s.intent.slot_since is not None else None
    since = s.now if s.intent.slot_since is None else s.intent.slot_since
    if s.now - since > s.policy.slot_deadline:
        return _refused(s, f"{s.group.name} has not settled in {s.policy.slot_deadline:.0f} s: {unstable}")
    if s.intent.slot_since is None:
        return think(replace(s.intent, slot_since=since))
    return wait(s, f"{s.group.name} has to settle first: {unstable}", since, s.policy.slot_deadline)


def instability(group: Group) -> str:
    """Say what in a group is still changing; empty when nothing is."""
    pending = tuple(condition(each) for each in group.members if each.lifecycle is Lifecycle.PENDING)
    if pending:
        return listed(pending)
    alive = sum(member.lifecycle in ALIVE for member in group.members)
    return f"{alive} of {group.desired} servers exist" if alive != group.desired else ""


def _refused(s: Situation, reason: str) -> Plan:
    intent = replace(s.intent, phase=Phase.ENDED, failure=reason)
    return Plan(intent, (Stopped(reason, at=s.now),))


def suspend_rebalance(s: Situation) -> Plan | None:
    """Keep AWS from moving servers between zones while we replace them; also after somebody resumed it."""
    if not s.old:
        return None
    intent = s.intent
    if intent.suspended_before is None:
        aside = standing_by(s.seen.group.members, intent.target)
        intent = replace(intent, suspended_before=s.raw.group.suspended, skipped=intent.skipped or aside)
    if REBALANCE in s.group.suspended:
        return think(intent) if intent is not s.intent else None
    reason = f"zones stay as we leave them while {len(s.old)} servers are replaced"
    return act(s, SuspendProcesses(reason, frozenset({REBALANCE})), intent=intent)


def switch(s: Situation) -> Plan | None:
    """Point the group at the target first: whatever is launched from now on is new.

    While a canary is on trial it points at what serves: a scale-out meanwhile must not launch what is not proven.
    """
    wanted = s.intent.previous if s.guarded else s.intent.target
    if s.group.launch_config == wanted:
        return None
    why = "goes back" if s.going_back else "moves"
    reason = f"{s.group.name} {why} from {s.group.launch_config} to {wanted}"
    if s.guarded:
        reason += ", so that nothing but the canary runs what is not proven yet"
    elif s.intent.trial.passed and not s.going_back:
        reason += f"; the canary has passed: {s.intent.trial.figures}"
    return act(s, SwitchLaunchConfig(reason, wanted))
