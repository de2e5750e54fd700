"""A balancer in memory, for tests: everybody in it is healthy, and drains at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..rollout.model import Health, TargetState


class MemoryBalancer:
    """A balancer of one process."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self._states: dict[str, TargetState] = {}

    def states(self) -> Mapping[str, TargetState]:
        return dict(self._states)

    def register(self, instances: Collection[str]) -> None:
        self._states.update({id_: TargetState(self.name, Health.HEALTHY) for id_ in instances})

    def deregister(self, instances: Collection[str]) -> None:
        for id_ in instances:
            self._states.pop(id_, None)
