"""Wait for what is to be seen, with the cloud's own time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tests.conformance.cloud import Cloud

Seen = TypeVar("Seen")
WITHIN = 900.0  # seconds; instances take half a minute, load balancers three


def eventually(cloud: Cloud, look: Callable[[], Seen], what: str, within: float = WITHIN) -> Seen:
    """Look until what is seen is true, and return it; fail saying what was waited for."""
    end = cloud.now() + within
    while not (seen := look()):
        assert cloud.now() < end, f"not seen within {within:.0f} s: {what}"
        cloud.wait()
    return seen


def stays(cloud: Cloud, look: Callable[[], bool], what: str) -> None:
    """Look for as long as something would take that is not to happen; fail if it does."""
    for _ in range(cloud.quiet):
        assert look(), f"no longer: {what}"
        cloud.wait()
