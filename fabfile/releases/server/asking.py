"""Ask the application on this server for pages, as users do, and count what fails."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from .layout import Layout, read_json
from .transfer import BROKEN

_MOST_SECONDS = 20.0  # for all requests together: whoever asks has others to ask


@dataclass(frozen=True)
class Wanted:
    """What to ask: pages in turn, so many requests in all, a time limit in seconds for each."""

    paths: Sequence[str]
    requests: int
    timeout: float

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Wanted:
        """Read {"paths", "requests", "timeout"}; raises KeyError or ValueError."""
        return cls([str(path) for path in raw["paths"]], int(raw["requests"]), float(raw["timeout"]))


def ask_pages(layout: Layout, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"requests", "failed", "p99_ms", "first_failure"} of requests made one after the other.

    No answer in time and a status of 500 and more are failures. What `_MOST_SECONDS` leave no time for is not asked.
    """
    wanted = Wanted.parse(raw)
    document = layout.wanted()
    address = str(read_json(layout.run / "machine.json").get("address", "127.0.0.1"))
    times: list[float] = []
    failures: list[str] = []
    until = time.monotonic() + _MOST_SECONDS
    for path in islice(cycle(wanted.paths), wanted.requests):
        began = time.monotonic()
        if began > until:
            break
        failure = _failure(address, document.port, path, document.health.headers, wanted.timeout)
        times.append(time.monotonic() - began)
        failures += [failure] if failure else []
    return {
        "requests": len(times),
        "failed": len(failures),
        "p99_ms": _p99(times),
        "first_failure": failures[0] if failures else "",
    }


def _failure(address: str, port: int, path: str, headers: Mapping[str, str], timeout: float) -> str:
    """Ask once; return what a user would have seen go wrong, "" for an answer."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", path, headers=dict(headers))
        response = connection.getresponse()
        response.read()
    except BROKEN as error:
        return f"{path} did not answer ({error or type(error).__name__})"
    finally:
        connection.close()
    return f"{path} answered {response.status}" if response.status >= 500 else ""


def _p99(times: Sequence[float]) -> float:
    """Return what all but a hundredth of the times don't exceed, in milliseconds: of 20 the longest."""
    if not times:
        return 0.0
    return round(1000 * sorted(times)[(99 * len(times) - 1) // 100], 1)
