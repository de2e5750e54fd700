"""A kind for what a user names and gives several settings each: a mapping from names to sections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .kinds import Section, Text, mismatch
from .naming import closest
from .nodes import Node, Problem, Report, Tag


@dataclass(frozen=True)
class Entries:
    """A mapping from names of the user's own to settings; read as plain mappings, with what was left out left out."""

    name: Text
    of: Section

    @property
    def expected(self) -> str:
        return "a mapping from names to settings"

    def read(self, node: Node, path: str, report: Report) -> Mapping[str, Mapping[str, object]] | None:
        if node.tag is not Tag.MAP:
            report(mismatch(self, node, path))
            return None
        found = {}
        for entry in node.entries:
            place = f"{path}.{entry.name}"
            if self.name.read(Node(entry.line, Tag.TEXT, entry.name), place, report) is not None:
                found[entry.name] = self._settings(entry.value, place, report)
        return found

    def _settings(self, node: Node, path: str, report: Report) -> Mapping[str, object]:
        if node.tag is not Tag.MAP:
            report(mismatch(self.of, node, path))
            return {}
        values: dict[str, object] = {}
        for entry in node.entries:
            setting = self.of.setting(entry.name)
            place = f"{path}.{entry.name}"
            if setting is None:
                best = closest(entry.name, self.of.names) or ", ".join(self.of.names)
                report(Problem(entry.line, place, f"unknown key; did you mean {best!r}?"))
            elif entry.value.tag is not Tag.NOTHING:
                assert not isinstance(setting.kind, Section)
                values[entry.name] = setting.kind.read(entry.value, place, report)
        return values
