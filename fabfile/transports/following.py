"""Follow a command on many hosts at once: what each says comes to one listener, as it comes."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from .contract import KEPT_LINES, OVERTIME, Line, Result, Said

_QUIET_SECONDS = 1.0
_LOOK_EVERY = 0.2  # seconds
_UNREAD = 10_000  # lines that wait for the listener; more than that, and hosts wait

Tell = Callable[[Line], None]
Following = Callable[[str, Tell, threading.Event], Result]


def follow_all(hosts: Sequence[str], at_once: int, follow: Following) -> Generator[Said, None, None]:
    """Follow every host in a thread, at most `at_once` at a time, and yield what they say.

    `follow` is to end soon after its event is set, which happens when the iterator is closed.
    """
    said: queue.Queue[Line | Result | BaseException] = queue.Queue(_UNREAD)
    unheard = threading.Event()

    def tell(each: Line | Result | BaseException) -> None:
        while not unheard.is_set():
            try:
                return said.put(each, timeout=_QUIET_SECONDS)
            except queue.Full:
                continue

    def ended(future: Future[Result]) -> None:
        if not future.cancelled():
            tell(future.exception() or future.result())

    pool = ThreadPoolExecutor(max_workers=max(1, at_once))
    try:
        for host in hosts:
            pool.submit(follow, host, tell, unheard).add_done_callback(ended)
        yield from _until_all_ended(said, len(hosts))
    finally:
        unheard.set()
        pool.shutdown(cancel_futures=True)


def _until_all_ended(said: queue.Queue[Line | Result | BaseException], hosts: int) -> Generator[Said, None, None]:
    while hosts:
        try:
            each = said.get(timeout=_QUIET_SECONDS)
        except queue.Empty:
            yield None
            continue
        if isinstance(each, BaseException):
            raise each
        hosts -= isinstance(each, Result)
        yield each


class Talk:
    """One command over one SSH channel, told line by line, with its input kept open."""

    def __init__(self, host: str, channel: Any, timeout: float, tell: Tell, unheard: threading.Event) -> None:
        self._host = host
        self._channel = channel
        self._timeout = timeout
        self._tell = tell
        self._unheard = unheard
        self._ended = threading.Event()
        self._why = ""

    def follow(self, line: str, given: bytes) -> Result:
        """Run the command line to its end, to the time limit, or until nobody listens."""
        began = time.monotonic()
        out: deque[str] = deque(maxlen=KEPT_LINES)
        err: deque[str] = deque(maxlen=KEPT_LINES)
        watching = threading.Thread(target=self._watch, args=(began + self._timeout,))
        errors = threading.Thread(target=self._read, args=(self._channel.makefile_stderr("rb"), err, True))
        try:
            self._channel.exec_command(line)
            watching.start()
            errors.start()
            self._send(given)
            self._read(self._channel.makefile("rb"), out, False)
            errors.join()
            code = self._channel.recv_exit_status()
        finally:
            self._ended.set()
        watching.join()
        overtime = self._why and not self._unheard.is_set()
        why = self._why or ("the connection was lost" if code < 0 else "")
        seconds = time.monotonic() - began
        return Result(
            self._host, OVERTIME if overtime else -1 if why else code, _text(out), _text(err), why, round(seconds, 1)
        )

    def _watch(self, until: float) -> None:
        """Close the channel, and the command's input with it, when it is not to go on."""
        while not self._ended.wait(_LOOK_EVERY):
            if self._unheard.is_set() or time.monotonic() > until:
                self._why = (
                    "nobody listens any more"
                    if self._unheard.is_set()
                    else f"it had not ended after {self._timeout:.0f} s"
                )
                give_up(self._channel)
                return

    def _send(self, given: bytes) -> None:
        try:
            self._channel.sendall(given)
        except OSError:
            return  # the command ended without reading its input; its exit code tells

    def _read(self, output: Any, kept: deque[str], error: bool) -> None:
        for raw in output:
            text = raw.decode("utf-8", "replace").rstrip("\r\n")
            kept.append(text)
            self._tell(Line(self._host, text, error))


def give_up(channel: Any) -> None:
    """Close a channel, and the input of what runs behind it; its connection may have gone meanwhile."""
    with suppress(OSError, EOFError):
        channel.close()


def _text(lines: deque[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
