"""Listen for a machine exactly while it is up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from pathlib import Path

import asyncssh

from ..machine.folder import Folder, Settings
from . import PORT
from .control import connect, receive, send
from .files import MachineFiles
from .keys import SshFiles
from .sessions import Sessions

_RETRY = 0.1  # seconds between looks whether a machine has booted
_log = logging.getLogger(__name__)


class Endpoints:
    """One SSH endpoint for each machine added."""

    def __init__(self, files: SshFiles) -> None:
        self._files = files
        self._tasks: dict[Path, asyncio.Task[None]] = {}

    def add(self, path: Path) -> None:
        """Serve a machine from when it has booted until it is down, and again after each reboot."""
        self.remove(path)
        self._tasks[path] = asyncio.create_task(self._follow(Folder(path)))

    def remove(self, path: Path) -> None:
        if task := self._tasks.pop(path, None):
            task.cancel()

    async def _follow(self, folder: Folder) -> None:
        settings = folder.settings()
        while True:
            with contextlib.suppress(OSError), await _watch(folder) as line:
                await self._serve_while(line, folder, settings)
            await asyncio.sleep(_RETRY)

    async def _serve_while(self, line: socket.socket, folder: Folder, settings: Settings) -> None:
        connections: set[asyncssh.SSHServerConnection] = set()
        try:
            listener = await asyncssh.listen(
                settings.address,
                PORT,
                reuse_address=True,
                server_factory=lambda: _Connection(connections),
                server_host_keys=[str(self._files.host_key)],
                authorized_client_keys=str(self._files.user_key.with_suffix(".pub")),
                password_auth=False,
                kbdint_auth=False,
                process_factory=Sessions(folder).run,
                sftp_factory=lambda channel: MachineFiles(channel, folder.home),
                encoding=None,
                line_editor=False,
            )
        except OSError as error:
            _log.warning("cannot listen on %s:%s: %s", settings.address, PORT, error)
            return
        try:
            await asyncio.get_running_loop().sock_recv(line, 1)
        finally:
            listener.close()
            for connection in connections:
                connection.abort()


class _Connection(asyncssh.SSHServer):
    """Keeps count of who is connected, to hang up when the machine goes down."""

    def __init__(self, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections
        self._own: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._own = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._own:
            self._connections.discard(self._own)


async def _watch(folder: Folder) -> socket.socket:
    """Connect to a machine by a line on which nothing comes but its end; raises OSError while it is not up."""
    line = connect(folder)
    try:
        await send(line, {"do": "watch"})
        await receive(line)
    except BaseException:
        line.close()
        raise
    return line
