"""Write an intent as JSON text, and read it back, for ledgers.

Fields that a text lacks get their defaults, so that an intent written by an older release is understood. One that
has more than is known was written by a newer release and is refused: going on without it could lose its undo data.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from .model import Asked, Failure, Intent, Launch, Move, Order, Phase, Retirement
from .trial import Sample, Trial

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
    """Turn JSON's lists into tuples, sets and entries again."""
    if name in _WORDS and isinstance(value, str):
        return _WORDS[name](value)
    if not isinstance(value, list):
        return _trial(value) if isinstance(value, dict) else value
    if name == "suspended_before":
        return frozenset(value)
    if name in _PAIRS:
        return tuple((item, since) for item, since in value)
    if name in _ENTRIES:
        return tuple(_entry(_ENTRIES[name], item) for item in value)
    return tuple(value)


def _trial(plain: Mapping[str, Any]) -> Trial:
    samples = {name: Sample(**value) for name, value in plain.items() if isinstance(value, dict)}
    return Trial(**{**plain, **samples, "canaries": tuple(plain["canaries"])})


def _entry(kind: type, item: Mapping[str, object]) -> object:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in item.items()})
