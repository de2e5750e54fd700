"""Find and end processes by descent and by a mark in their environment, from Linux's /proc.

A process group does not hold a machine together: gunicorn's workers outlive a killed master, and whoever calls setsid
leaves the group. Descent does, because a machine is the child subreaper (prctl(2)) of all that it starts; the mark
finds what a machine leaves behind that was itself killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent dies."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def parents() -> dict[int, int]:
    """Map every process that lives (zombies don't) to its parent."""
    found: dict[int, int] = {}
    for pid in _pids():
        with contextlib.suppress(OSError):
            # The command, in parentheses, may hold spaces and parentheses of its own: read after the last one.
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX":
                found[pid] = int(fields[1])
    return found


def descendants(ancestor: int) -> set[int]:
    """Return the processes below one, without itself."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    todo = [ancestor]
    while todo:
        below = children.get(todo.pop(), [])
        found.update(below)
        todo.extend(below)
    return found


def marked(accepts: Callable[[Mapping[str, str]], bool]) -> set[int]:
    """Return our user's processes whose environment at their start is accepted, without this one."""
    found: set[int] = set()
    for pid in parents().keys() - {os.getpid()}:
        with contextlib.suppress(OSError):
            content = os.fsdecode(Path(f"/proc/{pid}/environ").read_bytes())
            pairs = (variable.partition("=") for variable in content.split("\0"))
            if accepts({name: value for name, _, value in pairs}):
                found.add(pid)
    return found


def send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_all(find: Callable[[], set[int]], within: float = 10.0) -> set[int]:
    """Kill what is found, again and again, until nothing is found; return what is left after `within` seconds."""
    deadline = time.monotonic() + within
    while left := find():
        send(left, signal.SIGKILL)
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return left


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
