"""A small systemctl: the verbs, and which units start at boot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .children import Children
from .console import Console
from .folder import Folder
from .service import Service
from .units import UnitError, parse

_NOT_RUNNING, _NO_SUCH_UNIT, _USAGE = 3, 4, 1
_WANTS = "multi-user.target.wants"


@dataclass(frozen=True)
class Answer:
    """What systemctl prints, and its exit status."""

    code: int = 0
    out: str = ""
    err: str = ""


class UnknownUnitError(Exception):
    """There is no unit file of that name."""


class Units:
    """All units of a machine."""

    def __init__(self, folder: Folder, children: Children, console: Console, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._children = children
        self._console = console
        self._environment = environment
        self._services: dict[str, Service] = {}

    async def boot(self) -> None:
        """Start every enabled unit."""
        names = sorted(link.name for link in (self._folder.units / _WANTS).glob("*.service"))
        await asyncio.gather(*(self._start(name) for name in names))

    async def shut_down(self) -> None:
        """Stop every unit."""
        await asyncio.gather(*(service.stop() for service in self._services.values()))

    async def call(self, arguments: Sequence[str]) -> Answer:
        """Answer `systemctl …`; an unknown verb or option is an error that says so."""
        options = [word for word in arguments if word.startswith("-")]
        verb, *names = [word for word in arguments if not word.startswith("-")] or ["list-units"]
        unknown = set(options) - {"--now", "--quiet", "-q", "--no-pager", "--no-block", "--full", "-l"}
        if unknown:
            return Answer(_USAGE, err=f"systemctl: this machine's systemctl has no {', '.join(sorted(unknown))}\n")
        if verb in ("daemon-reload", "reset-failed"):
            return Answer()
        if verb not in _VERBS or not names:
            return Answer(_USAGE, err=f"usage: systemctl daemon-reload | {' | '.join(_VERBS)} UNIT…\n")
        answers = []
        for name in names:
            full = name if "." in name else f"{name}.service"
            try:
                answers.append(await self._verb(verb, full, now="--now" in options))
            except UnknownUnitError:
                answers.append(Answer(_NO_SUCH_UNIT, err=f"Unit {full} could not be found.\n"))
        quiet = bool({"-q", "--quiet"} & set(options))
        return Answer(
            max(answer.code for answer in answers),
            "" if quiet else "".join(answer.out for answer in answers),
            "".join(answer.err for answer in answers),
        )

    async def _verb(self, verb: str, name: str, *, now: bool) -> Answer:
        if not (self._folder.units / name).is_file():
            if verb == "is-active":
                return Answer(_NOT_RUNNING, "inactive\n")
            raise UnknownUnitError(name)
        if verb in ("enable", "disable"):
            return await self._enable(name, verb == "enable", now=now)
        if verb in ("stop", "restart"):
            answer = await self._stop(name)
        if verb in ("start", "restart"):
            answer = await self._start(name)
        if verb == "is-enabled":
            enabled = (self._folder.units / _WANTS / name).is_symlink()
            answer = Answer(0 if enabled else 1, "enabled\n" if enabled else "disabled\n")
        if verb == "is-active":
            state = self._state(name)
            answer = Answer(0 if state == "active" else _NOT_RUNNING, f"{state}\n")
        return self._status(name) if verb == "status" else answer

    async def _enable(self, name: str, wanted: bool, *, now: bool) -> Answer:
        link = self._folder.units / _WANTS / name
        if wanted:
            link.parent.mkdir(exist_ok=True)
            with contextlib.suppress(FileExistsError):
                link.symlink_to(f"../{name}")
            return await self._start(name) if now else Answer()
        link.unlink(missing_ok=True)
        return await self._stop(name) if now else Answer()

    async def _start(self, name: str) -> Answer:
        service = self._services.get(name)
        if service is None or service.state in ("inactive", "failed"):
            try:
                unit = parse(name, (self._folder.units / name).read_text())
            except (OSError, ValueError, UnitError) as error:
                self._console.say("systemd", f"{name}: {error}")
                return Answer(1, err=f"Unit {name} has a bad unit file setting: {error}\n")
            if unit.ignored:
                self._console.say("systemd", f"{name}: ignored here: {', '.join(unit.ignored)}")
            service = Service(unit, self._children, self._console, self._environment)
            self._services[name] = service
        if await service.start():
            return Answer()
        return Answer(1, err=f"Job for {name} failed. See the console.\n")

    async def _stop(self, name: str) -> Answer:
        if service := self._services.get(name):
            await service.stop()
        return Answer()

    def _state(self, name: str) -> str:
        service = self._services.get(name)
        return service.state if service else "inactive"

    def _status(self, name: str) -> Answer:
        service = self._services.get(name)
        state = self._state(name)
        lines = [f"● {name}", f"     Active: {state}"]
        if service:
            lines.append(f"     Result: {service.result}, last status {service.status}")
            lines.append(f"   Main PID: {service.pid}")
            lines.append(f"   Restarts: {service.restarts}")
        return Answer(0 if state == "active" else _NOT_RUNNING, "\n".join(lines) + "\n")


_VERBS = ("enable", "disable", "start", "stop", "restart", "is-active", "is-enabled", "status")
