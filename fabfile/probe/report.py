"""What the probe saw, counted while it runs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

FIRST_FAILURES = 20


@dataclass(frozen=True)
class Failure:
    """Requests that users would have seen fail in the same way; `at` is when the first was due, ISO 8601 in UTC."""

    at: str
    path: str
    reason: str
    count: int = 1


@dataclass(frozen=True)
class ProbeReport:
    """Requests so far; times in milliseconds, from when a request was due to the end of its answer.

    `failures` are the first twenty that differ, each with how often it was seen.
    """

    total: int = 0
    failed: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    failures: tuple[Failure, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ProbeReport:
        return cls(**{**value, "failures": tuple(Failure(**failure) for failure in value["failures"])})


class Tally:
    """Count answers and failures from many threads, in memory that does not grow with their number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds: Counter[int] = Counter()
        self._failed = 0
        self._failures: dict[tuple[str, str], Failure] = {}

    def answered(self, seconds: float) -> None:
        with self._lock:
            self._milliseconds[_rounded(seconds)] += 1

    def failed(self, path: str, reason: str, due: float, seconds: float) -> None:
        """Count a failure of a request that was due at `due`, seconds since the epoch."""
        with self._lock:
            self._milliseconds[_rounded(seconds)] += 1
            self._failed += 1
            seen = self._failures.get((path, reason))
            if seen is not None:
                self._failures[path, reason] = replace(seen, count=seen.count + 1)
            elif len(self._failures) < FIRST_FAILURES:
                at = datetime.fromtimestamp(due, UTC).isoformat(timespec="milliseconds")
                self._failures[path, reason] = Failure(at, path, reason)

    def report(self) -> ProbeReport:
        with self._lock:
            return ProbeReport(
                total=self._milliseconds.total(),
                failed=self._failed,
                p50_ms=percentile(self._milliseconds, 50),
                p99_ms=percentile(self._milliseconds, 99),
                failures=tuple(self._failures.values()),
            )


def percentile(counted: Mapping[int, int], percent: float) -> float:
    """Return the smallest value that at least `percent` of the counted ones don't exceed; 0 of none."""
    wanted = sum(counted.values()) * percent / 100
    seen = 0
    for value in sorted(counted):
        seen += counted[value]
        if seen >= wanted:
            return float(value)
    return 0.0


def _rounded(seconds: float) -> int:
    """Round to milliseconds, above a second to ten of them: few different values, whatever happens."""
    milliseconds = round(seconds * 1000)
    return milliseconds if milliseconds < 1000 else milliseconds // 10 * 10
