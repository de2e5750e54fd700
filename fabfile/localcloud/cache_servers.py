"""Cache servers behind ElastiCache's records: real Redis (or Valkey) of this machine, where it is installed.

In: a record's name. Out: an address and port that answer, by TLS where the record asks for it. Never: a server beyond
loopback, or data that outlives it.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import Unreachable
from .authority import LocalAuthority

PORT = 6379
START_SECONDS = 30.0
STOP_SECONDS = 5.0
PROGRAMS = ("valkey-server", "redis-server")


class LocalCaches:
    """Cache servers in `folder`, the nth at `address(n)`. Thread-safe."""

    def __init__(self, folder: Path, address: Callable[[int], str], authority: LocalAuthority) -> None:
        self._folder = folder
        self._address = address
        self._authority = authority
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._program = next(filter(None, map(shutil.which, PROGRAMS)), "")

    def __enter__(self) -> LocalCaches:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._numbers):
            self.drop(name)

    @property
    def available(self) -> bool:
        return bool(self._program)

    def place(self, name: str) -> tuple[str, int] | None:
        if not self.available:
            return None
        with self._lock:
            if name not in self._numbers:
                free = (number for number in range(1, 255) if number not in self._numbers.values())
                self._numbers[name] = next(free)
            return self._address(self._numbers[name]), PORT

    def start(self, name: str, *, encrypted: bool) -> None:
        """Start the server and return when it answers; raises Unreachable when it does not."""
        address = self._address(self._numbers[name])
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        command = [self._program, "--bind", address, "--save", "", "--appendonly", "no", "--dir", str(folder)]
        command += self._encrypted(address) if encrypted else ["--port", str(PORT)]
        log = folder / "server.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self._processes[name] = process
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if self._answers(address, encrypted):
                return
            time.sleep(0.02)
        process.kill()
        process.wait()
        last = (log.read_text(errors="replace").strip().splitlines() or ["its log is empty"])[-1]
        raise Unreachable("start a cache", f"{Path(self._program).name} at {address} did not come up: {last}")

    def drop(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._numbers.pop(name, None)
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def _encrypted(self, address: str) -> list[str]:
        files = self._authority.issue((), (address,))
        options = {
            "port": "0",
            "tls-port": str(PORT),
            "tls-cert-file": str(files.certificate),
            "tls-key-file": str(files.key),
            "tls-ca-cert-file": str(self._authority.ca),
            "tls-auth-clients": "no",
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def _answers(self, address: str, encrypted: bool) -> bool:
        try:
            with socket.create_connection((address, PORT), timeout=1.0) as plain:
                if not encrypted:
                    return _pongs(plain)
                trusting = ssl.create_default_context(cafile=str(self._authority.ca))
                with trusting.wrap_socket(plain, server_hostname=address) as secure:
                    return _pongs(secure)
        except OSError:
            return False


def _pongs(connection: socket.socket) -> bool:
    connection.sendall(b"PING\r\n")
    return connection.recv(16).startswith(b"+PONG")
