"""A clock whose time passes only by sleeping: a rollout of an hour takes milliseconds."""

from __future__ import annotations


class VirtualClock:
    """Tell a time that sleeping moves forward. Seconds."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """Return the time as seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Return the same time: it never goes back."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self._now += max(0.0, seconds)
