"""The contract of the wish book: the newest sizes that an operator asked for, one entry for each group."""

from __future__ import annotations

from typing import Protocol

from ..rollout.wish import Wish


class Wishes(Protocol):
    """The newest wish for one group.

    Promises: `put` is durable when it returns True, and stores a wish only over the one whose number is one less, so
    that of two people who ask at once both are told which came last; it is False where somebody else was faster.
    Nobody needs the deploy lock to ask. Both raise `Unreachable` when the store does not answer.
    """

    def latest(self) -> Wish | None: ...

    def put(self, wish: Wish) -> bool: ...


class MemoryWishes:
    """Wishes for one group in memory, for tests."""

    def __init__(self) -> None:
        self._latest: Wish | None = None

    def latest(self) -> Wish | None:
        """Return the newest wish, None if there never was one."""
        return self._latest

    def put(self, wish: Wish) -> bool:
        """Store a wish if its number is the next one."""
        if wish.number != (self._latest.number if self._latest else 0) + 1:
            return False
        self._latest = wish
        return True
