"""What setting an operator's sizes means for an intent: before the call, and after it was accepted or refused."""

from __future__ import annotations

from dataclasses import replace

from .model import Group, Intent, Move
from .steps import SetSizes
from .wish import Sizes, Wish


def unfit(wish: Wish, group: Group, intent: Intent) -> str:
    """Say why the sizes don't fit each other or the limits that stay; empty when they do."""
    minimum = group.minimum if wish.minimum is None else wish.minimum
    maximum = ceiling(group, intent) if wish.maximum is None else wish.maximum
    if minimum > maximum:
        return f"the minimum {minimum} is above the maximum {maximum}"
    if wish.desired > maximum:
        return f"{wish.desired} servers are above the maximum {maximum}"
    return f"{wish.desired} servers are below the minimum {minimum}" if wish.desired < minimum else ""


def ceiling(group: Group, intent: Intent) -> int:
    """Return MaxSize as it is without what we raised it by for the surge."""
    before = intent.maximum_before
    return before if before is not None and raised_by_us(group.maximum, intent) else group.maximum


def raised_by_us(maximum: int, intent: Intent) -> bool:
    """Whether a MaxSize is what we raised it to, or tried to, or what it was before: not somebody else's."""
    if intent.maximum_before is None:
        return False
    return maximum in {intent.maximum_before, intent.maximum_raised, *intent.maximums_tried}


def sizes_step(wish: Wish, group: Group, intent: Intent, now: float) -> SetSizes:
    """Return the step that grants a wish: surge that is owed to the group (`owned` below 0) is forgiven."""
    owned = max(0, intent.owned)
    most = ceiling(group, intent) if wish.maximum is None else wish.maximum
    maximum = max(most, wish.desired + owned)
    # Said again whenever it was ours once: a read may be older than our last call, and that one may have been lost.
    untouched = wish.maximum is None and intent.maximum_before is None and maximum == most
    before = Sizes(
        intent.desired,
        intent.owned,
        intent.maximum_before,
        intent.maximum_raised,
        intent.maximums_tried,
        intent.excused,
    )
    surge = f", {owned} more while the surge is there" if owned else ""
    return SetSizes(
        f"{wish.by or 'an operator'} asked for {wish.desired} servers{surge}",
        desired=wish.desired + owned,
        minimum=wish.minimum,
        maximum=None if untouched else maximum,
        wanted=wish.desired,
        most=most,
        seen=group.desired,
        seen_maximum=group.maximum,
        before=before,
        at=now,
    )


def asked(step: SetSizes, intent: Intent) -> Intent:
    """Return the intent that counts the step as taken; a stale read still shows what was right before it.

    Launches that nobody answered for are part of what is set, as are terminations.
    """
    owned = step.desired - step.wanted
    raised = step.desired > step.most
    return replace(
        intent,
        taken=intent.taken and replace(intent.taken, asked_at=step.at),
        desired=step.wanted,
        owned=owned,
        excused=intent.excused + max(0, step.before.desired + step.before.owned - step.desired),
        moves=(*intent.moves, Move(step.at, step.before.desired + step.before.owned), Move(step.at, step.seen)),
        maximum_before=step.most if raised else None,
        maximum_raised=step.desired if raised else None,
        maximums_tried=(step.seen_maximum,) if raised else (),
        launches=tuple(launch for launch in intent.launches if launch.ids),
        retiring=tuple(each if each.answered else replace(each, decrement=False) for each in intent.retiring),
        slot_since=None,
    )


def not_asked(step: SetSizes, intent: Intent) -> Intent:
    """Return the intent without a step that was refused or never taken."""
    before = step.before
    return replace(
        intent,
        desired=before.desired,
        owned=before.owned,
        excused=before.excused,
        maximum_before=before.maximum_before,
        maximum_raised=before.maximum_raised,
        maximums_tried=before.maximums_tried,
    )


def granted(intent: Intent) -> Intent:
    """Return the intent after AWS accepted the sizes."""
    return intent if intent.taken is None else replace(intent, taken=replace(intent.taken, granted=True))


def refused(intent: Intent, why: str) -> Intent:
    """Return the intent after AWS refused the sizes for good: the deploy goes on with those that are there."""
    return intent if intent.taken is None else replace(intent, taken=replace(intent.taken, refusal=why))


def up_to_date(intent: Intent, newest: Wish | None) -> Intent:
    """Return the intent of a deploy that begins or goes on, which a wish of before that is not for."""
    if newest is None:
        return intent
    intent = without_withdrawn(intent, newest)
    return replace(intent, wishes_seen=max(intent.wishes_seen, newest.number))


def without_withdrawn(intent: Intent, newest: Wish) -> Intent:
    """Return the intent without a wish that was taken up and withdrawn before AWS was asked for the sizes."""
    taken = intent.taken
    if taken is None or taken.answered or taken.asked_at is not None or not newest.withdrawn:
        return intent
    return replace(intent, taken=None)
