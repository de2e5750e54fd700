"""The contract of a load balancer:

who is in, in what state, and how to get in and out without losing a request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from ..errors import Unreachable
from ..rollout.model import Health, TargetState


class Balancer(Protocol):
    """One balancer by name.

    Promises: `states` is what the balancer itself says now of every instance that it knows. `register` and
    `deregister` return once accepted, and change nothing when repeated; a deregistered instance finishes the
    requests that it has, and is `draining` until then.
    """

    @property
    def name(self) -> str: ...

    def states(self) -> Mapping[str, TargetState]: ...

    def register(self, instances: Collection[str]) -> None: ...

    def deregister(self, instances: Collection[str]) -> None: ...


def wait_drained(
    balancer: Balancer, instance: str, timeout: float, pause: Callable[[], None] = lambda: time.sleep(1.0)
) -> None:
    """Wait until the balancer sends the instance nothing; raises `Unreachable` after `timeout` seconds."""
    _wait(balancer, instance, {Health.ABSENT, Health.UNUSED}, timeout, pause)


def wait_in_service(
    balancer: Balancer, instance: str, timeout: float, pause: Callable[[], None] = lambda: time.sleep(1.0)
) -> None:
    """Wait until the balancer finds the instance healthy; raises `Unreachable` after `timeout` seconds."""
    _wait(balancer, instance, {Health.HEALTHY}, timeout, pause)


def _wait(
    balancer: Balancer, instance: str, wanted: Collection[Health], timeout: float, pause: Callable[[], None]
) -> None:
    until = time.monotonic() + timeout
    while True:
        state = balancer.states().get(instance, TargetState(balancer.name, Health.ABSENT))
        if state.health in wanted:
            return
        if time.monotonic() >= until:
            names = " or ".join(sorted(each.value for each in wanted))
            seen = f"after {timeout:.0f} s it is {state.health.value} {state.reason}".rstrip()
            raise Unreachable(f"see {instance} {names} in {balancer.name}", seen)
        pause()
