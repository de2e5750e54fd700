"""Whose is the group's desired capacity?

It should read `intent.desired + intent.owned`. Every call of ours is relative (a launch adds, a termination with
decrement subtracts), so another value means that somebody else changed it, unless the read is older than our last
calls: then it shows one of the values that were right before them (`intent.moves`, kept for `policy.read_lag`).

    intent            read   then
    desired 4 own 1    5     ours
    desired 4 own 1    4     ours, if the launch was less than `read_lag` ago; later, somebody's: desired 4 own 0
    desired 4 own 1    7     somebody's: desired 7 own 0, the surge is part of what they asked for
"""

from __future__ import annotations

from dataclasses import replace

from .model import Group, Intent, Move, Policy


def accounted(group: Group, intent: Intent, policy: Policy, now: float) -> Intent:
    """Return the intent with `desired` and `owned` brought in line with the group's desired capacity."""
    moves = tuple(move for move in intent.moves if now - move.at <= policy.read_lag)
    intent = replace(intent, moves=moves) if len(moves) != len(intent.moves) else intent
    if intent.taken is not None and not intent.taken.answered:
        return intent  # it is about to be set by us, whatever it is now
    expected = intent.desired + intent.owned
    unanswered = sum(launch.count for launch in intent.launches if not launch.ids)
    ours = {*range(expected - unanswered, expected + 1), *(move.desired for move in moves)}
    if group.desired not in ours:
        intent = _changed_by_somebody(intent, group.desired)
    return _above_minimum(intent, group)


def _changed_by_somebody(intent: Intent, seen: int) -> Intent:
    """Count our surge in what was seen; a launch without a reply is in it too, and is not repeated."""
    lowered = max(0, intent.desired + intent.owned - seen)
    return replace(
        intent,
        desired=seen,
        owned=0,
        moves=(),
        excused=intent.excused + lowered,
        launches=tuple(launch for launch in intent.launches if launch.ids),
        retiring=tuple(replace(each, decrement=False) for each in intent.retiring),
    )


def _above_minimum(intent: Intent, group: Group) -> Intent:
    """Give surge to the group that somebody raised the minimum of: AWS refuses to go below it."""
    missing = group.minimum - intent.desired
    if missing <= 0:
        return intent
    given = min(missing, max(0, intent.owned))
    return replace(intent, desired=intent.desired + given, owned=intent.owned - given)


def told_by_reply(intent: Intent, desired_from: int, at: float) -> Intent:
    """Bring in the desired capacity that a reply says there was right before the call, decided on at `at`.

    Somebody's change between our look and our call is found so: they set 6 when 5 was expected, our decrement made
    it 5 again; desired is 6 then, and we owe the group one. Calls whose replies were lost may or may not have
    taken effect: a value that they explain is not somebody's.
    """
    falling = [each for each in intent.retiring if each.decrement and not each.answered]
    rising = [launch for launch in intent.launches if not launch.ids]
    down = sum(each.asked_at == at for each in falling)
    up = sum(launch.count for launch in rising if launch.asked_at == at)
    before = intent.desired + intent.owned + down - up
    lost_down = len(falling) - down
    lost_up = sum(launch.count for launch in rising) - up
    if before - lost_up <= desired_from <= before + lost_down:
        return intent
    moves = (*intent.moves, Move(at, desired_from))
    return replace(intent, desired=desired_from, owned=up - down, moves=moves)
