"""Who is told of deploys: what the file may say of markers, and what is wrong in one as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from .entries import Entries
from .environment import Marker
from .kinds import Anything, Choice, Command, Flag, Listing, Mapped, Number, Section, Setting, Text
from .naming import closest
from .nodes import Problem

EVENTS = ("start", "success", "failure")
# What a marker is told; a web hook's texts name it so: {commit}. Commands find it as FABSCALE_COMMIT.
FACTS = ("deployment", "environment", "task", "deploy_id", "commit", "launch_config", "status", "reason")
TIMEOUT = 10.0  # seconds
# Alternatives of one pattern: a variable of the deployer's ({name} after a dollar sign) goes before a fact.
PLACEHOLDER = re.compile(r"\$\{(?P<variable>[A-Za-z_]\w*)\}|(?<!\$)\{(?P<fact>\w+)\}")
_LOOPBACK = r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])"
_URL = Text(
    "an https:// address, or a variable that has it (${NAME})",
    rf"https://[^\s/]\S*|http://{_LOOPBACK}(?:[:/]\S*)?|\$\{{[A-Za-z_]\w*\}}",
)
_NAME = Text("a name of letters, digits and dashes", r"[A-Za-z][A-Za-z0-9-]*")

MARKER = Section(
    (
        Setting("at", Listing(Choice(EVENTS), single=True), "When: start, success, failure; always if left out."),
        Setting("command", Command(), "What runs where the deploy runs, with FABSCALE_COMMIT and so on around it."),
        Setting("url", _URL, "What gets a POST of JSON."),
        Setting("headers", Mapped(Text()), "Headers of the POST; ${NAME} is the deployer's environment variable."),
        Setting("body", Anything(), "What is sent in place of all facts; {commit} and so on are filled in."),
        Setting("timeout", Number(0.1, "s", 300), "Seconds that it may take; 10 if left out."),
        Setting("required", Flag(), "A start that fails stops the deploy, a success that fails its exit code."),
    )
)
MARKERS = Entries(_NAME, MARKER)


class _Values(Protocol):
    def get(self, path: str) -> Any: ...

    def line(self, path: str) -> int: ...


def markers(values: _Values) -> tuple[Marker, ...]:
    """Return an environment's markers in the file's order."""
    return tuple(_marker(name, given) for name, given in (values.get("markers") or {}).items())


def _marker(name: str, given: Mapping[str, Any]) -> Marker:
    return Marker(
        name=name,
        at=given.get("at") or EVENTS,
        command=given.get("command") or (),
        url=given.get("url") or "",
        headers=given.get("headers") or {},
        body=given.get("body"),
        timeout=float(given.get("timeout") or TIMEOUT),
        required=bool(given.get("required")),
    )


def problems(found: tuple[Marker, ...], values: _Values, environment: str) -> Iterator[Problem]:
    """Yield what several settings of one marker get wrong together."""
    for marker in found:
        for text in _wrong(marker):
            yield Problem(values.line("markers"), f"markers.{marker.name} ({environment})", text)


def _wrong(marker: Marker) -> Iterator[str]:
    if bool(marker.command) == bool(marker.url):
        yield f"expected command or url, got {'both' if marker.url else 'neither'}"
    if marker.command and (marker.headers or marker.body is not None):
        yield "expected headers and body with url only, got them with command"
    if marker.required and set(marker.at) == {"failure"}:
        yield "expected required at start or success, got it at failure, where the deploy has failed already"
    for text in (marker.url, *marker.headers.values(), *texts_of(marker.body)):
        for fact in (each["fact"] for each in PLACEHOLDER.finditer(text)):
            if fact and fact not in FACTS:
                near = closest(fact, FACTS)
                yield f"expected one of {{{'}, {'.join(FACTS)}}}, got {{{fact}}}" + (
                    f"; did you mean {{{near}}}?" if near else ""
                )


def texts_of(value: object) -> Iterator[str]:
    """Yield every text in plain data, but for the names of mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)
