"""The contract of a transport: run a command, or put a file, on many hosts at once."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
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

    @property
    def ok(self) -> bool:
        return self.exit == 0 and not self.error


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


def command_line(argv: Sequence[str]) -> str:
    """Return the shell's command line for an argument list."""
    return shlex.join(argv)


def putting(path: str) -> tuple[str, ...]:
    """Return the command that writes its standard input to `path`, atomically."""
    script = 'mkdir -p "$(dirname "$1")" && cat > "$1.part.$$" && mv -f "$1.part.$$" "$1"'
    return ("sh", "-c", script, "sh", path)
