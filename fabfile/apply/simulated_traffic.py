"""Simulated answers: servers of each launch config fail a share of requests, evenly, so that a share is exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from ..rollout.model import Lifecycle, Member
from ..rollout.steps import LookAtTraffic
from ..rollout.trial import Sample, Traffic

REQUESTS = 20  # that a look makes of each server


class SimulatedTraffic:
    """Servers that are asked for pages; `failing` is the share of requests that fail, by launch config."""

    def __init__(self, failing: Mapping[str, float]) -> None:
        self._failing = failing
        self._asked: Counter[str] = Counter()

    def look(self, step: LookAtTraffic, members: Mapping[str, Member]) -> Traffic:
        """Ask those that are in service; the others answer nothing."""
        return Traffic(self._ask(step.canaries, members), self._ask(step.old, members))

    def _ask(self, names: Collection[str], members: Mapping[str, Member]) -> Sample:
        seen = Sample()
        for name in names:
            member = members.get(name)
            if member is not None and member.lifecycle is Lifecycle.IN_SERVICE:
                seen += self._answers(member)
        return seen

    def _answers(self, member: Member) -> Sample:
        """Of 20 requests after 30 before, with a share of 0.1: floor(5.0) - floor(3.0) = 2 fail."""
        before = self._asked[member.id]
        self._asked[member.id] = before + REQUESTS
        share = self._failing.get(member.launch_config, 0.0)
        failed = int((before + REQUESTS) * share) - int(before * share)
        return Sample(REQUESTS, failed, 20.0)
