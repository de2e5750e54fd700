"""Kinds of values that say when something is to happen: cron lines, time zones, moments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from .kinds import mismatch
from .nodes import Node, Report, Tag

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Minute, hour, day of month, month, day of week: least, most, and names that stand for numbers.
_FIELDS: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 7, _DAYS),
)
_PART = re.compile(r"(?P<from>\*|\w+)(-(?P<to>\w+))?(/(?P<step>[1-9][0-9]?))?")


@dataclass(frozen=True)
class Cron:
    """Five fields of Unix cron: "0 8 * * 1-5". https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html"""

    expected: str = 'five cron fields in quotes ("0 8 * * 1-5": minute, hour, day, month, day of week)'

    def read(self, node: Node, path: str, report: Report) -> str | None:
        fields = node.written.split()
        known = zip(fields, _FIELDS, strict=False)
        if (
            node.tag is not Tag.TEXT
            or len(fields) != len(_FIELDS)
            or not all(_fits(text, *kind) for text, kind in known)
        ):
            report(mismatch(self, node, path))
            return None
        return " ".join(fields)


def _fits(text: str, least: int, most: int, names: tuple[str, ...]) -> bool:
    """Whether a field is a list of *, numbers, ranges and steps within its limits: 5 or 1-5,*/10 or MON-FRI."""
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None or (found["from"] == "*" and found["to"]):
            return False
        ends = [_number(end, least, names) for end in (found["from"], found["to"]) if end not in {None, "*"}]
        if (
            any(end is None or not least <= end <= most for end in ends)
            or sorted(ends, key=lambda end: end or 0) != ends
        ):
            return False
    return True


def _number(text: str, least: int, names: tuple[str, ...]) -> int | None:
    if text.upper() in names:
        return names.index(text.upper()) + least
    return int(text) if text.isascii() and text.isdecimal() else None


@dataclass(frozen=True)
class TimeZone:
    """A time zone of the IANA database."""

    expected: str = "a time zone (Europe/Berlin)"

    def read(self, node: Node, path: str, report: Report) -> str | None:
        try:
            known = node.tag is Tag.TEXT and bool(ZoneInfo(node.written).key)
        except (ValueError, OSError, KeyError):
            known = False
        if not known:
            report(mismatch(self, node, path))
            return None
        return node.written


@dataclass(frozen=True)
class Moment:
    """A time in UTC, to the second; read as AWS takes it."""

    expected: str = "a time in UTC (2026-12-24T18:00:00Z)"

    def read(self, node: Node, path: str, report: Report) -> str | None:
        try:
            found = datetime.strptime(node.written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            report(mismatch(self, node, path))
            return None
        return f"{found:%Y-%m-%dT%H:%M:%SZ}"
