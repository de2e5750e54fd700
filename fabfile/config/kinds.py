"""The kinds of values that settings have: each reads a node or reports what it expected."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import yaml

from .naming import closest
from .nodes import Node, Problem, Report, Tag, describe

NONE = "none"  # YAML reads it as a text, unlike null and ~
_PLAIN_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")


class Kind(Protocol):
    """A kind of value.

    `expected` completes the sentence "expected …". `read` returns the value, or reports and returns None.
    """

    @property
    def expected(self) -> str: ...

    def read(self, node: Node, path: str, report: Report) -> object: ...


@dataclass(frozen=True)
class Text:
    """Text; `pattern` must match all of it."""

    expected: str = "text"
    pattern: str = ""

    def read(self, node: Node, path: str, report: Report) -> str | None:
        if node.tag is not Tag.TEXT:
            hint = f'; write "{node.written}" in quotes' if node.written else ""
            report(mismatch(self, node, path, hint))
            return None
        if self.pattern and not re.fullmatch(self.pattern, node.written):
            report(mismatch(self, node, path))
            return None
        return node.written


@dataclass(frozen=True)
class Whole:
    """A whole number within limits."""

    least: int = 0
    most: int | None = None

    @property
    def expected(self) -> str:
        if self.most is None:
            return f"a whole number of {self.least} or more"
        return f"a whole number from {self.least} to {self.most}"

    def read(self, node: Node, path: str, report: Report) -> int | None:
        # YAML 1.1 reads 010 as 8 and 1:30 as 90: nobody means that.
        if node.tag is not Tag.WHOLE or not _PLAIN_WHOLE.match(node.written):
            digits = node.written.lstrip("0")
            hint = f"; write {digits}" if digits.isdigit() else ""
            report(mismatch(self, node, path, hint))
            return None
        number = int(node.written)
        if number < self.least or (self.most is not None and number > self.most):
            report(mismatch(self, node, path))
            return None
        return number


@dataclass(frozen=True)
class Number:
    """A number, whole or not, from `least` to `most`."""

    least: float = 0.0
    unit: str = ""
    most: float = float("inf")

    @property
    def expected(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.most < float("inf"):
            return f"a number from {self.least:g} to {self.most:g}{unit}"
        return f"a number of {self.least:g}{unit} or more"

    def read(self, node: Node, path: str, report: Report) -> float | None:
        plain = node.tag is Tag.NUMBER or (node.tag is Tag.WHOLE and _PLAIN_WHOLE.match(node.written))
        if not plain or ":" in node.written:
            report(mismatch(self, node, path))
            return None
        number = float(yaml.safe_load(node.written))
        # Written so that "not a number" fails it too.
        if not self.least <= number <= self.most or number == float("inf"):
            report(mismatch(self, node, path))
            return None
        return number


@dataclass(frozen=True)
class Flag:
    """True or false."""

    expected: str = "true or false"

    def read(self, node: Node, path: str, report: Report) -> bool | None:
        if node.tag is not Tag.FLAG:
            report(mismatch(self, node, path))
            return None
        return bool(yaml.safe_load(node.written))


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        return " or ".join(self.words)

    def read(self, node: Node, path: str, report: Report) -> str | None:
        if node.tag is not Tag.TEXT or node.written not in self.words:
            best = closest(node.written, self.words)
            report(mismatch(self, node, path, f"; did you mean {best!r}?" if best else ""))
            return None
        return node.written


@dataclass(frozen=True)
class Share:
    """A number of servers from `least`, or a share of them in per cent."""

    expected: str = "a number of servers (2) or a share of them (25%)"
    least: int = 1

    def read(self, node: Node, path: str, report: Report) -> str | None:
        if node.tag is Tag.WHOLE and node.written == "0" and self.least == 0:
            return node.written
        if node.tag in {Tag.TEXT, Tag.WHOLE} and re.fullmatch(r"[1-9][0-9]*|[1-9][0-9]?%|100%", node.written):
            return node.written
        report(mismatch(self, node, path))
        return None


@dataclass(frozen=True)
class Command:
    """A command as an argument list, or as one line that is split as a shell would, but never run by one."""

    expected: str = "a command as a list of arguments or as one line"

    def read(self, node: Node, path: str, report: Report) -> tuple[str, ...] | None:
        if node.tag is Tag.LIST:
            return Listing(Text()).read(node, path, report)
        if node.tag is Tag.TEXT and node.written.strip():
            try:
                return tuple(shlex.split(node.written))
            except ValueError as error:
                report(Problem(node.line, path, f"expected {self.expected}, got a line with {str(error).lower()}"))
                return None
        report(mismatch(self, node, path))
        return None


@dataclass(frozen=True)
class OrNone:
    """A value of one kind, or the word `none` for who has no such thing; it is read as `nothing`."""

    of: Kind
    nothing: object = ()

    @property
    def expected(self) -> str:
        return f"{self.of.expected}, or none"

    def read(self, node: Node, path: str, report: Report) -> object:
        if node.tag is Tag.TEXT and node.written == NONE:
            return self.nothing
        if node.tag is Tag.FLAG or (node.tag is Tag.TEXT and not node.written.strip()):
            report(mismatch(self, node, path, f"; write {NONE} if there is none"))
            return None
        return self.of.read(node, path, report)


@dataclass(frozen=True)
class Listing:
    """A list; a single value stands for a list of one where `single` says so."""

    of: Kind
    single: bool = False

    @property
    def expected(self) -> str:
        return f"a list of {self.of.expected}"

    def read(self, node: Node, path: str, report: Report) -> tuple[str, ...] | None:
        if self.single and node.tag is Tag.TEXT:
            return (str(self.of.read(node, path, report)),)
        if node.tag is not Tag.LIST:
            report(mismatch(self, node, path))
            return None
        values = [self.of.read(item, f"{path}[{at}]", report) for at, item in enumerate(node.items)]
        return tuple(str(value) for value in values if value is not None)


@dataclass(frozen=True)
class Mapped:
    """A mapping from names of the user's own to values of one kind; `names` says what the names have to be."""

    of: Kind
    names: Text = Text()

    @property
    def expected(self) -> str:
        return f"a mapping from names to {self.of.expected}"

    def read(self, node: Node, path: str, report: Report) -> Mapping[str, object] | None:
        if node.tag is not Tag.MAP:
            report(mismatch(self, node, path))
            return None
        for entry in node.entries:
            if self.names.pattern and not re.fullmatch(self.names.pattern, entry.name):
                report(Problem(entry.line, path, f"expected {self.names.expected}, got {entry.name!r}"))
        return {entry.name: self.of.read(entry.value, f"{path}.{entry.name}", report) for entry in node.entries}


