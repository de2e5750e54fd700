"""Run one of the application's own commands (Django's `manage.py …`) beside it, for whoever asked, until both end."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import IO, Any

from .appenv import environment, filled
from .failures import ServerError
from .layout import Layout

OVERTIME = 124  # as timeout(1) has it
NOT_BEGUN = 125
_LOOK_EVERY = 0.1  # seconds
_KILLED_AFTER = 10.0  # seconds after it was asked to end


def manage(layout: Layout, asked: IO[bytes]) -> int:
    """Run {"manage": […], "arguments": […], "seconds": …}, the first line of `asked`, and return its exit code.

    The command has the live release's folder, environment and secrets; both its outputs are the caller's, its input is
    empty. It ends with its caller, of whom nothing is left when `asked` ends.
    """
    try:
        request = json.loads(asked.readline())
        process = _start(layout, request)
    except (ServerError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"fabscale: {error}\n")
        return NOT_BEGUN
    code = _until_ended(process, asked, float(request["seconds"]))
    return 128 - code if code < 0 else code  # -15, by SIGTERM, is 143 as in a shell


def _start(layout: Layout, request: dict[str, Any]) -> subprocess.Popen[bytes]:
    release = layout.linked(layout.current)
    if not release:
        raise ServerError("run a command", "no release is installed on this server")
    document = layout.record(release)
    words = [*filled(layout, document, request["manage"]), *map(str, request["arguments"])]
    return subprocess.Popen(
        words,
        cwd=layout.release(release),
        env=environment(layout, document),
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # so that all that it starts can be ended with it
    )


def _until_ended(process: subprocess.Popen[bytes], asked: IO[bytes], seconds: float) -> int:
    until = time.monotonic() + seconds
    while (code := process.poll()) is None:
        if time.monotonic() > until:
            _end(process)
            return OVERTIME
        if _is_over(asked):
            return _end(process)
        time.sleep(_LOOK_EVERY)
    return code


def _is_over(asked: IO[bytes]) -> bool:
    readable, _, _ = select.select([asked.fileno()], [], [], 0)
    return bool(readable) and not os.read(asked.fileno(), 65536)


def _end(process: subprocess.Popen[bytes]) -> int:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        return process.wait(_KILLED_AFTER)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()
