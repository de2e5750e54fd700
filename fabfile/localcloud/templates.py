"""Read a CloudFormation template: what depends on what, what properties resolve to, what an update would change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from moto.cloudformation.parsing import ResourceMap, clean_json

SUBSTITUTED = re.compile(r"\$\{([^!][^}]*)\}")
UNKNOWN = "(known after the change)"


def references(node: Any) -> Iterator[str]:
    """Names that a piece of a template refers to: resources, parameters, pseudo parameters."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "Ref" and isinstance(value, str):
                yield value
            elif key == "Fn::GetAtt" and isinstance(value, list) and value:
                yield str(value[0])
            elif key == "DependsOn":
                yield from [value] if isinstance(value, str) else value
            elif key == "Fn::Sub":
                yield from _substituted(value)
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def _substituted(value: Any) -> Iterator[str]:
    text, names = (value[0], value[1]) if isinstance(value, list) else (value, {})
    yield from references(names)
    for name in SUBSTITUTED.findall(str(text)):
        if name not in names:
            yield name.partition(".")[0]


def order(resources: Mapping[str, Any]) -> list[str]:
    """The resources so that each comes after what it refers to."""
    graph = {
        name: [other for other in references(body) if other in resources and other != name]
        for name, body in resources.items()
    }
    return list(TopologicalSorter(graph).static_order())


@dataclass
class Pinned(Mapping[str, Any]):
    """A stack's resources as its templates see them: attributes are those of each resource's own last change.

    CloudFormation doesn't read an attribute again because somebody else changed the resource. `attributes` keeps them,
    and `unknown` names resources whose attributes a plan can't tell.
    """

    resources: ResourceMap
    attributes: dict[tuple[str, str], Any] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    @property
    def lazy_condition_map(self) -> Any:
        """The template's conditions, evaluated."""
        return self.resources.lazy_condition_map

    @property
    def cross_stack_resources(self) -> Any:
        """Other stacks' exports."""
        return self.resources.cross_stack_resources

    def __getitem__(self, name: str) -> Any:
        parsed = self.resources._parsed_resources
        if name in self.resources._resource_json_map:
            return PinnedResource(name, parsed.get(name), self)
        return parsed.get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.resources._parsed_resources)

    def __len__(self) -> int:
        return len(self.resources._parsed_resources)

    def forget(self, name: str) -> None:
        """Let a resource's attributes be read again: it was changed."""
        for key in [key for key in self.attributes if key[0] == name]:
            del self.attributes[key]

    def resolve(self, body: Mapping[str, Any]) -> Any:
        """What a resource's properties come to."""
        view: Any = self  # moto only looks names up in it
        return clean_json(joined_attributes(body.get("Properties") or {}), view)


@dataclass(frozen=True)
class PinnedResource:
    """One resource, its attributes read once."""

    name: str
    resource: Any
    owner: Pinned

    @property
    def physical_resource_id(self) -> Any:
        """What `Ref` gives."""
        return UNKNOWN if self.resource is None else physical_id(self.resource)

    def get_cfn_attribute(self, attribute: str) -> Any:
        """What `GetAtt` gives."""
        if self.resource is None or self.name in self.owner.unknown:
            return UNKNOWN
        key = (self.name, attribute)
        if key not in self.owner.attributes:
            self.owner.attributes[key] = self.resource.get_cfn_attribute(attribute)
        return self.owner.attributes[key]


def physical_id(resource: Any) -> str:
    """A resource's physical id; moto's database subnet groups know theirs as their name only."""
    found = getattr(resource, "physical_resource_id", None) or getattr(resource, "name", None)
    return str(found or resource.logical_resource_id)


def joined_attributes(node: Any) -> Any:
    """Write GetAtt of an attribute with dots as two parts: the YAML reader splits it into more."""
    if isinstance(node, Mapping):
        return {
            key: [value[0], ".".join(value[1:])]
            if key == "Fn::GetAtt" and isinstance(value, list) and len(value) > 2
            else joined_attributes(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [joined_attributes(value) for value in node]
    return node


@dataclass(frozen=True)
class Plan:
    """What a change of a stack's template or parameters would do."""

    added: tuple[str, ...]
    modified: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.added or self.modified or self.removed)


def enabled(body: Mapping[str, Any], resources: Any) -> bool:
    """Whether a resource's condition holds."""
    condition = body.get("Condition")
    return not condition or bool(resources.lazy_condition_map[condition])
