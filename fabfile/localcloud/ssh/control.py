"""Reach a machine's process by the socket in its folder."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from typing import Any

from ..machine.folder import Folder

_WITH_DESCRIPTORS = 4096  # bytes of a request that go with its file descriptors


def connect(folder: Folder) -> socket.socket:
    """Connect to a machine's control socket without blocking afterwards."""
    descriptor = os.open(folder.path, os.O_RDONLY | os.O_DIRECTORY)
    connection = socket.socket(socket.AF_UNIX)
    try:
        # A socket's path has at most 107 bytes; a machine's folder may lie deeper than that.
        connection.connect(f"/proc/self/fd/{descriptor}/{folder.control.name}")
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(descriptor)
    connection.setblocking(False)
    return connection


async def send(connection: socket.socket, request: Mapping[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    """Send a request, and file descriptors with its first bytes."""
    content = json.dumps(request).encode() + b"\n"
    if descriptors:
        sent = socket.send_fds(connection, [content[:_WITH_DESCRIPTORS]], descriptors)
        content = content[sent:]
    if content:  # even sending nothing fails once a quick command has ended and the machine has hung up
        await asyncio.get_running_loop().sock_sendall(connection, content)


async def receive(connection: socket.socket) -> dict[str, Any]:
    """Wait for the answer; raises ConnectionError when the machine goes down before."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = await asyncio.get_running_loop().sock_recv(connection, 65536)
        if not chunk:
            raise ConnectionError("the machine goes down")
        line += chunk
    answer: dict[str, Any] = json.loads(line)
    return answer
