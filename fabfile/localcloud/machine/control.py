"""The machine's socket: `systemctl`, commands from the SSH server, and a line that ends when the machine does.

A request is one line of JSON. `run` comes with the three file descriptors that the command gets, so that whoever
connects by SSH is served by a process of the machine's own, which lives and dies with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .children import Child, Children
from .folder import Folder
from .verbs import Units

_LONGEST_REQUEST = 4 * 1024 * 1024


class Control:
    """Answers requests until it is closed."""

    def __init__(self, folder: Folder, units: Units, children: Children, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._units = units
        self._children = children
        self._environment = environment
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Open the socket and answer; the machine counts as booted from here on."""
        self._folder.control.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX) as listener:
            # Relative to the working folder, which is the machine's: a socket's path has at most 107 bytes.
            listener.bind(self._folder.control.name)
            listener.listen(128)
            listener.setblocking(False)
            while True:
                connection, _ = await loop.sock_accept(listener)
                task = asyncio.create_task(self._answer(connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError), contextlib.ExitStack() as received:
            line, descriptors = await _receive(connection)
            for descriptor in descriptors:
                received.callback(os.close, descriptor)
            request = json.loads(line or b"{}")
            match request.get("do"):
                case "systemctl":
                    await self._reply(connection, asdict(await self._units.call(request["arguments"])))
                case "run" if len(descriptors) == 3:
                    child = self._start(request, (descriptors[0], descriptors[1], descriptors[2]))
                    received.close()  # only the command holds them now, so that its end can be seen
                    await self._reply(connection, {"status": await child.ended})
                case "watch":
                    await self._reply(connection, {})
                    await asyncio.get_running_loop().sock_recv(connection, 1)

    def _start(self, request: Mapping[str, Any], streams: tuple[int, int, int]) -> Child:
        command = request["command"]
        arguments = ["/bin/bash", "-c", command] if command else ["/bin/bash"]
        environment = {**self._environment, **request["environment"]}
        return self._children.start(arguments, environment, self._folder.home, streams, terminal=request["terminal"])

    @staticmethod
    async def _reply(connection: socket.socket, answer: Mapping[str, Any]) -> None:
        await asyncio.get_running_loop().sock_sendall(connection, json.dumps(answer).encode() + b"\n")


async def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """Read one line and the file descriptors that come with it."""
    connection.setblocking(False)
    line = b""
    descriptors: list[int] = []
    while not line.endswith(b"\n") and len(line) < _LONGEST_REQUEST:
        await _readable(connection)
        chunk, passed, _, _ = socket.recv_fds(connection, 65536, 3)
        descriptors.extend(passed)
        if not chunk:
            break
        line += chunk
    return line, descriptors


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)
