"""Where new servers come and which old ones go, so that zones stay balanced.

With AZRebalance suspended the balance is ours to keep: zones that differ by no more than one server still do
after each batch. An old server that is to go is chosen first, then the zone that would be the emptiest without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from operator import attrgetter

from .model import Member


def victims(
    candidates: Iterable[Member], alive: Mapping[str, int], serving_ids: frozenset[str], count: int
) -> tuple[Member, ...]:
    """Choose `count` of the candidates: those that don't serve first, then from the fullest zones, oldest first.

    `alive` counts the group's servers by zone.
    """
    members = tuple(candidates)
    idle = [member for member in members if member.id not in serving_ids]
    chosen, counts = _from_fullest(idle, alive, count)
    if len(chosen) < count:
        busy = [member for member in members if member.id in serving_ids]
        more, _ = _from_fullest(busy, counts, count - len(chosen))
        chosen += more
    return tuple(chosen)


def _from_fullest(
    members: Iterable[Member], alive: Mapping[str, int], count: int
) -> tuple[list[Member], Mapping[str, int]]:
    """Take members one after the other from the fullest zone, ties from where most candidates are."""
    queues: dict[str, list[Member]] = {}
    for member in sorted(members, key=attrgetter("launched_at", "id"), reverse=True):
        queues.setdefault(member.zone, []).append(member)
    counts = Counter(alive)
    chosen: list[Member] = []
    while queues and len(chosen) < count:
        zone = min(queues, key=lambda zone: (-counts[zone], -len(queues[zone]), zone))
        chosen.append(queues[zone].pop())
        counts[zone] -= 1
        if not queues[zone]:
            del queues[zone]
    return chosen, counts


def launch_zones(
    zones: tuple[str, ...], alive: Mapping[str, int], leaving_next: Iterable[Member], count: int
) -> Counter[str]:
    """Return how many servers to launch in each zone, given those that will go once the new ones serve.

    The emptiest zone without the leaving ones comes first; ties go to the emptiest now, then to the one that
    the leaving are in, then by name.
    """
    leaving = Counter(member.zone for member in leaving_next)
    after = {zone: alive.get(zone, 0) - leaving[zone] for zone in zones}
    current = {zone: alive.get(zone, 0) for zone in zones}
    launches: Counter[str] = Counter()
    for _ in range(count):
        zone = min(zones, key=lambda zone: (after[zone], current[zone], -leaving[zone], zone))
        launches[zone] += 1
        after[zone] += 1
        current[zone] += 1
    return launches
