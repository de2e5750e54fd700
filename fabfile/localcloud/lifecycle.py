"""Start, look at and end a checkout's cloud.

In: the checkout's `.fab/`. Out: the cloud's endpoint. Never: prints; two commands at the same time start one
cloud.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..config.environment import LocalTimes
from ..errors import Unreachable, UsageError
from .packages import check_packages
from .state import MARKER, CloudFolder, CloudRecord, read_record, replace

START_SECONDS = 60.0
STOP_SECONDS = 30.0
_AGAIN = "Run `fab local_down`, then `fab local_up`"


@dataclass(frozen=True)
class CloudStatus:
    """What is known of a checkout's cloud."""

    state: str  # "up", "starting", "down", or "dead" when its daemon ended without being told to
    folder: str
    endpoint: str = ""
    pid: int = 0
    network: str = ""
    started: str = ""
    versions: dict[str, str] | None = None
    settings: dict[str, float] | None = None
    last_log_line: str = ""


def ensure_running(state: Path, times: LocalTimes | None = None, within: float = START_SECONDS) -> str:
    """Return the endpoint of the cloud whose `.fab/` is `state`; start it if none runs.

    A running cloud keeps the times that it was started with. Raises Unreachable when it does not come up
    within `within` seconds, or when its daemon died: what it knew is lost, and that is not to go unnoticed.
    """
    folder = CloudFolder.of(state)
    record = _live_record(folder)
    if record is None:
        with _alone(folder):
            record = _live_record(folder) or _start(folder, times or LocalTimes(), within)
    return record.endpoint


def status(state: Path) -> CloudStatus:
    """Say whether the cloud is up, without starting it."""
    folder = CloudFolder.of(state)
    record, alive = read_record(folder), _daemon_lives(folder)
    line = _last_log_line(folder)
    if record is None:
        return CloudStatus("starting" if alive else "down", str(folder.root), last_log_line=line)
    return CloudStatus(
        "up" if alive else "dead",
        str(folder.root),
        record.endpoint,
        record.pid,
        record.network,
        record.started,
        dict(record.versions),
        dict(record.settings),
        line,
    )


def down(state: Path, within: float = STOP_SECONDS) -> bool:
    """End the cloud and remove everything that is left of it; return whether there was anything.

    Raises Unreachable when a process can't be ended.
    """
    from .leftovers import cloud_processes, end_processes, remove_files  # noqa: PLC0415

    folder = CloudFolder.of(state)
    with _alone(folder):
        existed = folder.root.exists() or bool(cloud_processes(folder))
        record = read_record(folder)
        if record is not None and _daemon_lives(folder):
            os.kill(record.pid, signal.SIGTERM)
            deadline = time.monotonic() + within
            while _daemon_lives(folder) and time.monotonic() < deadline:
                time.sleep(0.05)
        if left := end_processes(folder):
            pids = ", ".join(str(pid) for pid in sorted(left))
            raise Unreachable("end the embedded cloud", f"processes {pids} can't be killed", "End them first")
        remove_files(folder)
        with contextlib.suppress(OSError):  # other things of ours are in it
            folder.root.parent.rmdir()
    return existed


def _live_record(folder: CloudFolder) -> CloudRecord | None:
    """Return the record of the running cloud, None when none was started; raise Unreachable when its daemon died."""
    record = read_record(folder)
    if record is None or _daemon_lives(folder):
        return record
    ended = datetime.fromtimestamp(folder.log.stat().st_mtime if folder.log.exists() else 0.0, UTC)
    raise Unreachable(
        "reach the embedded cloud",
        f"its daemon (pid {record.pid}) died at {ended:%Y-%m-%dT%H:%M:%SZ} or later; "
        f"last log line: {_last_log_line(folder) or 'none'}",
        "What it knew is lost. Run `fab local_down`, then `fab create_environment`",
    )


def _start(folder: CloudFolder, times: LocalTimes, within: float) -> CloudRecord:
    if sys.platform != "linux":
        raise UsageError("start the embedded cloud", f"this is {sys.platform}", "Use Linux, or an environment on AWS")
    check_packages()
    folder.root.mkdir(mode=0o755, parents=True, exist_ok=True)
    replace(folder.settings, json.dumps(asdict(times)) + "\n")
    deadline = time.monotonic() + within
    if not _daemon_lives(folder):  # one may still be coming up whose starter was interrupted
        _launch(folder, within)
    while time.monotonic() < deadline:
        alive = _daemon_lives(folder)
        if (record := read_record(folder)) is not None and alive:
            return record
        if not alive:
            break
        time.sleep(0.02)
    raise Unreachable(
        "start the embedded cloud",
        f"its daemon did not come up within {within:.0f} s; last log line: {_last_log_line(folder) or 'none'}",
        f"See {folder.log}. {_AGAIN}",
    )


def _launch(folder: CloudFolder, within: float) -> None:
    """Run the daemon's first process, which ends once the lock is held by a process of its own."""
    package = (__package__ or "").split(".")
    parent = Path(__file__).resolve().parents[len(package)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {**inherited, "PYTHONPATH": str(parent), MARKER: str(folder.root)}
    with folder.log.open("ab") as log, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [sys.executable, "-P", "-m", f"{'.'.join(package)}.daemon", str(folder.root)],
            env=environment,
            cwd=folder.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
            timeout=within,
        )


def _daemon_lives(folder: CloudFolder) -> bool:
    """Whether a process holds the daemon's lock, which the kernel takes from a dead one."""
    try:
        lock = os.open(folder.lock, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@contextlib.contextmanager
def _alone(folder: CloudFolder) -> Iterator[None]:
    """Let one command at a time start or end the checkout's cloud.

    The lock is on the checkout's own folder, so that no file of ours is left behind for it.
    """
    lock = os.open(folder.root.parent.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _last_log_line(folder: CloudFolder) -> str:
    try:
        lines = folder.log.read_text(errors="replace").strip().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return lines[-1] if lines else ""
