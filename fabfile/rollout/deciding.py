"""What a rule answers with: steps to take, a wait, or a changed intent to think on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .model import Intent
from .notes import noted
from .situation import Situation
from .steps import Plan, Step, Wait

Rule = Callable[[Situation], Plan | None]


def act(situation: Situation, *steps: Step, intent: Intent | None = None) -> Plan:
    """Take steps now; the plan's intent counts them as taken."""
    stamped = tuple(replace(step, at=situation.now) for step in steps)
    intent = intent or situation.intent
    for step in stamped:
        intent = noted(step, intent)
    return Plan(intent, stamped)


def wait(situation: Situation, reason: str, since: float, seconds: float | None = None) -> Plan:
    """Do nothing but look again, for `seconds` from `since` at the longest."""
    until = None if seconds is None else since + seconds
    return Plan(situation.intent, (Wait(reason, since, until, at=situation.now),))


def think(intent: Intent) -> Plan:
    """Read the table again with another intent."""
    return Plan(intent)
