"""Read YAML into nodes that know their line and how they were written; refuse what YAML would hide.

Only plain data is read, as `yaml.safe_load` does. Duplicate keys, tabs, unknown tags and anchors that expand
without end are problems here, not surprises later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

LARGEST_FILE = 1_000_000  # characters
MOST_VALUES = 20_000  # after anchors are expanded
DEEPEST = 40
LONGEST_NUMBER = 40  # characters


class Tag(StrEnum):
    """What YAML takes a value for."""

    TEXT = "str"
    WHOLE = "int"
    NUMBER = "float"
    FLAG = "bool"
    NOTHING = "null"
    DATE = "timestamp"
    LIST = "seq"
    MAP = "map"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it stands."""

    line: int
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


Report = Callable[[Problem], None]


@dataclass(frozen=True)
class Node:
    """A value of the file: `written` is the text of a scalar as it stands there."""

    line: int
    tag: Tag
    written: str = ""
    plain: bool = False  # written without quotes
    items: tuple[Node, ...] = ()
    entries: tuple[Entry, ...] = ()

    def entry(self, name: str) -> Node | None:
        """Return the value of a key of a mapping; None when it is not there or holds nothing."""
        found = next((entry.value for entry in self.entries if entry.name == name), None)
        return None if found is None or found.tag is Tag.NOTHING else found

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.entries)


@dataclass(frozen=True)
class Entry:
    """A key of a mapping, with its value."""

    name: str
    line: int
    value: Node


EMPTY = Node(line=1, tag=Tag.MAP)
_READ_AS: Mapping[Tag, type] = {Tag.WHOLE: int, Tag.NUMBER: float, Tag.FLAG: bool}
_CALLED = {Tag.WHOLE: "a whole number", Tag.NUMBER: "a number", Tag.FLAG: "true or false"}


def read(text: str, report: Report) -> Node:
    """Return the file's top mapping; problems go to `report`, and what they spoil is left out."""
    if len(text) > LARGEST_FILE:
        report(Problem(1, "", f"the file has {len(text)} characters, and more than {LARGEST_FILE} are not read"))
        return EMPTY
    try:
        root = _parse(text)
        node = _Conversion(report).convert(root, "", 0) if root is not None else EMPTY
    except (yaml.YAMLError, RecursionError) as error:
        report(_syntax(error, text))
        return EMPTY
    except _TooMuchError as error:
        report(Problem(error.line, "", error.text))
        return EMPTY
    if node.tag is not Tag.MAP:
        report(Problem(node.line, "", f"expected a mapping of settings, got {describe(node)}"))
        return EMPTY
    return node


def _parse(text: str) -> yaml.Node | None:
    # The C parser, where PyYAML has it, is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        root: yaml.Node | None = loader.get_single_node()
        return root
    finally:
        loader.dispose()


def describe(node: Node) -> str:
    """Say what was read, in words for somebody who knows the file but not YAML."""
    if node.tag is Tag.TEXT:
        return f"the text {node.written!r}"
    if node.tag in {Tag.WHOLE, Tag.NUMBER}:
        seen = yaml.safe_load(node.written)
        return f"the number {seen}" + (f" (written {node.written})" if str(seen) != node.written else "")
    if node.tag is Tag.FLAG:
        seen = "true" if yaml.safe_load(node.written) else "false"
        return seen if node.written == seen else f"{seen} (YAML reads {node.written} so)"
    words = {Tag.NOTHING: "nothing", Tag.DATE: f"the date {node.written}", Tag.LIST: "a list", Tag.MAP: "a mapping"}
    return words[node.tag]


class _TooMuchError(Exception):
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


