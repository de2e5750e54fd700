"""Start the SSH server's process, tell it of machines, and start it again should it die."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from pathlib import Path

from ..machine.launch import start_module


class SshServer:
    """The process behind all machines' SSH endpoints; it ends when this process does."""

    def __init__(self, state: Path, package: str) -> None:
        self._state = state
        self._package = package
        self._folders: set[Path] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._process = self._start()
        self._watch = threading.Thread(target=self._keep, name="ssh-server", daemon=True)
        self._watch.start()

    def add(self, folder: Path) -> None:
        """Serve the machine of a folder from when it has booted, also after reboots."""
        with self._lock:
            self._folders.add(folder)
            self._tell("add", folder)

    def remove(self, folder: Path) -> None:
        with self._lock:
            self._folders.discard(folder)
            self._tell("remove", folder)

    def close(self) -> None:
        """End the server; every port of it is free when this returns."""
        self._closing.set()
        with self._lock, contextlib.suppress(BrokenPipeError):
            assert self._process.stdin
            self._process.stdin.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._watch.join()

    def _start(self) -> subprocess.Popen[bytes]:
        log = self._state / "ssh" / "server.log"
        with log.open("ab") as output:
            return start_module(f"{self._package}.localcloud.ssh", [str(self._state)], output, {})

    def _keep(self) -> None:
        while not self._closing.is_set():
            self._process.wait()
            if self._closing.wait(1.0):
                return
            with self._lock:
                if self._process.stdin:
                    self._process.stdin.close()
                self._process = self._start()
                for folder in self._folders:
                    self._tell("add", folder)

    def _tell(self, do: str, folder: Path) -> None:
        assert self._process.stdin
        # When it has just died, its successor is told of every machine.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": do, "folder": str(folder)}).encode() + b"\n")
            self._process.stdin.flush()
