"""Start processes and learn how they ended, for a process that also inherits orphans."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .console import Console

_LONGEST_LINE = 8192


@dataclass(frozen=True)
class Child:
    """A process of ours; `ended` becomes its exit status, or minus the signal that killed it."""

    pid: int
    ended: asyncio.Future[int]


class Children:
    """Every child of the machine's process: the ones started here, and orphans, who are only reaped.

    Only one place may call wait on behalf of a process that waits for any child, so asyncio's own is not used here.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._running: dict[int, tuple[subprocess.Popen[bytes], asyncio.Future[int]]] = {}
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self.reap)

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        streams: tuple[int, int, int],
        *,
        terminal: bool = False,
    ) -> Child:
        """Start a process in a session of its own; `terminal` makes its standard input its controlling terminal.

        Raises OSError when the program or the folder is not there.
        """
        process = subprocess.Popen(
            arguments,
            env=dict(environment),
            cwd=folder,
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            start_new_session=True,
            # Safe: the machine's process has one thread.
            preexec_fn=_take_terminal if terminal else None,  # noqa: PLW1509
        )
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._running[process.pid] = (process, ended)
        return Child(process.pid, ended)

    def start_on_console(
        self, who: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> Child:
        """Start a process whose output goes to the console line by line, as `who[pid]`, and which has no input."""
        read_end, write_end = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            child = self.start(arguments, environment, folder, (nothing, write_end, write_end))
        except OSError:
            os.close(read_end)
            raise
        finally:
            os.close(nothing)
            os.close(write_end)
        _forward_lines(read_end, lambda line: self._console.say(f"{who}[{child.pid}]", line))
        return child

    def reap(self) -> None:
        """Collect every child that ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._running:
                process, ended = self._running.pop(pid)
                process.returncode = os.waitstatus_to_exitcode(status)
                if not ended.done():
                    ended.set_result(process.returncode)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _forward_lines(read_end: int, tell: Callable[[str], None]) -> None:
    """Pass on every line from a pipe until it ends, which may be long after the process that was started ended."""
    os.set_blocking(read_end, False)
    loop = asyncio.get_running_loop()
    rest = b""

    def read() -> None:
        nonlocal rest
        chunk = os.read(read_end, 65536)
        *lines, rest = (rest + chunk).split(b"\n")
        if rest and (not chunk or len(rest) > _LONGEST_LINE):
            lines.append(rest)
            rest = b""
        if lines:
            tell(b"\n".join(lines).decode(errors="replace"))
        if not chunk:
            loop.remove_reader(read_end)
            os.close(read_end)

    loop.add_reader(read_end, read)
