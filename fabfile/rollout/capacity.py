"""How many servers may be launched and may go at once.

A worked example, four servers, a batch of two, all four serving before:

    desired 4, owned 0   4 old serve                      launch 2      desired 6, owned 2
    desired 4, owned 2   4 old serve, 2 new come          wait          6 exist, 4 serve
    desired 4, owned 2   4 old serve, 2 new serve         2 old go      6 serve - 2 = 4, the floor
    desired 4, owned 0   2 old serve, 2 new serve         launch 2      and so on

`desired + owned` is what the group's desired capacity should read: 6, 6, 4, 6.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from .model import Member

_MOST_DIGITS = 6


def batch_size(batch: str, servers: int) -> int:
    """Return how many servers a batch is, at least 1: "2" is 2; "25%" of 10 servers is 3 (rounded up).

    Raises `ValueError` for anything else, for less than 1 and for more than 100 %.
    """
    text = batch.strip()
    digits = text.removesuffix("%")
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS else 0
    if number < 1 or (text.endswith("%") and number > 100):
        raise ValueError(f"a batch is a number of servers from 1, or a share from 1% to 100%, not {batch!r}")
    if text.endswith("%"):
        return max(1, math.ceil(servers * number / 100))
    return number


def may_go(candidates: Iterable[Member], serving_ids: frozenset[str], spare: int) -> tuple[Member, ...]:
    """Return those of the candidates, first ones first, that `spare` serving servers can be done without.

    One that does not serve costs nothing; the first that cannot be spared ends the list, so that the order of
    candidates holds.
    """
    going = []
    for member in candidates:
        if member.id in serving_ids:
            if spare < 1:
                break
            spare -= 1
        going.append(member)
    return tuple(going)
