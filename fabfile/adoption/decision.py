"""Decide what an adoption changes about one group, from what is seen of it. Pure.

The one change is what the group launches from: a version of a launch template by its number. From there on deploys
make versions of their own, and go back to this one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..aws.launch_templates import NewTemplate, Template
from .advice import notes_on, problems_of
from .conversion import Converted, converted
from .model import Change, Expected, Seen, Verdict

ADOPTED_GROUP = "fabscale:adopted-group"
ADOPTED_FROM = "fabscale:adopted-from"
_DIGITS = 16


def decide(seen: Seen, expected: Expected) -> Verdict:
    """Return what adopting a group comes to."""
    notes, problems = notes_on(seen, expected), problems_of(seen, expected)
    source = seen.group.source
    if source.configuration:
        if seen.configuration is None:
            return Verdict(None, notes, problems)
        made = converted(seen.configuration)
        return Verdict(_conversion(seen, made), notes, (*problems, *made.problems))
    if source.numbered or not seen.live:
        return Verdict(None, notes, problems)
    target = f"{source.template}:{seen.live}"
    reason = f"{source.version} is version {seen.live} now, and another one as soon as somebody makes it"
    return Verdict(Change(seen.group.name, str(source), target, reason), notes, problems)


def _conversion(seen: Seen, made: Converted) -> Change:
    source = seen.group.source
    tags = {ADOPTED_GROUP: seen.group.name, ADOPTED_FROM: _origin(source.configuration, made.data)}
    ours = next((each for each in seen.templates if _is_ours(each, tags)), None)
    if ours is not None:
        reason = f"the launch template {ours.name} was made of it before"
        return Change(seen.group.name, str(source), f"{ours.id}:1", reason, left_out=made.left_out)
    taken = {each.name for each in seen.templates}
    name = next(each for each in template_names(seen.group.name) if each not in taken)
    template = NewTemplate(name, f"adopted from {source.configuration}"[:255], made.data, tags)
    reason = f"version 1 of a new launch template {name} makes the same servers"
    return Change(seen.group.name, str(source), "", reason, template, made.left_out)


def template_names(group: str) -> Iterator[str]:
    """Yield the names that a group's launch template may have, the best first.

    "web (old)" → "web-(old)", "web-(old)-2" …: EC2 takes letters, digits and ( ) . / _ - only, 3 to 128 of them.
    """
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "().-/_") else "-" for letter in group)
    name = kept[:120].ljust(3, "-")
    yield name
    yield from (f"{name}-{number}" for number in range(2, 100))


def _is_ours(template: Template, tags: Mapping[str, str]) -> bool:
    return all(template.tags.get(key) == value for key, value in tags.items())


def _origin(configuration: str, data: Mapping[str, Any]) -> str:
    """Return a tag's value that says what a template was made of: another configuration of the name is another one."""
    digest = hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()[:_DIGITS]
    return f"{configuration[:200]} {digest}"
