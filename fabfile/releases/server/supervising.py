"""Start, stop and restart the one program of this server, as `supervisorctl` would, and say how it is then."""

from __future__ import annotations

import time
from typing import Any

from .appenv import redacted
from .document import Document
from .failures import ServerError
from .health import ask
from .layout import Layout, read_json
from .processes import log_tail
from .supervisor_client import Program, Supervisor

ACTIONS = ("status", "start", "stop", "restart")
_LOOK_EVERY = 0.1  # seconds
_AFTER_STOPPING = 10.0  # seconds after which supervisord has killed what did not stop in its time


def supervise(layout: Layout, action: str, name: str) -> dict[str, Any]:
    """Take an action on the program and return {"program", "state", "pid", "detail"}.

    Stopping lets it finish what it does, up to the release's `stop_seconds`. Started, it has passed its health check
    when this returns. Raises ServerError for a program that is not this server's, and with its log's end when it does
    not come up.
    """
    document = layout.wanted()
    if name != document.program:
        raise ServerError(f"{action} {name}", f"this server runs {document.program}")
    with layout.locked():
        if action in {"stop", "restart"}:
            _stop(layout, document)
        if action in {"start", "restart"}:
            _start(layout, document)
        seen = Supervisor(layout).program(name)
    return {"program": name, "state": seen.state, "pid": seen.pid, "detail": seen.description}


def _stop(layout: Layout, document: Document) -> None:
    supervisor, name = Supervisor(layout), document.program
    supervisor.stop(name)
    until = time.monotonic() + document.stop_seconds + _AFTER_STOPPING
    while supervisor.program(name).state in {"STOPPING", "RUNNING", "STARTING"}:
        if time.monotonic() > until:
            raise ServerError(f"stop {name}", "it does not end")
        time.sleep(_LOOK_EVERY)


def _start(layout: Layout, document: Document) -> None:
    supervisor, name = Supervisor(layout), document.program
    until = time.monotonic() + document.gate_timeout
    try:
        supervisor.start(name)
        while reason := _not_ready(layout, document, supervisor.program(name)):
            if time.monotonic() > until:
                raise ServerError(f"start {name}", f"it is not ready after {document.gate_timeout:.0f} s: {reason}")
            time.sleep(_LOOK_EVERY)
    except ServerError as error:
        tail = redacted(layout, layout.linked(layout.current), log_tail(layout, name))
        raise ServerError(error.cannot, f"{error.seen}; the last of its log:\n{tail}") from error


def _not_ready(layout: Layout, document: Document, program: Program) -> str:
    """Return why the program cannot be used yet, "" once it can; a worker has no port to ask at."""
    if program.state != "RUNNING":
        return f"it is {program.state}"
    if document.program == "worker":
        return ""
    address = str(read_json(layout.run / "machine.json").get("address", "127.0.0.1"))
    answer = ask(address, document.port, document.health)
    return "" if answer.healthy else answer.reason
