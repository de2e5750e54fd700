"""The embedded cloud for conformance tests: in this process, with a clock that their looks turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fabfile.localcloud.contract import Sight
from fabfile.localcloud.in_memory import InMemoryDataPlane
from tests.conformance.cloud import HEALTHY, Clients
from tests.localcloud.account import SESSION, open_account


class EmbeddedCloud:
    """The embedded cloud's control plane in this process; half a second passes between two looks."""

    region = "us-east-1"
    quiet = 10

    def __init__(self, clients: Clients, turn: Callable[[], None]) -> None:
        self.client = clients.client
        self.called = clients.called
        self._turn = turn
        self._turns = 0

    def now(self) -> float:
        """The turned time."""
        return self._turns * 0.5

    def wait(self) -> None:
        """Turn once."""
        self._turns += 1
        self._turn()


class AnsweringUp(InMemoryDataPlane):
    """A proxy whose servers answer one page: health checks of any other path fail."""

    def observe(self) -> dict[tuple[str, str, int], Sight]:
        """Look at every endpoint of every pool."""
        paths = {pool.name: pool.probe.path for pool in self.pools}
        missing = Sight(healthy=False, checked=True, active=0, reason="HTTP 404")
        return {key: seen if paths[key[0]] == HEALTHY else missing for key, seen in super().observe().items()}


@contextmanager
def embedded() -> Iterator[EmbeddedCloud]:
    """Start a control plane whose time passes with its looks."""
    with open_account(proxy=AnsweringUp()) as behind:
        clients = Clients(SESSION, behind.url, attempts=1)
        try:
            yield EmbeddedCloud(clients, behind.turn)
        finally:
            clients.close()
