"""Read the part of systemd's unit files that a deploy needs.

https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_UNDERSTOOD = {
    "Service": {
        *("Type", "ExecStart", "ExecStartPre", "ExecStop", "Environment", "EnvironmentFile", "WorkingDirectory"),
        *("Restart", "RestartSec", "RemainAfterExit", "TimeoutStopSec", "KillSignal", "RestartPreventExitStatus"),
    },
    "Unit": {"Description", "After", "Before", "Wants", "Documentation", "StartLimitBurst", "StartLimitIntervalSec"},
    "Install": {"WantedBy"},
}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|sec|min|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "": 1.0, "min": 60.0, "h": 3600.0}
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


class UnitError(Exception):
    """A unit file that cannot be run, with the reason."""


@dataclass(frozen=True)
class Command:
    """One Exec line; with `may_fail` (a leading "-") its failure counts as success."""

    arguments: tuple[str, ...]
    may_fail: bool = False

    def expanded(self, environment: Mapping[str, str]) -> list[str]:
        """Fill in variables: `${X}` inside a word, `$X` as a word of its own split at spaces, both empty if unset."""
        words: list[str] = []
        for argument in self.arguments:
            match = _VARIABLE.fullmatch(argument)
            if match and match[2]:
                words.extend(environment.get(match[2], "").split())
            else:
                words.append(_VARIABLE.sub(lambda found: environment.get(found[1] or found[2], ""), argument))
        return words


@dataclass(frozen=True)
class Unit:
    """A service; times in seconds, the defaults are systemd's."""

    name: str
    start: Command
    before: tuple[Command, ...] = ()
    stop: tuple[Command, ...] = ()
    oneshot: bool = False
    remain: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    environment_files: tuple[str, ...] = ()
    folder: str = "/"
    restart: str = "no"
    restart_after: float = 0.1
    never_restart: frozenset[int] = frozenset()
    stop_timeout: float = 90.0
    stop_signal: str = "SIGTERM"
    burst: int = 5
    burst_interval: float = 10.0
    ignored: tuple[str, ...] = ()  # directives that mean nothing here

    def restarts(self, status: int) -> bool:
        """Say whether the service is started again after its main process ended so (minus a signal's number)."""
        if status in self.never_restart:
            return False
        clean = status in (0, -1, -2, -13, -15)
        return self.restart in ("always", "on-success" if clean else "on-failure")


Section = dict[str, list[str]]


def parse(name: str, text: str) -> Unit:
    """Read a service unit; raise UnitError saying what is wrong with it."""
    sections = _sections(text)
    service, unit = sections.get("Service", {}), sections.get("Unit", {})
    starts = [_command(line) for line in service.get("ExecStart", [])]
    kind = _last(service, "Type", "simple")
    if len(starts) != 1:
        raise UnitError(f"{len(starts)} ExecStart lines where one is run")
    if kind not in ("simple", "exec", "oneshot"):
        raise UnitError(f"Type={kind} is not known here: use simple, exec or oneshot")
    return Unit(
        name=name,
        start=starts[0],
        before=tuple(_command(line) for line in service.get("ExecStartPre", [])),
        stop=tuple(_command(line) for line in service.get("ExecStop", [])),
        oneshot=kind == "oneshot",
        remain=_last(service, "RemainAfterExit", "no").lower() in ("yes", "true", "on", "1"),
        environment=tuple(pair for line in service.get("Environment", []) for pair in _assignments(line)),
        environment_files=tuple(service.get("EnvironmentFile", [])),
        folder=_last(service, "WorkingDirectory", "/").removeprefix("-"),
        restart=_restart(_last(service, "Restart", "no")),
        restart_after=seconds(_last(service, "RestartSec", "100ms")),
        never_restart=frozenset(int(code) for code in _last(service, "RestartPreventExitStatus", "").split()),
        stop_timeout=seconds(_last(service, "TimeoutStopSec", "90")),
        stop_signal=_last(service, "KillSignal", "SIGTERM"),
        burst=int(_last(unit, "StartLimitBurst", "5")),
        burst_interval=seconds(_last(unit, "StartLimitIntervalSec", "10")),
        ignored=_unknown(sections),
    )


def seconds(text: str) -> float:
    """Read a time span such as `5`, `100ms` or `1min 30s`."""
    if text.strip() == "infinity":
        return float("inf")
    if not re.fullmatch(rf"\s*(?:{_SPAN.pattern}\s*)+", text):
        raise UnitError(f"{text!r} is no time span")
    return sum(float(number) * _SECONDS[unit] for number, unit in _SPAN.findall(text))


def read_environment_file(path: str) -> dict[str, str]:
    """Read an EnvironmentFile; one that is missing is an error unless its name starts with "-"."""
    file = Path(path.removeprefix("-"))
    if path.startswith("-") and not file.exists():
        return {}
    lines = (line.strip() for line in file.read_text().splitlines())
    return dict(pair for line in lines if line and line[0] not in "#;" for pair in _assignments(line))


def _sections(text: str) -> dict[str, Section]:
    sections: dict[str, Section] = {}
    current: Section = {}
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip()  # noqa: PLW2901
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            current = sections.setdefault(line[1:-1], {})
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise UnitError(f"{line!r} is neither a section nor an assignment")
        if value.strip():
            current.setdefault(key.strip(), []).append(value.strip())
        else:
            current[key.strip()] = []  # an empty value clears what earlier lines said
    return sections


def _command(line: str) -> Command:
    program = line.lstrip("-+!:@")
    return Command(
        tuple(word.replace("%%", "%") for word in _words(program)),
        may_fail="-" in line[: len(line) - len(program)],
    )


def _assignments(line: str) -> list[tuple[str, str]]:
    pairs = []
    for word in _words(line):
        name, equals, value = word.partition("=")
        if not equals:
            raise UnitError(f"{word!r} is no NAME=value")
        pairs.append((name, value.replace("%%", "%")))
    return pairs


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UnitError(f"{line!r}: {error}") from error
    if not words:
        raise UnitError("an empty command or assignment")
    return words


def _restart(text: str) -> str:
    if text not in ("no", "always", "on-success", "on-failure"):
        raise UnitError(f"Restart={text} is not known here: use no, always, on-success or on-failure")
    return text


def _last(section: Section, key: str, default: str) -> str:
    return (section.get(key) or [default])[-1]


def _unknown(sections: dict[str, Section]) -> tuple[str, ...]:
    return tuple(
        f"{section}.{key}"
        for section, keys in sections.items()
        for key in keys
        if key not in _UNDERSTOOD.get(section, set())
    )
