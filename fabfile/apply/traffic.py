"""What servers answer: each one's own program asks its application for pages, over SSH.

Balancers' own counts come per target group and minutes late, so they can't tell one server from another in time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from ..aws import ec2
from ..aws.session import Aws
from ..rollout.trial import Sample
from ..transports.contract import Result, Transport
from .program import calling_program

REQUESTS = 20  # of each server at each look
_SECONDS = 40.0  # for a look; a server's program stops asking after half of it


class Traffic(Protocol):
    """Something that knows what instances answer.

    Promises: an answer per instance that could be asked, none for the others; nothing is changed.
    """

    def look(self, instances: Sequence[str]) -> Mapping[str, Sample]: ...


class NoTraffic:
    """Nobody who could ask."""

    def look(self, instances: Sequence[str]) -> Mapping[str, Sample]:
        return {}


class SshTraffic:
    """Ask each instance's server program for pages of the application; `address` names how instances are reached."""

    def __init__(self, aws: Aws, transport: Transport, address: str, *, paths: Sequence[str], timeout: float) -> None:
        self._aws = aws
        self._transport = transport
        self._address = address
        self._wanted = {"paths": list(paths), "requests": REQUESTS, "timeout": timeout}
        self._hosts: dict[str, str] = {}

    def look(self, instances: Sequence[str]) -> Mapping[str, Sample]:
        """Ask all at once. One that is out of reach, or whose program is too old to be asked, is left out."""
        self._find(instances)
        reached = [name for name in instances if self._hosts.get(name)]
        hosts = [self._hosts[name] for name in reached]
        given = json.dumps(self._wanted).encode()
        results = self._transport.run(hosts, calling_program("ask", "-"), input=given, timeout=_SECONDS)
        samples = {name: _sample(result) for name, result in zip(reached, results, strict=True)}
        return {name: sample for name, sample in samples.items() if sample is not None}

    def _find(self, instances: Sequence[str]) -> None:
        unknown = [name for name in instances if name not in self._hosts]
        if unknown:
            found = ec2.instances(self._aws, unknown)
            self._hosts.update({name: each.addresses.get(self._address, "") for name, each in found.items()})


def total(samples: Mapping[str, Sample], names: Sequence[str]) -> Sample:
    """Add up what some of the instances answered."""
    return sum((samples[name] for name in names if name in samples), Sample())


def _sample(result: Result) -> Sample | None:
    if not result.ok:
        return None
    try:
        answer = json.loads(result.out)
        return Sample(int(answer["requests"]), int(answer["failed"]), float(answer["p99_ms"]))
    except (ValueError, KeyError, TypeError):
        return None
