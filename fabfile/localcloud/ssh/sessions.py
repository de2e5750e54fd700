"""Run what a client asks for inside the machine, and carry bytes between the two.

The bytes are pumped here, and the exit status is sent only once both outputs have ended, as sshd does: asyncssh's own
redirection now and then loses an exit status.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
from typing import IO

import asyncssh

from ..machine.folder import Folder
from .control import connect, receive, send

_CHUNK = 65536


class Sessions:
    """Commands and shells in one machine."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """Serve one session to its end; it ends without a status when the machine dies under it."""
        work = asyncio.create_task(self._work(process))
        gone = asyncio.create_task(process.wait_closed())
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        work.cancel()  # closes our ends: a terminal's command is hung up, another one gets SIGPIPE
        with contextlib.suppress(asyncio.CancelledError, OSError, asyncssh.Error):
            status = await work
            if status < 0:
                process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
            else:
                process.exit(status)
        process.close()

    async def _work(self, process: asyncssh.SSHServerProcess[bytes]) -> int:
        terminal = process.get_terminal_type()
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            if terminal is None:
                streams, feed, outputs = _pipes(ours, theirs)
            else:
                streams, feed, outputs = _terminal(ours, theirs)
                _resize(feed, process.get_terminal_size())
            machine = ours.enter_context(connect(self._folder))
            request = {
                "do": "run",
                "command": process.command,
                "terminal": terminal is not None,
                "environment": {} if terminal is None else {"TERM": terminal},
            }
            await send(machine, request, streams)
            theirs.close()  # only the command holds its ends now
            feeding = asyncio.create_task(_feed(process, feed, terminal is not None))
            try:
                writers = (process.stdout, process.stderr)
                pumps = [_pump(output, writer) for output, writer in zip(outputs, writers, strict=False)]
                answer, *_ = await asyncio.gather(receive(machine), *pumps)
            finally:
                feeding.cancel()
            return int(answer["status"])


def _pipes(
    ours: contextlib.ExitStack, theirs: contextlib.ExitStack
) -> tuple[tuple[int, int, int], IO[bytes], list[IO[bytes]]]:
    pairs = [os.pipe() for _ in range(3)]
    (input_read, input_write), (out_read, out_write), (err_read, err_write) = pairs
    streams = (input_read, out_write, err_write)
    for descriptor in streams:
        theirs.callback(os.close, descriptor)
    feed = ours.enter_context(os.fdopen(input_write, "wb", 0))
    return streams, feed, [ours.enter_context(os.fdopen(end, "rb", 0)) for end in (out_read, err_read)]


def _terminal(
    ours: contextlib.ExitStack, theirs: contextlib.ExitStack
) -> tuple[tuple[int, int, int], IO[bytes], list[IO[bytes]]]:
    master, slave = os.openpty()
    theirs.callback(os.close, slave)
    feed = ours.enter_context(os.fdopen(os.dup(master), "wb", 0))
    return (slave, slave, slave), feed, [ours.enter_context(os.fdopen(master, "rb", 0))]


def _resize(terminal: IO[bytes], size: tuple[int, int, int, int]) -> None:
    columns, rows, width, height = size
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, width, height))


async def _pump(output: IO[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
    """Carry a command's output to the client until its last holder closes it."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), output
    )
    try:
        with contextlib.suppress(OSError):  # a terminal whose last holder is gone reads EIO
            while chunk := await reader.read(_CHUNK):
                writer.write(chunk)
                await writer.drain()
    finally:
        transport.close()


async def _feed(process: asyncssh.SSHServerProcess[bytes], feed: IO[bytes], terminal: bool) -> None:
    """Carry the client's input to the command; the command may end without reading it."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, feed)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    try:
        with contextlib.suppress(OSError, asyncssh.Error):
            while True:
                try:
                    chunk = await process.stdin.read(_CHUNK)
                except asyncssh.TerminalSizeChanged as change:
                    _resize(feed, change.term_size)
                    continue
                except (asyncssh.BreakReceived, asyncssh.SignalReceived):
                    continue
                if not chunk:
                    break
                writer.write(chunk)
                await writer.drain()
            if terminal:
                writer.write(b"\x04")  # the end of a terminal's input is a character
                await asyncio.Event().wait()
    finally:
        transport.close()
