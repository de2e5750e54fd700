"""Database servers behind RDS records: real PostgreSQL, one server and one loopback address for each record.

In: a record's name, user, password, database. Out: an address and port that answer. Never: a server that runs
as root (PostgreSQL refuses to), one that is reached without a password, or data that outlives `fab
local_down`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Unreachable
from .postgres_programs import find_programs
from .state import replace

log = logging.getLogger(__name__)

PORT = 5432
START_SECONDS = 60.0
STOP_SECONDS = 10.0
# Fast and small rather than durable: the data is worth nothing after the cloud is gone.
SETTINGS = {
    "port": str(PORT),
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "fsync": "off",
    "full_page_writes": "off",
    # A statement that fails would otherwise be in the log with the password that it sets.
    "log_min_error_statement": "panic",
}


@dataclass
class _Server:
    """One record's server; `starting` is held while it is made."""

    number: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    starting: threading.Lock = field(default_factory=threading.Lock)


class LocalPostgres:
    """PostgreSQL servers in `folder`, the nth at `address(n)`. Thread-safe."""

    def __init__(self, folder: Path, address: Callable[[int], str]) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._servers: dict[str, _Server] = {}
        self._owner = _owner()
        self._folder = folder
        self._data: Path | None = None

    def __enter__(self) -> LocalPostgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ensure(self, name: str, user: str, password: str, database: str) -> tuple[str, int]:
        """Start the server if it does not run and return its address and port.

        Raises Unreachable when no PostgreSQL can be had on this machine, or when it does not start.
        """
        with self._lock:
            server = self._servers.get(name) or self._reserve(name)
        with server.starting:
            if server.process is None or server.process.poll() is not None:
                programs = find_programs(self._owner)
                if not (server.folder / "made").exists():
                    self._make(programs, server.folder, user, password, database)
                server.process = self._start(programs, server)
        return self._address(server.number), PORT

    def drop(self, name: str) -> None:
        """End the server and remove its data; an unknown name is left alone."""
        with self._lock:
            server = self._servers.pop(name, None)
        if server is not None:
            with server.starting:
                _stop(server)
                shutil.rmtree(server.folder, ignore_errors=True)

    def close(self) -> None:
        """End all servers and remove the data."""
        for name in list(self._servers):
            self.drop(name)
        if self._data is not None:
            shutil.rmtree(self._data, ignore_errors=True)

    def _reserve(self, name: str) -> _Server:
        if self._data is None:
            self._data = data_folder(self._folder, self._owner)
        taken = {server.number for server in self._servers.values()}
        number = next(number for number in range(1, 255) if number not in taken)
        server = self._servers[name] = _Server(number, self._data / str(number))
        return server

    def _make(self, programs: Path, folder: Path, user: str, password: str, database: str) -> None:
        """Make the data folder with the user and the database in it, before anything listens."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        if self._owner is not None:
            os.chown(folder, self._owner.pw_uid, self._owner.pw_gid)
        data = str(folder / "data")
        reject = ["--auth-local=reject", "--auth-host=reject", "--no-sync", "--no-instructions"]
        text = ["--username=rdsadmin", "--encoding=UTF8", "--locale=C"]
        self._run([str(programs / "initdb"), "-D", data, *reject, *text])
        (folder / "data" / "pg_hba.conf").write_text("host all all 127.0.0.0/8 scram-sha-256\n")
        statements = f"CREATE ROLE {_name(user)} LOGIN CREATEDB CREATEROLE PASSWORD {_text(password)};\n"
        if database != "postgres":
            statements += f"CREATE DATABASE {_name(database)} OWNER {_name(user)};\n"
        else:
            statements += f"ALTER DATABASE postgres OWNER TO {_name(user)};\n"
        alone = [str(programs / "postgres"), "--single", "-D", data, *_settings(), "postgres"]
        self._run(alone, statements)
        (folder / "made").touch()

    def _run(self, command: list[str], text: str = "") -> None:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, cwd="/", **self._as_owner()
        )
        # Single-user mode ends with 0 whatever happened to its statements.
        if done.returncode != 0 or "ERROR:" in done.stderr:
            last = done.stderr.strip().splitlines() or ["it said nothing"]
            raise Unreachable("make a database", f"{Path(command[0]).name}: {last[-1]}")

    def _start(self, programs: Path, server: _Server) -> subprocess.Popen[bytes]:
        address = self._address(server.number)
        command = [str(programs / "postgres"), "-D", str(server.folder / "data"), *_settings()]
        command += ["-c", f"listen_addresses={address}"]
        output = server.folder / "postgres.log"
        with output.open("ab") as stream:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd="/",
                start_new_session=True,
                **self._as_owner(),
            )
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if _ready(programs, address):
                return process
            time.sleep(0.02)
        process.kill()
        process.wait()
        words = output.read_text(errors="replace").strip().splitlines() or ["its log is empty"]
        raise Unreachable("start a database", f"PostgreSQL at {address} did not come up: {words[-1]}")

    def _as_owner(self) -> dict[str, Any]:
        if self._owner is None:
            return {}
        return {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}


def data_folder(folder: Path, owner: pwd.struct_passwd | None) -> Path:
    """Return where data goes: `folder`, or one in the system's temporary folder where the owner could not get
    to it.

    A folder elsewhere is written to `folder`/elsewhere, so that `fab local_down` finds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if owner is None or all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.resolve().parents)):
        return folder
    elsewhere = Path(tempfile.mkdtemp(prefix="fabscale-postgres-"))
    elsewhere.chmod(0o711)
    replace(folder / "elsewhere", str(elsewhere))
    return elsewhere


def _owner() -> pwd.struct_passwd | None:
    """Return the user to be instead of root, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Unreachable("start a database", "PostgreSQL does not run as root and there is no user postgres or nobody")


def _settings() -> list[str]:
    return [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    if "\n" in value:  # the end of a statement in single-user mode
        raise Unreachable("make a database", "the password has a line break in it")
    return "'" + value.replace("'", "''") + "'"


def _ready(programs: Path, address: str) -> bool:
    command = [str(programs / "pg_isready"), "-q", "-h", address, "-p", str(PORT)]
    return subprocess.run(command, check=False).returncode == 0


def _stop(server: _Server) -> None:
    """End a server; its children end with it, for they watch it."""
    if server.process is None or server.process.poll() is not None:
        return
    server.process.send_signal(signal.SIGINT)  # "fast shutdown": clients are disconnected
    try:
        server.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
