"""Grant an operator's wish for other sizes: the surge comes on top of it until the deploy has ended.

A worked example: two servers, a batch of two, and four are asked for while both of the surge are there.

    intent desired 2 own 2   group 4 of 2..8   the wish: 4
    intent desired 4 own 2   group 6           set to 4 + 2: two more are launched by the group itself
    intent desired 4 own 0   group 4           the surge has taken the old ones' places

Console and API calls of others stay what `accounting` makes of them. One that asks for the value that the group has
already, as "4" here, changes nothing on AWS and leaves no scaling activity, so that nobody can see it: what is asked
through a wish is always meant.
"""

from __future__ import annotations

from dataclasses import replace

from .deciding import act, think
from .situation import Situation
from .sizing import sizes_step, unfit, without_withdrawn
from .steps import Plan
from .wish import Taken


def take(s: Situation) -> Plan | None:
    """Take up a wish that is newer than what this deploy knows of."""
    wish = s.raw.wish
    if wish is None or wish.number <= s.intent.wishes_seen:
        return None
    intent = replace(s.intent, wishes_seen=wish.number)
    return think(without_withdrawn(intent, wish) if wish.withdrawn else replace(intent, taken=Taken(wish)))


def grant(s: Situation) -> Plan | None:
    """Set the sizes of the wish that was taken up, once it is known what our own last launches came to."""
    taken = s.intent.taken
    if taken is None or taken.answered or taken.asked_at == s.now:
        return None
    if any(not launch.ids for launch in s.intent.launches):
        return None
    refusal = unfit(taken.wish, s.group, s.intent)
    if refusal:
        return think(replace(s.intent, taken=replace(taken, refusal=refusal)))
    return act(s, sizes_step(taken.wish, s.group, s.intent, s.now))
