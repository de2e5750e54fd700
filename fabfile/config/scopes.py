"""A value may be given for all, or per deployment, environment and role, nested in any order.

    app_port: 8000
    app_port: {staging: 8000, default: 8001}
    instance_types: {production: {web: c5.large, worker: m5.large}}

A mapping is such a choice when all of its keys are names of deployments, environments or roles, or `default`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .entries import Entries
from .kinds import Anything, Either, Mapped, Section, Setting
from .naming import closest
from .nodes import Node, Problem, Report, Tag

DEFAULT = "default"


@dataclass(frozen=True)
class Scopes:
    """The names by which values can be told apart."""

    deployments: tuple[str, ...]
    environments: tuple[str, ...]
    roles: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.deployments, *self.environments, *self.roles, DEFAULT)

    def chooses(self, node: Node, setting: Setting) -> bool:
        """Whether the node tells values apart instead of being the value itself."""
        if not setting.scoped or node.tag is not Tag.MAP or not node.entries:
            return False
        own = setting.kind.names if isinstance(setting.kind, Section) else ()
        return all(name in self.names and name not in own for name in node.names)

    def leaves(self, node: Node, setting: Setting, path: str, report: Report) -> Iterator[tuple[Node, str]]:
        """Yield every value that the node holds, with its path; misspelt names go to `report`."""
        if self.chooses(node, setting):
            for entry in node.entries:
                yield from self.leaves(entry.value, setting, f"{path}.{entry.name}", report)
        elif self._meant_to_choose(node, setting):
            for entry in node.entries:
                inner = f"{path}.{entry.name}"
                if entry.name in self.names:
                    yield from self.leaves(entry.value, setting, inner, report)
                else:
                    report(self._unknown(entry.name, entry.line, inner))
        else:
            yield node, path

    def _meant_to_choose(self, node: Node, setting: Setting) -> bool:
        takes_mappings = isinstance(setting.kind, Section | Mapped | Entries | Either | Anything)
        return setting.scoped and node.tag is Tag.MAP and not takes_mappings and bool(node.entries)

    def _unknown(self, name: str, line: int, path: str) -> Problem:
        best = closest(name, self.names)
        meant = f"; did you mean {best!r}?" if best else f"; known are {', '.join(self.names)}"
        return Problem(line, path, f"expected a deployment, an environment or a role, got {name!r}{meant}")


@dataclass(frozen=True)
class Place:
    """What a value is looked up for."""

    scopes: Scopes
    deployment: str
    environment: str
    role: str = ""

    def narrow(self, node: Node | None, setting: Setting) -> Node | None:
        """Return the value that holds here; None when there is none."""
        if node is None or node.tag is Tag.NOTHING:
            return None
        if not self.scopes.chooses(node, setting):
            return node
        fits = (self.deployment, self.environment, self.role, DEFAULT)
        found = (self.narrow(node.entry(name), setting) for name in fits if name)
        return next((value for value in found if value is not None), None)
