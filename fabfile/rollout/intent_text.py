"""Write an intent as JSON text, and read it back, for ledgers.

Fields that a text lacks get their defaults, so that an intent written by an older release is understood. One that
has more than is known was written by a newer release and is refused: going on without it could lose its undo data.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from .model import Asked, Failure, Intent, Launch, Move, Order, Phase, Retirement
from .trial import Sample, Trial
from .wish import Taken, Wish

_ENTRIES: Mapping[str, type] = {
    "launches": Launch,
    "retiring": Retirement,
    "moves": Move,
    "asked": Asked,
    "failures": Failure,
}
_PAIRS = frozenset({"serving_since", "coming", "ailing"})
_WORDS: Mapping[str, Callable[[str], object]] = {"order": Order, "phase": Phase}


def intent_to_text(intent: Intent) -> str:
    """Return the intent as one line of JSON."""
    plain = asdict(intent)
    if intent.suspended_before is not None:
        plain["suspended_before"] = sorted(intent.suspended_before)
    return json.dumps(plain, separators=(",", ":"), sort_keys=True)


def intent_from_text(text: str) -> Intent:
    """Return the intent that a text was made from; raises `ValueError` for a text that is none."""
    plain = json.loads(text)
    if not isinstance(plain, dict):
        raise ValueError(f"an intent is a JSON object, not {type(plain).__name__}")
    unknown = sorted(plain.keys() - {each.name for each in fields(Intent)})
    if unknown:
        raise ValueError(f"the intent has fields of a newer release: {', '.join(unknown)}")
    return Intent(**{name: _value(name, value) for name, value in plain.items()})


def _value(name: str, value: object) -> Any:
    """Turn JSON's lists and objects into tuples, sets and entries again."""
    if name in _WORDS and isinstance(value, str):
        return _WORDS[name](value)
    if isinstance(value, dict):
        return _OBJECTS[name](value)
    if not isinstance(value, list):
        return value
    return frozenset(value) if name == "suspended_before" else tuple(_items(name, value))


def _items(name: str, values: list[Any]) -> Iterator[object]:
    for value in values:
        if name in _PAIRS:
            yield tuple(value)
        else:
            yield _entry(_ENTRIES[name], value) if name in _ENTRIES else value


def _trial(plain: Mapping[str, Any]) -> Trial:
    samples = {name: Sample(**value) for name, value in plain.items() if isinstance(value, dict)}
    return Trial(**{**plain, **samples, "canaries": tuple(plain["canaries"])})


def _taken(plain: Mapping[str, Any]) -> Taken:
    return Taken(**{**plain, "wish": Wish(**plain["wish"])})


_OBJECTS: Mapping[str, Callable[[Mapping[str, Any]], object]] = {"trial": _trial, "taken": _taken}


def _entry(kind: type, item: Mapping[str, object]) -> object:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in item.items()})
