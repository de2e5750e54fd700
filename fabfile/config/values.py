"""Look a setting up for one place: the environment's own settings first, then the file's, then the default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .kinds import Section, Setting
from .nodes import EMPTY, Node, Problem, Tag, read
from .schema import SCHEMA
from .scopes import Place


@dataclass(frozen=True)
class Values:
    """The settings that hold in one place; the file is valid, so that reading them finds no problem."""

    root: Node
    place: Place

    def get(self, path: str) -> Any:
        """Return the value at a path of the schema (`rollout.batch`); None when it has none and no default."""
        setting = setting_at(path)
        node = self.node(path)
        if node is None:
            node = read(f"value: {setting.default}", _refuse).entry("value")
            node = self.place.narrow(node, setting)
        assert not isinstance(setting.kind, Section)
        return None if node is None else setting.kind.read(node, path, _refuse)

    def text(self, path: str, default: str = "") -> str:
        """Return a text, or `default` when the file and the schema have none."""
        value = self.get(path)
        return default if value is None else str(value)

    def mapping(self, path: str) -> Mapping[str, str]:
        return dict(self.get(path) or {})

    def listing(self, path: str) -> tuple[str, ...]:
        return tuple(self.get(path) or ())

    def for_role(self, role: str) -> Values:
        return replace(self, place=replace(self.place, role=role))

    def line(self, path: str) -> int:
        """Return the line where the value stands; 1 when it is not in the file."""
        node = self.node(path)
        return 1 if node is None else node.line

    def node(self, path: str) -> Node | None:
        """Return the value's node in the file."""
        found = (self._within(base, path) for base in self._bases())
        return next((node for node in found if node is not None), None)

    def _bases(self) -> Iterator[Node]:
        environments = self.root.entry("environments")
        if environments is not None and environments.tag is Tag.MAP:
            yield environments.entry(self.place.environment) or EMPTY
        yield self.root

    def _within(self, base: Node, path: str) -> Node | None:
        section, node = SCHEMA, base
        for name in path.split("."):
            setting = section.setting(name)
            inner = node.entry(name)
            if setting is None or (inner := self.place.narrow(inner, setting)) is None:
                return None
            node = inner
            section = setting.kind if isinstance(setting.kind, Section) else section
        return node


def setting_at(path: str) -> Setting:
    """Return the schema's entry for a path; raises KeyError for one that it does not have."""
    section = SCHEMA
    *outer, last = path.split(".")
    for name in outer:
        found = section.setting(name)
        if found is None or not isinstance(found.kind, Section):
            raise KeyError(path)
        section = found.kind
    setting = section.setting(last)
    if setting is None:
        raise KeyError(path)
    return setting


def _refuse(problem: Problem) -> None:
    raise AssertionError(f"validation let this through: {problem}")
