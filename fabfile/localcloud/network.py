"""Which part of loopback a checkout's cloud lives in, so that two clouds never meet.

In: the cloud's folder. Out: a `127.X.0.0/16` that is this cloud's alone while it runs. Never: anything beyond
loopback.

127.X.0.1 is the claim, 127.X.0.2 the control plane, 127.X.0.3 the proxy's admin port, 127.X.1.0/24 and
127.X.2.0/24 the zones' instances, 127.X.253.0/24 caches, 127.X.254.0/24 databases and 127.X.255.0/24 load balancers.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from ..errors import Unreachable
from .state import replace

# Below lie 127.0.0.1 and what distributions put beside it (127.0.0.53, 127.0.1.1).
FIRST, LAST = 16, 239
CLAIM_PORT = 5001
CONTROL_PORT = 5000
LISTEN = "0A"


@dataclass(frozen=True)
class Network:
    """`127.X.0.0/16`."""

    x: int

    @property
    def cidr(self) -> str:
        return str(IPv4Network(f"127.{self.x}.0.0/16"))

    @property
    def prefix(self) -> str:
        return f"127.{self.x}"

    @property
    def claim(self) -> str:
        return f"127.{self.x}.0.1"

    @property
    def control(self) -> str:
        return f"127.{self.x}.0.2"

    @property
    def proxy_admin(self) -> str:
        return f"127.{self.x}.0.3"

    def cache(self, number: int) -> str:
        """Return the address of the nth cache, 1 to 254."""
        return f"127.{self.x}.253.{number}"

    def database(self, number: int) -> str:
        """Return the address of the nth database, 1 to 254."""
        return f"127.{self.x}.254.{number}"


@dataclass(frozen=True)
class Claim:
    """A network that is ours until `release`, or until this process ends."""

    network: Network
    holder: socket.socket

    def release(self) -> None:
        self.holder.close()


def claim_network(memory: Path, checkout: Path, occupied: Callable[[], set[int]] | None = None) -> Claim:
    """Claim the checkout's network, remembered in the file `memory`: the same one as last time if it is free.

    A network is claimed by listening in it, which the kernel lets only one process do. `occupied` says in
    which networks anything listens already. Raises Unreachable when no network can be had.
    """
    busy = (occupied or listening)()
    for x in _candidates(memory, checkout):
        holder = None if x in busy else _listen(Network(x))
        if holder is not None:
            replace(memory, json.dumps({"x": x, "network": Network(x).cidr}) + "\n")
            return Claim(Network(x), holder)
    raise Unreachable(
        "give the embedded cloud a network",
        f"no address in 127.{FIRST}.0.0 to 127.{LAST}.255.255 can be listened on",
        "It needs Linux, where all of 127.0.0.0/8 is loopback; end other clouds with `fab local_down`",
    )


def listening() -> set[int]:
    """Return the X of every 127.X.0.0/16 in which a process of this machine listens (proc(5), /proc/net/tcp)."""
    found: set[int] = set()
    try:
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    except FileNotFoundError:  # not Linux: listening will say whether there is such an address
        return found
    for line in lines:
        _, local, _, state, *_ = line.split()
        if state == LISTEN:
            # The kernel prints the address's four bytes as one number of the host's byte order.
            first, second, *_ = struct.pack("=I", int(local.partition(":")[0], 16))
            if first == 127:
                found.add(second)
    return found


def _candidates(memory: Path, checkout: Path) -> Iterator[int]:
    count = LAST - FIRST + 1
    digest = hashlib.sha256(str(checkout.resolve()).encode()).digest()
    start = int.from_bytes(digest[:4]) % count
    remembered = _remembered(memory)
    if remembered is not None:
        yield remembered
    yield from (FIRST + (start + step) % count for step in range(count))


def _remembered(memory: Path) -> int | None:
    try:
        x = json.loads(memory.read_text())["x"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # never chosen, or the file was damaged: choosing anew does no harm
    return x if isinstance(x, int) and FIRST <= x <= LAST else None


def _listen(network: Network) -> socket.socket | None:
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.bind((network.claim, CLAIM_PORT))
        holder.listen(1)
    except OSError:
        holder.close()
        return None
    return holder
