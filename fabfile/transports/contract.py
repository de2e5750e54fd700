"""The contract of a transport: run a command, or put a file, on many hosts at once."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Result:
    """What one host answered; `error` says why it could not be reached, and then `exit` is -1."""

    host: str
    exit: int
    out: str = ""
    err: str = ""
    error: str = ""
    seconds: float = 0.0  # that a command which was followed took

    @property
    def ok(self) -> bool:
        return self.exit == 0 and not self.error

    @property
    def reached(self) -> bool:
        """Whether the command ended, by itself or for taking too long: exit code 124, as timeout(1) has it."""
        return self.exit >= 0


@dataclass(frozen=True)
class Line:
    """A line that a command wrote on a host, without its end; `error` if it went to standard error."""

    host: str
    text: str
    error: bool = False


Said = Line | Result | None  # None: nothing was said for a second
OVERTIME = 124
KEPT_LINES = 10_000  # of each output of a command that is followed, the last ones


class Transport(Protocol):
    """Something that reaches hosts.

    Promises: results come in the order of the hosts, one each, and one host's failure is its result and no
    exception; arguments arrive as they were given, whatever characters are in them; input is not seen in the
    host's process list; no call lasts much longer than `timeout` seconds.
    """

    def run(
        self,
        hosts: Sequence[str],
        argv: Sequence[str],
        *,
        input: bytes | None = None,  # noqa: A002  (what it is called everywhere)
        timeout: float = 60.0,
    ) -> list[Result]:
        """Run one command on every host."""
        ...

    def put(self, hosts: Sequence[str], content: bytes, path: str, *, timeout: float = 60.0) -> list[Result]:
        """Put a file on every host, making its folder; readers see the old or the new, never a part."""
        ...


class Follower(Protocol):
    """Something that reaches hosts and tells what commands write while they run.

    Promises: what a `Transport` promises of arguments, failures and input; at most `at_once` hosts run the command at
    a time; a host's lines come in order, then its result. A command's standard input stays open until it has ended or
    nobody listens any more (the iterator was closed, the time is over, the connection is lost), so that a command that
    watches it ends with its caller.
    """

    def follow(
        self,
        hosts: Sequence[str],
        argv: Sequence[str],
        *,
        input: bytes = b"",  # noqa: A002  (what it is called everywhere)
        timeout: float = 600.0,
        at_once: int = 10,
    ) -> Generator[Said, None, None]:
        """Run one command on every host and yield what they say as it comes; `timeout` is for each host."""
        ...


def command_line(argv: Sequence[str]) -> str:
    """Return the shell's command line for an argument list."""
    return shlex.join(argv)


def putting(path: str) -> tuple[str, ...]:
    """Return the command that writes its standard input to `path`, atomically."""
    script = 'mkdir -p "$(dirname "$1")" && cat > "$1.part.$$" && mv -f "$1.part.$$" "$1"'
    return ("sh", "-c", script, "sh", path)
