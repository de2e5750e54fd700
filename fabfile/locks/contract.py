"""The contract of the deploy lock: one deploy of an environment at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: `owner` is user@host, `reason` the command, `since` seconds since the epoch."""

    owner: str
    reason: str
    since: float
    deploy_id: str
    token: int  # fencing token: grows with every new holder


class Lease(Protocol):
    """A lock that is held, kept by heartbeats in the background until it is released or lost."""

    token: int

    def check(self) -> None:
        """Raise `StoppedHalfway` unless the lease is surely still ours; called right before every change."""
        ...

    def release(self) -> None: ...


class DeployLock(Protocol):
    """A lock per environment.

    Promises: never two holders by the store's record; a dead holder's lock is taken over once its record has not
    changed for the lease's length by the *waiter's* monotonic clock (no clocks are compared); `acquire` raises
    `LockHeld`, naming the holder, when `wait` seconds were not enough. What `on_wait` raises ends the wait.
    """

    def acquire(
        self, owner: str, reason: str, deploy_id: str, wait: float, on_wait: Callable[[Holder], None]
    ) -> Lease: ...

    def holder(self) -> Holder | None: ...
