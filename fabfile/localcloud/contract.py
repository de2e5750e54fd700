"""What the control plane asks of the machines, the load balancer and the databases behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class MachineSpec:
    """A machine to start: its address is on loopback and its alone while it lives."""

    id: str
    address: str
    user_data: bytes
    region: str
    zone: str
    role: str = ""  # instance profile's role; "" has no credentials
    tags: Mapping[str, str] = field(default_factory=dict)
    tags_in_metadata: bool = False
    boot_seconds: float = 1.0
    ami: str = ""
    instance_type: str = ""


class Machines(Protocol):
    """Machines that are real process trees.

    Promises: `start` and `reboot` return at once; `stop` returns when every process of the machine is gone and its
    address is free; a machine's folder and console stay readable until `forget`. Thread-safe.
    """

    def start(self, spec: MachineSpec) -> None: ...

    def reboot(self, machine: str) -> None: ...

    def stop(self, machine: str) -> None: ...

    def forget(self, machine: str) -> None: ...

    def running(self, machine: str) -> bool:
        """Whether the machine's own process lives; one that crashed is an instance that fails its status checks."""
        ...

    def console(self, machine: str) -> str: ...

    def retag(self, machine: str, tags: Mapping[str, str]) -> None: ...


@dataclass(frozen=True)
class Probe:
    """A target group's health check, in ELBv2's terms; seconds."""

    path: str
    port: int
    success: str = "200"
    interval: float = 0.5
    timeout: float = 2.0
    healthy_threshold: int = 2
    unhealthy_threshold: int = 2
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """A target of a group; a draining one gets no new requests."""

    address: str
    port: int
    draining: bool = False


@dataclass(frozen=True)
class Pool:
    """A target group as the proxy needs it."""

    name: str
    probe: Probe
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True)
class Fixed:
    """A fixed response."""

    status: int
    content_type: str
    body: str


@dataclass(frozen=True)
class Forward:
    """Forward to pools by weight."""

    weights: tuple[tuple[str, int], ...]  # (pool name, weight)


@dataclass(frozen=True)
class Redirect:
    """Send the client elsewhere; the parts may hold #{protocol}, #{host}, #{port}, #{path} and #{query}."""

    status: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


@dataclass(frozen=True)
class Route:
    """A listener rule: every condition given must match; none given matches all."""

    action: Fixed | Forward | Redirect
    paths: tuple[str, ...] = ()  # ALB patterns with * and ?
    hosts: tuple[str, ...] = ()
    headers: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Tls:
    """What a listener shows: a certificate for these domains, under an ELBSecurityPolicy."""

    names: tuple[str, ...]
    policy: str


@dataclass(frozen=True)
class Listener:
    """A port of a load balancer, its routes in order of priority, the default last."""

    address: str
    port: int
    routes: tuple[Route, ...]
    tls: Tls | None = None  # None: plain HTTP


@dataclass(frozen=True)
class Sight:
    """What the proxy saw of one endpoint."""

    healthy: bool
    checked: bool  # False until the first checks are done
    active: int  # requests under way
    reason: str = ""


class DataPlane(Protocol):
    """The load balancer's proxy.

    Promises: `apply` replaces the whole configuration atomically and loses no request; `observe` is what the proxy
    itself saw.
    """

    def apply(self, listeners: Sequence[Listener], pools: Sequence[Pool]) -> None: ...

    def observe(self) -> Mapping[tuple[str, str, int], Sight]:
        """Sights by (pool name, address, port)."""
        ...


class Databases(Protocol):
    """Database servers behind RDS records; `ensure` may take seconds and is called again until it returns."""

    def ensure(self, name: str, user: str, password: str, database: str) -> tuple[str, int]:
        """Start the server if it does not run and return its address and port."""
        ...

    def drop(self, name: str) -> None: ...


class Caches(Protocol):
    """Cache servers behind ElastiCache records; `available` is False where this machine has no such server."""

    @property
    def available(self) -> bool: ...

    def place(self, name: str) -> tuple[str, int] | None:
        """Return where the server of a record is going to be; None where servers are not available."""
        ...

    def start(self, name: str, *, encrypted: bool) -> None:
        """Start the server; returns when it answers."""
        ...

    def drop(self, name: str) -> None: ...
