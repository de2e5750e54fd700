"""List every key of the schema, for the commented reference file and whatever else is made of the schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .kinds import Section, Setting
from .schema import SCHEMA


@dataclass(frozen=True)
class Described:
    """A key with its path, e.g. `rollout.batch`."""

    path: str
    setting: Setting


def described(section: Section = SCHEMA, outer: str = "") -> Iterator[Described]:
    """Yield every key, a section before what it holds."""
    for setting in section.settings:
        path = f"{outer}{setting.name}"
        yield Described(path, setting)
        if isinstance(setting.kind, Section):
            yield from described(setting.kind, f"{path}.")