@dataclass(frozen=True)
class Either:
    """The first kind that takes the value; a mapping is for the one that takes mappings."""

    mapping: Mapped
    listing: Listing

    @property
    def expected(self) -> str:
        return f"{self.listing.expected} or {self.mapping.expected}"

    def read(self, node: Node, path: str, report: Report) -> object:
        if node.tag is Tag.MAP:
            return self.mapping.read(node, path, report)
        if node.tag is Tag.LIST:
            return self.listing.read(node, path, report)
        report(mismatch(self, node, path))
        return None


@dataclass(frozen=True)
class Anything:
    """Whatever is there, as plain data."""

    expected: str = "anything"

    def read(self, node: Node, path: str, report: Report) -> object:
        if node.tag is Tag.LIST:
            return [self.read(item, path, report) for item in node.items]
        if node.tag is Tag.MAP:
            return {entry.name: self.read(entry.value, path, report) for entry in node.entries}
        return node.written if node.tag is Tag.TEXT else yaml.safe_load(node.written)


@dataclass(frozen=True)
class Setting:
    """One key of the file: the single source of its check, its comment in the reference and its default.

    `default` is as it would be written in YAML; "" where there is none or it follows from other settings, which
    `about` then says. A setting with `ignored` is FabulAWS's and has no meaning any more, for that reason.
    """

    name: str
    kind: Kind | Section
    about: str
    default: str = ""
    ignored: str = ""
    scoped: bool = True  # may be given per deployment, environment and role


@dataclass(frozen=True)
class Section:
    """A mapping of known keys."""

    settings: tuple[Setting, ...] = field(default=())

    @property
    def expected(self) -> str:
        return "a mapping of settings"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(setting.name for setting in self.settings)

    def setting(self, name: str) -> Setting | None:
        return next((setting for setting in self.settings if setting.name == name), None)


def mismatch(kind: Kind | Section, node: Node, path: str, hint: str = "") -> Problem:
    """Return the problem that a node is not of a kind."""
    return Problem(node.line, path, f"expected {kind.expected}, got {describe(node)}{hint}")
