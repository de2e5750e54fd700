"""Find and end every process of a cloud, also of one whose daemon was killed."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from .machine.folder import MARKER as MACHINE_MARKER
from .machine.processes import descendants, end_all, marked, send
from .state import MARKER, CloudFolder

# What a machine and a database get to end by themselves.
GRACE = 3.0


def cloud_processes(folder: CloudFolder) -> set[int]:
    """Return the cloud's processes, without this one: those with its mark, and all that descend from them.

    Descent matters because PostgreSQL's children overwrite their environment.
    """
    ours = str(folder.root)

    def accepts(environment: Mapping[str, str]) -> bool:
        machine = environment.get(MACHINE_MARKER, "")
        return environment.get(MARKER) == ours or machine.startswith(f"{ours}{os.sep}")

    found = marked(accepts)
    for pid in list(found):
        found |= descendants(pid)
    return found - {os.getpid()}


def end_processes(folder: CloudFolder) -> set[int]:
    """End them all, first asking, then not; return what could not be ended."""
    send(cloud_processes(folder), signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while cloud_processes(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    return end_all(lambda: cloud_processes(folder))


def remove_files(folder: CloudFolder) -> None:
    """Remove the cloud's folder and what it keeps elsewhere."""
    try:
        elsewhere = Path((folder.postgres / "elsewhere").read_text())
    except (FileNotFoundError, NotADirectoryError):
        pass
    else:
        shutil.rmtree(elsewhere, ignore_errors=True)
    shutil.rmtree(folder.root, ignore_errors=True)
