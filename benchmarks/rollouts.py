"""How long serial rollouts take, over the shortest time that their servers allow.

A batch cannot be in service sooner than the slowest of its servers was, and the next cannot begin before:

    shortest = sum over the batches of their slowest server + one drain

A server's time is that from its launch to InService, as the cloud's own scaling activities tell it: boot, user data,
start, and `min_healthy_time`. Drains overlap with the next batch, the last one doesn't. Four servers, one at a time,
that took 22.5, 22.9, 22.6 and 22.8 s, and a drain of 1 s: 91.8 s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .figure import Figure
from .site import Site, site

_POLL = 0.2
_DRAIN = 1.0
_LIMIT = 1.15


@dataclass(frozen=True)
class _Case:
    """One rollout: so many servers, that take so many seconds to boot, so many at a time."""

    servers: int
    boot: float
    batch: int

    @property
    def name(self) -> str:
        return f"{self.servers} servers that boot in {self.boot:g} s, {self.batch} at a time"


_CASES = (_Case(4, 20.0, 1), _Case(20, 3.0, 2))


def measure() -> Iterator[Figure]:
    """Yield the measured time over the shortest possible one of each case."""
    for case in _CASES:
        with site(_settings(case)) as made:
            made.fab("create_environment:bench,local")
            (made.folder / "index.html").write_text("<p>two</p>\n")
            made.commit("Another page")
            name = made.fab("create_launch_config_for_deployment:bench,local").split()[-1]
            made.fab("deploy_serial", "--deployment=bench", "--environment=local", f"--launch-config={name}")
            record = made.history()[0]
            servers = [_seconds(each) for each in _launches(made, record["started"])]
        assert len(servers) == case.servers, f"{len(servers)} servers were launched for {case.servers}"
        batches = [servers[first : first + case.batch] for first in range(0, len(servers), case.batch)]
        shortest = sum(max(batch) for batch in batches) + _DRAIN
        yield Figure(
            "rollout",
            case.name,
            round(record["seconds"] / shortest, 3),
            "× the shortest possible",
            _LIMIT,
            f"looked every {_POLL:g} s; {record['seconds']:.1f} s measured, {shortest:.1f} s possible",
            {
                "seconds": round(record["seconds"], 2),
                "shortest": round(shortest, 2),
                "servers": [round(seconds, 2) for seconds in servers],
                "turns": record["turns"],
                "calls": record["api_calls"],
            },
        )


def _settings(case: _Case) -> dict[str, object]:
    return {
        "server_counts": {"web": case.servers, "worker": 0},
        "minimum": case.servers,
        "maximum": case.servers + case.batch,
        "rollout": {"batch": case.batch, "poll": _POLL, "min_healthy_time": 1, "deregistration_delay": _DRAIN},
        "local": {"boot": case.boot, "drain": _DRAIN, "health_interval": 0.5},
    }


def _launches(made: Site, started: float) -> list[dict[str, Any]]:
    """Return the launches since a moment, in their order."""
    client = made.client("autoscaling")
    pages = client.get_paginator("describe_scaling_activities").paginate(AutoScalingGroupName="bench-local-web")
    found = [each for page in pages for each in page["Activities"] if "Launching" in each["Description"]]
    done = [each for each in found if _time(each["StartTime"]) >= started and each.get("EndTime")]
    return sorted(done, key=lambda each: _time(each["StartTime"]))


def _seconds(activity: dict[str, Any]) -> float:
    return _time(activity["EndTime"]) - _time(activity["StartTime"])


def _time(moment: datetime) -> float:
    return moment.timestamp()
