"""What a deployer may ask of a running server, each answered with a JSON object; all may be repeated."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import document as documents
from .appenv import redacted
from .calls import Services
from .document import Document
from .failures import ServerError
from .install import Installer, prune, switch
from .layout import Layout
from .metadata import Metadata
from .migrations import state
from .processes import log_tail, running_release
from .s3 import digest
from .supervisor_client import Program, Supervisor

_LOOK_EVERY = 0.1  # seconds


def _installer(layout: Layout, region: str) -> Installer:
    return Installer(layout, Services.from_environ(region, Metadata.from_environ()))


def load(source: str) -> dict[str, Any]:
    """Read a JSON object from a file, from standard input ("-"), or from the argument itself."""
    text = (
        source if source.lstrip().startswith("{") else sys.stdin.read() if source == "-" else Path(source).read_text()
    )
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ServerError("read the request", "it is no JSON object")
    return found


def install(layout: Layout, request: dict[str, Any]) -> dict[str, Any]:
    """Put the release of a server.json on this server, beside the running one."""
    document = documents.parse(request)
    with layout.locked():
        _installer(layout, document.region).install(document)
        prune(layout, document.keep)
    return status(layout, document.release)


def add_static(layout: Layout, request: dict[str, Any]) -> dict[str, Any]:
    """Add the static archives of {"static": [{"key", "sha256"}, …]} to what this server serves."""
    wanted = layout.wanted()
    archives = documents.parse({**wanted.raw, "static": request["static"]}).static
    with layout.locked():
        added = _installer(layout, wanted.region).add_static(wanted.bucket, archives)
    return {"static": [archive.sha256 for archive in archives], "added": added}


def stop_worker(layout: Layout, limit: float) -> dict[str, Any]:
    """Ask the worker to end after its running job and wait up to `limit` seconds for that; 0 does not wait."""
    Supervisor(layout).stop("worker")
    until = time.monotonic() + limit
    while _state(layout, "worker").state == "STOPPING" and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)
    return status(layout, "")


def start(layout: Layout, name: str, release: str) -> dict[str, Any]:
    """Switch to an installed release and see to it that the program runs it; raises ServerError with the log's end."""
    with layout.locked():
        document = layout.record(release)
        switch(layout, document)
        program = _state(layout, name)
        if program.pid and running_release(layout, name, program.pid) != release:
            _wait_for_end(layout, document, name)
        try:
            Supervisor(layout).start(name)
        except ServerError as error:
            tail = redacted(layout, release, log_tail(layout, name))
            raise ServerError(error.cannot, f"{error.seen}; the last of its log:\n{tail}") from error
    return status(layout, release)


def _wait_for_end(layout: Layout, document: Document, name: str) -> None:
    Supervisor(layout).stop(name)
    until = time.monotonic() + document.stop_seconds + 10
    while _state(layout, name).state in {"STOPPING", "RUNNING"}:
        if time.monotonic() > until:
            raise ServerError(f"restart {name}", "it does not end")
        time.sleep(_LOOK_EVERY)


def status(layout: Layout, release: str) -> dict[str, Any]:
    """Return what is here and what runs; `phase` is the program's with respect to `release` (default: the current)."""
    current = layout.linked(layout.current)
    name = layout.wanted().program
    program = _state(layout, name)
    runs = running_release(layout, name, program.pid) if program.pid else ""
    installed = layout.installed()
    return {
        "release": current,
        "previous": layout.linked(layout.previous),
        "installed": list(installed),
        "phase": phase(program, runs, release or current, installed),
        "programs": {
            name: {"state": program.state, "pid": program.pid, "release": runs, "detail": program.description}
        },
        "migrations": {found: state(layout, found) for found in {*installed, *([release] if release else [])}},
        "versions": {"python": platform.python_version(), "program": _version(layout)},
    }


def phase(program: Program, runs: str, release: str, installed: Iterable[str]) -> str:
    """Return how far a worker is with a release: running, old (has a job of another to finish), installed, stopped."""
    if program.state in {"RUNNING", "STARTING"} and runs == release:
        return "running"
    if program.pid:
        return "old"
    return "installed" if release in installed else "stopped"


def _state(layout: Layout, name: str) -> Program:
    try:
        return Supervisor(layout).program(name)
    except ServerError as error:
        return Program("UNKNOWN", 0, error.seen)


def _version(layout: Layout) -> str:
    return digest(layout.program)[:12] if layout.program.is_file() else ""
