"""How long one decision takes, for fleets of 1,000 and 10,000 servers in mid-rollout."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

from fabfile.rollout.intents import begin
from fabfile.rollout.model import Group, Health, Lifecycle, Member, Observed, Phase, Policy, TargetState
from fabfile.rollout.serial import plan

from .figure import Figure

_OLD, _NEW = "lt-1:7", "lt-1:8"
_NOW = 1_000_000.0
_LIMITS = {1_000: 50.0, 10_000: 500.0}
_TIMES = 9


def measure() -> Iterator[Figure]:
    """Yield the median of several decisions at each size."""
    for size, limit in _LIMITS.items():
        observed, policy = _half_way(size), Policy(batch=max(size // 20, 1))
        intent = replace(begin(_before(observed), deploy_id="bench", target=_NEW, started=_NOW - 600.0), begun=True)
        serving = tuple((each.id, _NOW - 300.0) for each in observed.group.members if each.launch_config == _NEW)
        intent = replace(intent, phase=Phase.ROLLING, serving_since=serving, suspended_before=frozenset())
        taken = []
        for _ in range(_TIMES):
            started = time.process_time()
            decided = plan(observed, intent, policy, _NOW)
            taken.append((time.process_time() - started) * 1000)
        yield Figure(
            "decision",
            f"one decision for {size:,} servers",
            round(statistics.median(taken), 2),
            "ms",
            limit,
            f"processor time, median of {_TIMES}; half of the servers replaced, batches of {policy.batch}",
            {"steps": len(decided.steps)},
        )


def _half_way(size: int) -> Observed:
    members = tuple(_member(number, _NEW if number % 2 else _OLD) for number in range(size))
    zones = ("us-east-1a", "us-east-1b")
    return Observed(Group("web", 0, 2 * size, size, _NEW, zones, frozenset({"AZRebalance"}), members, ("web",)))


def _before(observed: Observed) -> Observed:
    old = tuple(replace(each, launch_config=_OLD) for each in observed.group.members)
    return Observed(replace(observed.group, members=old, launch_config=_OLD, suspended=frozenset()))


def _member(number: int, launch_config: str) -> Member:
    zone = "us-east-1a" if number % 4 < 2 else "us-east-1b"
    target = TargetState("web", Health.HEALTHY)
    launched = _NOW - 100_000.0 + number
    return Member(
        f"i-{number:017x}", zone, launch_config, Lifecycle.IN_SERVICE, launched_at=launched, targets=(target,)
    )
