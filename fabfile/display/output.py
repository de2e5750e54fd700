"""Write results to standard output and everything else to standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from ..errors import UsageError

if TYPE_CHECKING:
    from rich.status import Status

HEARTBEAT_SECONDS = 15.0
_FORESEEABLE_SECONDS = 86400.0  # a time of day says when, up to a day ahead


class LiveLine(Protocol):
    """A line at the bottom of a terminal that changes in place."""

    def show(self, text: str) -> None: ...

    def clear(self) -> None: ...


class RichLine:
    """The live line of a terminal, drawn by rich once something is shown."""

    def __init__(self, stream: TextIO, colour: bool) -> None:
        self._stream = stream
        self._colour = colour
        self._status: Status | None = None

    def show(self, text: str) -> None:
        from rich.console import Console  # noqa: PLC0415  (slow to import, and unused without a terminal)
        from rich.markup import escape  # noqa: PLC0415

        if self._status is None:
            console = Console(file=self._stream, no_color=not self._colour)
            self._status = console.status(escape(text))
            self._status.start()
        else:
            self._status.update(escape(text))

    def clear(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


@dataclass(frozen=True)
class Streams:
    """Where text goes, and what the other end is; `live` is None where lines cannot change in place."""

    out: TextIO
    err: TextIO
    colour: bool = False
    live: LiveLine | None = None


def standard_streams() -> Streams:
    """Return this process's streams; live on a terminal, coloured unless NO_COLOR is set (https://no-color.org)."""
    out, err = _stream(sys.stdout), _stream(sys.stderr)
    terminal = err.isatty() and os.environ.get("TERM") != "dumb"
    colour = terminal and not os.environ.get("NO_COLOR")
    live = RichLine(err, colour) if terminal else None
    return Streams(out, err, colour, live)


@cache
def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _stream(stream: TextIO | None) -> TextIO:
    """Return the stream; one that was closed before we were started (`>&-`) is None in Python."""
    return _nowhere() if stream is None else stream


class Output:
    """Everything that a task says: results to standard output, progress and errors to standard error.

    `now` gives seconds since the epoch.
    """

    def __init__(self, streams: Streams, now: Callable[[], float]) -> None:
        self._streams = streams
        self._now = now
        self._last_said = float("-inf")

    @property
    def live(self) -> bool:
        """Whether progress is drawn in place on a terminal."""
        return self._streams.live is not None

    def result(self, text: str) -> None:
        """Write a task's result to standard output."""
        self.clear()
        self._write(self._streams.out, text)

    def json(self, value: object) -> None:
        """Write a result as JSON; dataclasses become objects, enums their values."""
        self.result(json.dumps(value, indent=2, default=_plain))

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table to standard output, as wide as its content where nobody looks."""
        from .tables import render  # noqa: PLC0415  (rich is slow to import)

        self.result(render(headings, rows, terminal=self._streams.out.isatty(), colour=self._streams.colour))

    def passed_on(self, text: str, *, error: bool = False) -> None:
        """Write a line that a server wrote, to the stream that it was written to there."""
        self.clear()
        self._write(self._streams.err if error else self._streams.out, text)

    def summary(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table to standard error: how something ended whose result is on standard output."""
        from .tables import render  # noqa: PLC0415  (rich is slow to import)

        self.error(render(headings, rows, terminal=self._streams.err.isatty(), colour=self._streams.colour))

    def progress(self, text: str) -> None:
        """Say what happened just now; with the time where lines stay."""
        self._say(text)

    def warning(self, text: str) -> None:
        """Say what the user should know though nothing failed."""
        self._say(f"warning: {text}")

    def error(self, text: str) -> None:
        """Say why the command failed, as it is: no time before it, so that it can be searched for."""
        self.clear()
        self._write(self._streams.err, text)

    def waiting(self, what: str, since: float, until: float | None = None) -> None:
        """Say what is waited for; call it at every look, it decides when to speak.

        On a terminal the live line changes; elsewhere a line is written every 15 s.
        """
        now = self._now()
        text = f"waiting for {what}: {now - since:.0f} s since {_clock_time(since)}"
        if until is not None and until - now < _FORESEEABLE_SECONDS:
            text += f", until {_clock_time(until)} at the latest"
        if self._streams.live is not None:
            self._streams.live.show(text)
        elif now - self._last_said >= HEARTBEAT_SECONDS:
            self._say(text)

    def clear(self) -> None:
        """Take the live line away."""
        if self._streams.live is not None:
            self._streams.live.clear()

    def _say(self, text: str) -> None:
        now = self._now()
        self._last_said = now
        if self._streams.live is None:
            text = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ} {text}"
        self.clear()
        self._write(self._streams.err, text)

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text + "\n")
            stream.flush()
        except BrokenPipeError:
            # Whoever read has seen enough (`| head -1`). What was begun goes on, and its exit code says how it ended.
            _silence(stream)
        except OSError as error:
            _silence(stream)
            if stream is self._streams.out:
                said = (error.strerror or str(error)).lower()
                raise UsageError("write the result", said, "Send the output where it can be written") from None
            # Progress that nobody can keep (a full disk under a log) is no reason to stop half-way.


def _silence(stream: TextIO) -> None:
    """Let a stream that cannot be written lead nowhere: Python would complain again when it flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _clock_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%SZ}"


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError(f"{type(value).__name__} has no JSON form")
