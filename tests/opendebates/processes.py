"""The demo application as processes: its commands, its web server, a PostgreSQL for it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import psycopg

APPLICATION = Path(__file__).parents[2] / "examples/opendebates"
PATIENCE = 60.0  # seconds; far more than anything here takes


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        Event().wait(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Site:
    """One release of the application with its settings."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        settings = {"STATIC_ROOT": str(self.folder / "static"), "SQLITE_PATH": str(self.folder / "db.sqlite3")}
        own = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**own, **settings, **self.environ}

    def start(self, *command: str) -> subprocess.Popen[str]:
        log = (self.folder / "log").open("a")
        with log:
            return subprocess.Popen(
                [sys.executable, *command], cwd=APPLICATION, env=self.environment, stdout=log, stderr=log, text=True
            )

    def manage(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=APPLICATION,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def get(self, path: str) -> Answer:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as reply:
                return Answer(reply.status, reply.read().decode(), dict(reply.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode(), dict(error.headers))

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self) -> str:
        return (self.folder / "log").read_text()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve with gunicorn."""
        command = ("-m", "gunicorn", "opendebates.wsgi:application", "--bind", f"127.0.0.1:{self.port}")
        with ended(self.start(*command)):
            eventually(self.answers, "gunicorn answers")
            yield


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """End a process when the block ends."""
    with process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)


def postgres_programs() -> Path | None:
    """Where Debian, or PATH, has PostgreSQL's programs."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return Path(found).parent if found else next(iter(folders), None)


@contextmanager
def postgres(folder: Path, programs: Path) -> Iterator[dict[str, str]]:
    """Run a PostgreSQL in a folder of its own; yields the settings that point the application at it."""
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    folder.mkdir()
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)
    identity = {"user": user.pw_uid, "group": user.pw_gid} if user else {}
    port = free_port()
    data = folder / "data"

    command = [str(programs / "initdb"), "-D", str(data), "-U", "opendebates", "-A", "trust", "--no-sync", "--locale=C"]
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **identity}
    subprocess.run([*command, "-E", "UTF8"], check=True, **quiet)  # type: ignore[call-overload]
    options = ("-p", str(port), "-k", "", "-h", "127.0.0.1", "-F")
    server = [str(programs / "postgres"), "-D", str(data), *options]
    process = subprocess.Popen(server, start_new_session=True, **quiet)  # type: ignore[call-overload]
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "NAME": "postgres", "USER": "opendebates"}
    try:
        eventually(lambda: _accepts(port), "PostgreSQL accepts connections")
        yield {f"DATABASE_{name}": value for name, value in settings.items()}
    finally:
        process.send_signal(signal.SIGQUIT)  # its "immediate shutdown": it ends its children, too
        process.wait(PATIENCE)


def _accepts(port: int) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="opendebates", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def killed(process: subprocess.Popen[str]) -> None:
    """Kill a process as a machine that loses power would."""
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
