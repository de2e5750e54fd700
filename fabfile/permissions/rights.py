"""Read the package's data: which calls each task makes, and what IAM asks for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

import yaml

_HERE = files(__package__ or "")


@dataclass(frozen=True)
class Rule:
    """A statement of the policy as `rights.yml` explains it; `page` is AWS's."""

    sid: str
    page: str
    resources: tuple[str, ...]
    actions: tuple[str, ...]
    calls: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    conditions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def wanted(self, calls: frozenset[str], types: frozenset[str]) -> tuple[str, ...]:
        """Return the actions that these calls, and a stack of these resource types, need."""
        if self.calls or self.types:
            return self.actions if self.calls & calls or self.types & types else ()
        return tuple(action for action in self.actions if action in calls)


def rules() -> tuple[Rule, ...]:
    """Return every rule, in the file's order."""
    found = yaml.safe_load(_HERE.joinpath("rights.yml").read_text(encoding="utf-8"))
    return tuple(
        Rule(
            sid=one["sid"],
            page=one["page"],
            resources=tuple(one["resources"]),
            actions=tuple(one["actions"]),
            calls=frozenset(one.get("calls", ())),
            types=frozenset(one.get("types", ())),
            conditions=one.get("conditions", {}),
        )
        for one in found
    )


def recorded_calls() -> Mapping[str, frozenset[str]]:
    """Return the calls that each task was seen to make, as service:Operation."""
    found = json.loads(_HERE.joinpath("calls.json").read_text(encoding="utf-8"))
    return {task: frozenset(calls) for task, calls in found.items()}
