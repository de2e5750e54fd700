"""Whose turn is it, when one deploy takes several groups? Pure.

The groups of a deploy are rolled out one after the other, each by the planner of one group. When one goes back, those
before it that are on the new release already go back too, the last one first:

    a            b            c            next
    deployed     rolling      untouched    b goes on
    deployed     went back    untouched    a goes back
    went back    went back    untouched    nothing: the deploy was rolled back
    deployed     stuck        untouched    nothing: half-way; `fab resume` or `fab repair` tries b again, then a

It is all in the intents, one for each group in the order of the deploy, so that another process goes on from there.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from .ending import migrations_that_stay
from .failing import backwards
from .intents import resume, roll_back
from .model import Intent, Phase


class Standing(StrEnum):
    """Where one group of a deploy stands."""

    UNTOUCHED = "untouched"  # nothing was changed in it
    UNDER_WAY = "under way"
    DEPLOYED = "deployed"
    ROLLED_BACK = "rolled back"
    HALF_WAY = "half-way"  # going back failed too


def standing(intent: Intent) -> Standing:
    """Return where the intent's group stands."""
    if intent.phase is not Phase.ENDED:
        fresh = not intent.begun and intent.phase is Phase.ROLLING
        return Standing.UNTOUCHED if fresh else Standing.UNDER_WAY
    if intent.stuck:
        return Standing.HALF_WAY
    if not intent.failure:
        return Standing.DEPLOYED
    return Standing.ROLLED_BACK if intent.begun else Standing.UNTOUCHED


def whose_turn(intents: tuple[Intent, ...]) -> Intent | None:
    """Return the intent to go on with, already turned round if its group is to go back; None at the end."""
    under_way = sorted((each for each in intents if standing(each) is Standing.UNDER_WAY), key=lambda each: each.begun)
    if under_way:
        return under_way[-1]
    if any(intent.stuck for intent in intents):
        return None
    if any(intent.failure for intent in intents):
        changed = [each for each in intents if _is_changed(each)]
        return backwards(changed[-1], why(intents)) if changed else None
    return next((intent for intent in intents if intent.phase is not Phase.ENDED), None)


def _is_changed(intent: Intent) -> bool:
    """Whether a group is on a new release: this deploy's, or one of a deploy before that did not end."""
    if standing(intent) is Standing.DEPLOYED:
        return intent.begun
    return _is_left_over(intent)


def _is_left_over(intent: Intent) -> bool:
    return intent.phase is Phase.ROLLING and not intent.begun and bool(intent.tried)


def why(intents: tuple[Intent, ...]) -> str:
    """Tell why a deploy stopped: what failed in which group, what migrations mean, where going back failed."""
    several = len(intents) > 1
    failed = [intent for intent in intents if intent.failure or intent.stuck]
    parts = [_in_group(intent, intent.failure, several) for intent in failed[-1:] if intent.failure]
    parts += [text for intent in intents if (text := migrations_that_stay(intent))]
    parts += [_in_group(each, f"going back failed: {each.stuck}", several) for each in failed if each.stuck]
    return "; ".join(dict.fromkeys(parts))


def _in_group(intent: Intent, text: str, several: bool) -> str:
    named = several and intent.group and not text.startswith(f"{intent.group}: ")
    return f"{intent.group}: {text}" if named else text


def go_on(intents: tuple[Intent, ...]) -> tuple[Intent, ...]:
    """Return the intents as another process goes on with them; where going back failed, it is tried again."""
    return tuple(roll_back(each, each.failure) if each.stuck else resume(each) for each in intents)


def go_back(intents: tuple[Intent, ...], reason: str) -> tuple[Intent, ...]:
    """Return the intents that bring every group back to what was before an unfinished deploy.

    A group that has only its settings left to restore is on the new release: it gets them, and is taken back after
    that if others of the deploy have not come so far.
    """
    return tuple(_back(each, reason) for each in intents)


def _back(intent: Intent, reason: str) -> Intent:
    match standing(intent):
        case Standing.UNTOUCHED if _is_left_over(intent):
            return roll_back(intent, reason)
        case Standing.UNTOUCHED:
            return replace(intent, phase=Phase.ENDED, failure=intent.failure or reason)
        case Standing.UNDER_WAY | Standing.HALF_WAY:
            return roll_back(intent, reason)
        case _:
            return resume(intent)
