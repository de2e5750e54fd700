"""Ask supervisord what runs and tell it what should, through its socket.

http://supervisord.org/api.html
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failures import ServerError
from .layout import Layout

SOCKET = "supervisor.sock"


@dataclass(frozen=True)
class Program:
    """A program as supervisord sees it; `state` is one of its words: RUNNING, STARTING, BACKOFF, EXITED, FATAL, …"""

    state: str
    pid: int
    description: str


class _Connection(http.client.HTTPConnection):
    def __init__(self, folder: Path) -> None:
        super().__init__("localhost", timeout=60.0)
        self._folder = folder

    def connect(self) -> None:
        """Reach the socket through its folder's descriptor: a socket's path has at most 107 bytes (unix(7))."""
        folder = os.open(self._folder, os.O_RDONLY)
        short = Path(f"/proc/self/fd/{folder}") if sys.platform == "linux" else self._folder
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(str(short / SOCKET))
        except OSError:
            self.sock.close()
            raise
        finally:
            os.close(folder)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._folder)


class Supervisor:
    """The supervisord of this server; every call raises ServerError when it does not run."""

    def __init__(self, layout: Layout) -> None:
        self._folder = layout.run

    def program(self, name: str) -> Program:
        """Return a program's present state."""
        found = self._call("getProcessInfo", name)
        return Program(str(found["statename"]), int(found["pid"]), str(found["description"] or found["spawnerr"]))

    def start(self, name: str) -> None:
        """Start a program and wait until supervisord holds it for running; one that runs is left alone."""
        self._call("startProcess", name, tolerated="ALREADY_STARTED")

    def stop(self, name: str) -> None:
        """Ask a program to end (SIGTERM) and return at once; one that does not run is left alone."""
        self._call("stopProcess", name, False, tolerated="NOT_RUNNING")

    def _call(self, method: str, *arguments: object, tolerated: str = "") -> Any:
        with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_Transport(self._folder)) as proxy:
            try:
                return getattr(proxy.supervisor, method)(*arguments)
            except xmlrpc.client.Fault as fault:
                if tolerated and fault.faultString.startswith(tolerated):
                    return None
                raise ServerError(f"{method} {arguments[0]}", f"supervisord says {fault.faultString}") from fault
            except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
                raise ServerError(
                    f"{method} {arguments[0]}",
                    f"supervisord does not answer ({error})",
                    "See: systemctl status fabscale",
                ) from error
