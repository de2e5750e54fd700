"""The lock itself, over any register that can compare and swap one record.

Every heartbeat writes a new version, and only over the version that it wrote before. A waiter takes a
record over when its version has not changed for the lease's length on the waiter's own clock; the holder
counts from when the last confirmed heartbeat was *sent*, and stops a margin earlier: so it has stopped
before anybody can be next.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from ..errors import LockHeld, StoppedHalfway, Unreachable
from .contract import Holder

LEASE_SECONDS = 20.0
_BEATS_PER_LEASE = 4
_MARGIN = 0.25  # of the lease: room for clocks that run at different speeds, and for a call on its way
_LONGEST_PAUSE = 1.0
_A_FEW_MINUTES = 180.0


@dataclass(frozen=True)
class Record:
    """What the register holds; `lease` is how long, in seconds, its holder may be silent."""

    token: int
    version: str
    held: bool
    owner: str = ""
    reason: str = ""
    since: float = 0.0
    deploy_id: str = ""
    lease: float = LEASE_SECONDS

    @property
    def holder(self) -> Holder:
        return Holder(self.owner, self.reason, self.since, self.deploy_id, self.token)


class Register(Protocol):
    """A place for one record. Promises: `swap` is atomic, and reads see what was swapped in before."""

    def read(self) -> Record | None: ...

    def swap(self, expected: Record | None, new: Record) -> bool:
        """Put `new` in place of `expected` (None: nothing is there yet); False if something else is there."""
        ...


class Timepiece(Protocol):
    """The clock that lock and waiters judge by; `monotonic` goes on while a process or machine sleeps."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class LeaseLock:
    """A deploy lock over a register; `name` is the environment as messages say it."""

    def __init__(self, register: Register, clock: Timepiece, name: str, lease: float = LEASE_SECONDS) -> None:
        self._register = register
        self._clock = clock
        self._name = name
        self._lease = lease

    def holder(self) -> Holder | None:
        record = self._register.read()
        return record.holder if record is not None and record.held else None

    def acquire(
        self, owner: str, reason: str, deploy_id: str, wait: float, on_wait: Callable[[Holder], None]
    ) -> HeldLease:
        """Take the lock, waiting up to `wait` seconds; `on_wait` is told the holder at every look."""
        started = self._clock.monotonic()
        seen, seen_at = self._register.read(), started
        while True:
            sent = self._clock.monotonic()
            if seen is None or not seen.held or sent - seen_at >= seen.lease:
                mine = self._record(seen, owner, reason, deploy_id)
                if self._register.swap(seen, mine):
                    return HeldLease(self._register, self._clock, mine, sent, self._name)
            else:
                self._wait(seen.holder, started + wait, on_wait)
            current = self._register.read()
            if current != seen:
                seen, seen_at = current, self._clock.monotonic()

    def heartbeats(self) -> Iterator[Holder]:
        """Yield the holder, look after look, while it lives: until the lock is free or silent for a lease."""
        seen, seen_at = self._register.read(), self._clock.monotonic()
        while seen is not None and seen.held and self._clock.monotonic() - seen_at < seen.lease:
            yield seen.holder
            self._clock.sleep(min(_LONGEST_PAUSE, self._lease / 10))
            current = self._register.read()
            if current != seen:
                seen, seen_at = current, self._clock.monotonic()

    def _record(self, before: Record | None, owner: str, reason: str, deploy_id: str) -> Record:
        token = before.token + 1 if before else 1
        version = uuid.uuid4().hex
        return Record(token, version, True, owner, reason, self._clock.now(), deploy_id, self._lease)

    def _wait(self, holder: Holder, until: float, on_wait: Callable[[Holder], None]) -> None:
        left = until - self._clock.monotonic()
        if left <= 0:
            seconds = max(0.0, self._clock.now() - holder.since)
            held = f"{seconds:.0f} s" if seconds < _A_FEW_MINUTES else f"{seconds / 60:.0f} min"
            raise LockHeld(
                f"lock {self._name}",
                f"{holder.owner} has held it for {held}: {holder.reason}",
                "Wait for it to end, or give a longer --wait; a holder that died is superseded by itself",
            )
        on_wait(holder)
        self._clock.sleep(min(left, _LONGEST_PAUSE, self._lease / 10))


class HeldLease:
    """A lease that is held: a thread keeps it by heartbeats, and stops for good once it was late or lost."""

    def __init__(self, register: Register, clock: Timepiece, record: Record, sent: float, name: str) -> None:
        self.token = record.token
        self._register = register
        self._clock = clock
        self._record = record
        self._confirmed = sent
        self._name = name
        self._lost = ""
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="deploy-lock", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise `StoppedHalfway` unless the lease is surely still ours."""
        with self._guard:
            self._judge()
            lost = self._lost
        if lost:
            raise StoppedHalfway(
                f"go on with {self._name}",
                f"the deploy lock was lost: {lost}",
                "Look at `fab describe`, then run the same command again, or `fab resume`",
            )

    def release(self) -> None:
        """Give the lock back, if it is still ours; the next one need not wait for the lease to run out."""
        self._ended.set()
        self._thread.join()
        freed = replace(self._record, held=False, version=uuid.uuid4().hex)
        self._register.swap(self._record, freed)
        with self._guard:
            self._lost = self._lost or "it was given back"

    def _keep(self) -> None:
        while not self._ended.wait(self._record.lease / _BEATS_PER_LEASE):
            with self._guard:
                self._judge()
                if self._lost:
                    return
            # The second try is for an earlier write that arrived after its reply was given up.
            if not self._beat():
                self._beat()

    def _beat(self) -> bool:
        """Write a new version over our last one; False if a write of ours that came late was in the way."""
        new = replace(self._record, version=uuid.uuid4().hex)
        sent = self._clock.monotonic()
        try:
            current = new if self._register.swap(self._record, new) else self._register.read()
        except Unreachable:
            return True  # the next heartbeat tries again, and `check` judges how long silence has lasted
        with self._guard:
            if current == new:
                self._record, self._confirmed = new, sent
                return True
            if current is not None and current.held and current.token == self.token:
                self._record = current
                return False
            self._lost = "somebody else has taken it over"
            return True

    def _judge(self) -> None:
        silent = self._clock.monotonic() - self._confirmed
        if not self._lost and silent >= self._record.lease * (1 - _MARGIN):
            self._lost = f"no heartbeat was confirmed for {silent:.1f} s"
