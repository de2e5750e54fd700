"""Who listens on a loopback address, from Linux's /proc/net (proc(5))."""

from __future__ import annotations

import ipaddress
import socket
import struct
import time
from pathlib import Path

_LISTEN = "0A"


def listening(address: str) -> set[int]:
    """Return the TCP ports of an IPv4 address that somebody listens on."""
    # The kernel prints the address's four bytes as one number of the host's byte order.
    wanted = f"{struct.unpack('=I', socket.inet_aton(address))[0]:08X}"
    ports: set[int] = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        host, _, port = local.partition(":")
        if state == _LISTEN and host == wanted:
            ports.add(int(port, 16))
    return ports


def wait_until_free(address: str, within: float) -> set[int]:
    """Wait until nobody listens on an address; return the ports still taken after `within` seconds."""
    deadline = time.monotonic() + within
    while (ports := listening(address)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return ports


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network("127.0.0.0/8")