class _Conversion:
    """Turn PyYAML's nodes into ours; counts them, since anchors make few characters expand to millions."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._count = 0

    def convert(self, node: yaml.Node, path: str, depth: int) -> Node:
        line = node.start_mark.line + 1
        self._count += 1
        if self._count > MOST_VALUES:
            raise _TooMuchError(line, f"anchors expand to more than {MOST_VALUES} values. Write the values out")
        if depth > DEEPEST:
            raise _TooMuchError(line, f"values are nested more than {DEEPEST} deep. An anchor may contain itself")
        if isinstance(node, SequenceNode):
            items = (self.convert(item, f"{path}[{at}]", depth + 1) for at, item in enumerate(node.value))
            return Node(line, self._tag(node, path), items=tuple(items))
        if isinstance(node, MappingNode):
            return Node(line, self._tag(node, path), entries=tuple(self._entries(node, path, depth)))
        assert isinstance(node, ScalarNode)
        return Node(line, self._scalar_tag(node, path), written=node.value, plain=node.style is None)

    def _scalar_tag(self, node: ScalarNode, path: str) -> Tag:
        """Refuse what YAML takes for a number or a flag, by its look or by an explicit tag, and then cannot read."""
        tag = self._tag(node, path)
        kind = _READ_AS.get(tag)
        if kind is None or _is_read_as(kind, node.value):
            return tag
        shown = node.value if len(node.value) <= LONGEST_NUMBER else f"{node.value[:LONGEST_NUMBER]}…"
        self._report(Problem(node.start_mark.line + 1, path, f"{shown!r} cannot be read as {_CALLED[tag]}"))
        return Tag.NOTHING

    def _tag(self, node: yaml.Node, path: str) -> Tag:
        name = node.tag.removeprefix("tag:yaml.org,2002:")
        if name in set(Tag):
            return Tag(name)
        if name in {"merge", "value"}:
            return Tag.TEXT
        self._report(Problem(node.start_mark.line + 1, path, f"the tag {node.tag} is not read; only plain data is"))
        return Tag.NOTHING

    def _entries(self, node: MappingNode, path: str, depth: int) -> Iterator[Entry]:
        first: dict[str, int] = {}
        merged: list[Entry] = []
        own: list[Entry] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag.endswith(":merge"):
                merged += self._merged(value, path, depth)
                continue
            name = self._name(key, path)
            inner = f"{path}.{name}" if path else name
            if name in first:
                self._report(Problem(line, inner, f"given twice, first in line {first[name]}"))
                continue
            first[name] = line
            own.append(Entry(name, line, self.convert(value, inner, depth + 1)))
        yield from own
        for entry in merged:
            if entry.name not in first:
                first[entry.name] = entry.line
                yield entry

    def _merged(self, value: yaml.Node, path: str, depth: int) -> list[Entry]:
        sources = value.value if isinstance(value, SequenceNode) else [value]
        found: list[Entry] = []
        for source in sources:
            if isinstance(source, MappingNode):
                found += self.convert(source, path, depth + 1).entries
            else:
                self._report(Problem(source.start_mark.line + 1, path, "<< expected a mapping to merge"))
        return found

    def _name(self, key: yaml.Node, path: str) -> str:
        line = key.start_mark.line + 1
        if not isinstance(key, ScalarNode):
            self._report(Problem(line, path, "expected text as a key, got a list or a mapping"))
            return "?"
        if self._tag(key, path) is not Tag.TEXT:
            seen = describe(Node(line, self._tag(key, path), key.value))
            self._report(Problem(line, path, f'expected text as a key, got {seen}; write "{key.value}" in quotes'))
        return str(key.value)


def _is_read_as(kind: type, written: str) -> bool:
    try:
        return len(written) <= LONGEST_NUMBER and isinstance(yaml.safe_load(written), kind)
    except (ValueError, yaml.YAMLError):
        return False


def _syntax(error: Exception, text: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        return Problem(1, "", f"a character that YAML does not allow: {error.reason}")
    if not isinstance(error, yaml.MarkedYAMLError):
        return Problem(1, "", f"values are nested more than {DEEPEST} deep")
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    if "\t" in written[: len(written) - len(written.lstrip())]:
        return Problem(line, "", "a tab in the indentation; YAML indents with spaces")
    said = ", ".join(part for part in (error.context, error.problem) if part)
    return Problem(line, "", f"not valid YAML: {said}")
