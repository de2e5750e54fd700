"""Run one unit: start it, start it again as its Restart= says, and stop all that belongs to it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from .children import Child, Children
from .console import Console
from .folder import MARKER
from .processes import descendants, marked, parents, send
from .units import Command, Unit, UnitError, read_environment_file

UNIT_MARKER = "FABSCALE_UNIT"
_NOT_STARTED = 203  # systemd's EXIT_EXEC


class Service:
    """The state of one unit, in systemd's words: inactive, activating, active, deactivating or failed."""

    def __init__(self, unit: Unit, children: Children, console: Console, environment: Mapping[str, str]) -> None:
        self.unit = unit
        self.state = "inactive"
        self.result = "success"
        self.restarts = 0
        self.pid = 0
        self.status = 0
        self._children = children
        self._console = console
        self._environment = {**environment, UNIT_MARKER: unit.name}
        self._task: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()

    async def start(self) -> bool:
        """Start it unless it runs; return whether it came up (for a oneshot: succeeded)."""
        if self._task is None or self._task.done():
            self._settled.clear()
            self.restarts = 0
            self.state, self.result = "activating", "success"
            self._task = asyncio.create_task(self._run())
        await self._settled.wait()
        return self.state in ("active", "activating") or (self.unit.oneshot and self.result == "success")

    async def stop(self) -> None:
        """Stop it and every process that it ever started; a failed unit stays failed."""
        running = self._task is not None and not self._task.done()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if running:
            self._say("stopping")
            self.state = "deactivating"
            for command in self.unit.stop:
                await self._finish(command)
        await self._end_family()
        if running or self.state != "failed":
            self.state = "inactive"
            self.pid = 0
        self._settled.set()

    async def _run(self) -> None:
        starts: deque[float] = deque(maxlen=max(self.unit.burst, 1))
        clock = asyncio.get_running_loop().time
        while True:
            if len(starts) == starts.maxlen and clock() - starts[0] < self.unit.burst_interval:
                self._fail("start-limit-hit", "start request repeated too quickly")
                return
            starts.append(clock())
            self.status = await self._once()
            if self.state == "active" and self.unit.oneshot:
                return
            await self._end_family()
            if not self.unit.restarts(self.status):
                break
            self.state = "activating"
            self._settled.set()
            self.restarts += 1
            self._say(
                f"main process ended with {describe(self.status)}; started again in {self.unit.restart_after:g} s"
            )
            await asyncio.sleep(self.unit.restart_after)
        if self.status == 0 or (self.status == -signal.SIGTERM and not self.unit.oneshot):
            self.state = "inactive"
            self._say("finished")
            self._settled.set()
        else:
            self._fail("exit-code" if self.status > 0 else "signal", f"failed: {describe(self.status)}")

    async def _once(self) -> int:
        for command in self.unit.before:
            status = await self._finish(command)
            if status != 0 and not command.may_fail:
                return status
        child = self._spawn(self.unit.start)
        if child is None:
            return _NOT_STARTED
        self.pid = child.pid
        self._say(f"started, main process {child.pid}")
        if not self.unit.oneshot:
            self.state = "active"
            self._settled.set()
        status = await child.ended
        self.pid = 0
        if self.unit.start.may_fail:
            status = 0
        if self.unit.oneshot and status == 0 and self.unit.remain:
            self.state = "active"
            self._settled.set()
        return status

    async def _finish(self, command: Command) -> int:
        child = self._spawn(command)
        return _NOT_STARTED if child is None else await child.ended

    def _spawn(self, command: Command) -> Child | None:
        unit = self.unit
        try:
            environment = {**self._environment, **dict(unit.environment)}
            for path in unit.environment_files:
                environment.update(read_environment_file(path))
            arguments = command.expanded(environment)
            return self._children.start_on_console(unit.name, arguments, environment, Path(unit.folder))
        except (OSError, UnitError) as error:
            self._say(f"cannot start: {error}")
            return None

    async def _end_family(self) -> None:
        """Signal what is left of the unit, wait as long as it says, then kill: its processes, not its group."""
        if not (family := self._family()):
            return
        send(family, signal.Signals[self.unit.stop_signal])
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.unit.stop_timeout
        while family := self._family():
            if clock() > deadline:
                send(family, signal.SIGKILL)
            await asyncio.sleep(0.02)

    def _family(self) -> set[int]:
        """Processes below the main one, and any that carries the unit's name: also one that was re-parented."""
        marks = {name: self._environment[name] for name in (MARKER, UNIT_MARKER)}
        ours = marked(lambda environment: marks.items() <= environment.items())
        if self.pid:
            ours |= descendants(self.pid) | ({self.pid} & parents().keys())
        return ours

    def _fail(self, result: str, text: str) -> None:
        self.state, self.result = "failed", result
        self._say(text)
        self._settled.set()

    def _say(self, text: str) -> None:
        self._console.say("systemd", f"{self.unit.name}: {text}")


def describe(status: int) -> str:
    """Say how a process ended."""
    return f"status {status}" if status >= 0 else signal.Signals(-status).name
