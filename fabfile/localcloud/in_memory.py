"""What runs behind the control plane, without a process: machines, a proxy and databases that only remember.

They keep the promises of `contract`, answer at once, and let a test say what a machine does: crash, stay unhealthy,
be busy.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .contract import Listener, MachineSpec, Pool, Sight


@dataclass
class InMemoryMachines:
    """Machines that live until they are stopped or `crash` is called."""

    specs: dict[str, MachineSpec] = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)
    rebooted: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    consoles: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, spec: MachineSpec) -> None:
        """Start a machine; ValueError when another one that lives has its address."""
        with self._lock:
            if any(self.specs[one].address == spec.address for one in self.alive):
                raise ValueError(f"{spec.address} is taken")
            self.specs[spec.id] = spec
            self.alive.add(spec.id)
            self.consoles[spec.id] = f"{spec.id} booted\n"

    def reboot(self, machine: str) -> None:
        """Remember the reboot."""
        with self._lock:
            self.rebooted.append(machine)
            self.alive.add(machine)

    def stop(self, machine: str) -> None:
        """End a machine."""
        with self._lock:
            self.alive.discard(machine)
            self.stopped.append(machine)

    def forget(self, machine: str) -> None:
        """Drop what is known of a machine."""
        with self._lock:
            self.specs.pop(machine, None)
            self.consoles.pop(machine, None)

    def running(self, machine: str) -> bool:
        """Whether the machine lives."""
        with self._lock:
            return machine in self.alive

    def console(self, machine: str) -> str:
        """What the machine wrote."""
        with self._lock:
            return self.consoles.get(machine, "")

    def retag(self, machine: str, tags: Mapping[str, str]) -> None:
        """Replace a machine's tags."""
        with self._lock:
            self.specs[machine] = replace(self.specs[machine], tags=dict(tags))

    def crash(self, machine: str) -> None:
        """End a machine's process behind everybody's back."""
        with self._lock:
            self.alive.discard(machine)


@dataclass
class InMemoryDataPlane:
    """A proxy that finds every endpoint healthy at once, unless told otherwise.

    `sick` holds addresses with the reason, `unchecked` addresses not yet checked, `busy` requests under way by address.
    """

    listeners: tuple[Listener, ...] = ()
    pools: tuple[Pool, ...] = ()
    applied: int = 0
    sick: dict[str, str] = field(default_factory=dict)
    unchecked: set[str] = field(default_factory=set)
    busy: dict[str, int] = field(default_factory=dict)

    def apply(self, listeners: Sequence[Listener], pools: Sequence[Pool]) -> None:
        """Take the configuration."""
        self.listeners, self.pools = tuple(listeners), tuple(pools)
        self.applied += 1

    def observe(self) -> Mapping[tuple[str, str, int], Sight]:
        """Look at every endpoint of every pool."""
        return {
            (pool.name, endpoint.address, endpoint.port): Sight(
                healthy=endpoint.address not in self.sick and endpoint.address not in self.unchecked,
                checked=endpoint.address not in self.unchecked,
                active=self.busy.get(endpoint.address, 0),
                reason=self.sick.get(endpoint.address, ""),
            )
            for pool in self.pools
            for endpoint in pool.endpoints
        }


@dataclass
class InMemoryDatabases:
    """Databases that only have an address."""

    servers: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def ensure(self, name: str, user: str, password: str, database: str) -> tuple[str, int]:
        """Remember the database and answer where it would be."""
        self.servers[name] = (user, password, database)
        return "127.66.254.1", 5432

    def drop(self, name: str) -> None:
        """Forget the database."""
        self.servers.pop(name, None)


@dataclass
class InMemoryCaches:
    """Caches that only have an address; `available` may be taken away."""

    available: bool = True
    servers: dict[str, bool] = field(default_factory=dict)  # whether encrypted, by name

    def place(self, name: str) -> tuple[str, int] | None:
        """Answer where the cache would be."""
        return ("127.66.253.1", 6379) if self.available else None

    def start(self, name: str, *, encrypted: bool) -> None:
        """Remember the cache."""
        self.servers[name] = encrypted

    def drop(self, name: str) -> None:
        """Forget the cache."""
        self.servers.pop(name, None)
