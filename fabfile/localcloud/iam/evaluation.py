"""Evaluate identity policies as IAM does: an explicit deny wins, what nothing allows is denied.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Need:
    """One right that a call needs, on one resource ("*" where the action has none), in its context."""

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)


def allowed(need: Need, policies: Iterable[Document]) -> bool:
    """Tell whether the policies together allow what is needed."""
    effects = {
        statement["Effect"] for policy in policies for statement in _statements(policy) if _hits(statement, need)
    }
    return "Allow" in effects and "Deny" not in effects


def _statements(policy: Document) -> list[Document]:
    return _listed(policy["Statement"])


def _hits(statement: Document, need: Need) -> bool:
    named = any(_like(pattern.lower(), need.action.lower()) for pattern in _listed(statement.get("Action", [])))
    on = any(_like(pattern, need.resource) for pattern in _listed(statement.get("Resource", [])))
    return named and on and _met(statement.get("Condition", {}), need.context)


def _met(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Tell whether every key of every operator holds; a key that the call does not have never does."""
    return all(
        key in context and any(_OPERATORS[operator](str(wanted), context[key]) for wanted in _listed(values))
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _like(pattern: str, value: str) -> bool:
    parts = re.split(r"([*?])", pattern)
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts), value) is not None


def _same(wanted: str, value: str) -> bool:
    return wanted == value


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": _like,
    "ArnLike": _like,
    "StringEquals": _same,
    "StringLike": _like,
}
