"""Rules for the end: settings go back to what they were, and are read back, before it is called done."""

from __future__ import annotations

from dataclasses import replace

from .deciding import act, think, wait
from .model import Intent, Phase
from .reading import shows_our_settings
from .situation import Situation
from .sizing import raised_by_us
from .starting import REBALANCE
from .steps import Converged, Plan, ResumeProcesses, SetMaximum, Stopped


def restore(s: Situation) -> Plan | None:
    """Nothing is left to replace: settings come next."""
    gone = tuple(each.instance for each in s.intent.retiring if each.replaces)
    return think(replace(s.intent, phase=Phase.RESTORING, replaced=s.intent.replaced + gone, retiring=()))


def restore_maximum(s: Situation) -> Plan | None:
    """Set MaxSize back, if it still is what we raised it to and nobody's desired capacity needs it."""
    before = s.intent.maximum_before
    if before is None or not raised_by_us(s.group.maximum, s.intent):
        return None
    maximum = max(before, s.raw.group.desired)
    if maximum == s.group.maximum:
        return None
    return act(s, SetMaximum(f"the surge is over; MaxSize was {before} before us", maximum))


def restore_processes(s: Situation) -> Plan | None:
    """Resume what we suspended, and only that."""
    before = s.intent.suspended_before
    if before is None or REBALANCE in before or REBALANCE not in s.group.suspended:
        return None
    return act(s, ResumeProcesses(f"{REBALANCE} ran before us", frozenset({REBALANCE})))


def read_back(s: Situation) -> Plan | None:
    """Wait until a read shows the settings as we left them."""
    if shows_our_settings(s.raw, s.intent, s.policy, s.now):
        return None
    since = max(asked.at for asked in s.intent.asked)
    return wait(s, f"{s.group.name} does not show its settings yet", since, s.policy.read_lag)


def end(s: Situation) -> Plan | None:
    """Everything is seen to be back: nothing is left to undo."""
    return think(
        replace(
            s.intent,
            phase=Phase.ENDED,
            suspended_before=None,
            maximum_before=None,
            maximum_raised=None,
            maximums_tried=(),
        )
    )


def verdict(s: Situation) -> Plan | None:
    """Say how it ended."""
    intent = s.intent
    if intent.failure or intent.stuck:
        return Plan(intent, (Stopped(why_stopped(intent), safe=not intent.stuck, at=s.now),))
    count = len(s.new)
    text = f"{count} servers run {intent.target}, {len(intent.replaced)} were replaced"
    if not intent.servers:
        text = f"{len(s.raw.workers)} workers run {intent.release}"
    return Plan(intent, (Converged(text, at=s.now),))


def migrations_that_stay(intent: Intent) -> str:
    """Say what it means for a deploy that stopped that its migrations ran; "" when they did not."""
    if not intent.migrated:
        return ""
    newer = intent.release if intent.phase is Phase.ROLLING else intent.previous_release
    return f"migrations of {newer} have run and stay: the release before runs on their schema"


def why_stopped(intent: Intent) -> str:
    """Tell the failure, what it means that migrations ran, and why going back failed if it did."""
    parts = [intent.failure, migrations_that_stay(intent)]
    if intent.stuck:
        parts.append(f"going back failed: {intent.stuck}")
    return "; ".join(part for part in parts if part)
