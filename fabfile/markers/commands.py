"""A marker that is a command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from ..config.environment import Marker
from .failure import MarkerError
from .occasion import Occasion

_SHOWN = 200  # characters of a command's last line


def run_command(marker: Marker, occasion: Occasion, folder: Path, environ: Mapping[str, str]) -> None:
    """Run it in a folder, in a process group of its own that is killed when the time is up.

    Facts are in its environment, never among its arguments. Raises `MarkerError` with the last line of what it said.
    """
    told = {f"FABSCALE_{name.upper()}": value for name, value in occasion.facts.items()}
    # A file, not a pipe: what the command leaves running may hold a pipe open for ever.
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                marker.command,
                cwd=folder,
                env={**environ, **told},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise MarkerError(f"{marker.command[0]} cannot be run: {error.strerror}", setup=True) from error
        code = _code_of(process, marker.timeout)
        if code:
            raise MarkerError(f"it ended with exit code {code}{_last_line(said)}")


def _code_of(process: subprocess.Popen[bytes], timeout: float) -> int:
    """Wait for the end, and end the whole group where it does not come, or where we are interrupted."""
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise MarkerError(f"it had not ended after {timeout:g} s, and was killed") from None
    except BaseException:
        _kill(process)
        raise


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(said: IO[bytes]) -> str:
    said.seek(0, os.SEEK_END)
    said.seek(max(said.tell() - 4096, 0))
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1].strip()[:_SHOWN]}" if lines else ""
