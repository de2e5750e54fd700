"""Decide when a new server is ready, from what is seen of its process and of its health check. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .health import Answer
from .supervisor_client import Program


class Verdict(Enum):
    """What the gate says after one look."""

    WAIT = "wait"
    READY = "ready"
    FAILED = "failed"


_ENDED = frozenset({"BACKOFF", "EXITED", "FATAL", "STOPPED", "UNKNOWN"})


@dataclass
class Gate:
    """Opens once health was good without a break for `min_healthy_time` seconds, and never again once it has failed.

    Fails at once when the process ended, even if it was started again, or when health that was good is lost; and when
    `timeout` seconds pass before. Times are seconds on one clock of the caller's.
    """

    min_healthy_time: float
    timeout: float
    began: float
    healthy_since: float | None = None
    pid: int = 0
    reason: str = ""

    def look(self, now: float, program: Program, answer: Answer) -> Verdict:
        """Judge one observation; after FAILED `reason` says why, after WAIT what is waited for."""
        if program.state in _ENDED:
            return self._fail(f"the application ended ({program.state}: {program.description})")
        if self.pid and program.pid != self.pid:
            return self._fail("the application ended and was started again")
        self.pid = program.pid
        if not answer.healthy:
            if self.healthy_since is not None:
                return self._fail(
                    f"the application was healthy for {now - self.healthy_since:.1f} s, then {answer.reason}"
                )
            self.reason = answer.reason
        elif self.healthy_since is None:
            self.healthy_since = now
            self.reason = f"it was healthy, and has to stay so for {self.min_healthy_time:g} s"
        if (
            self.healthy_since is not None
            and now - self.healthy_since >= self.min_healthy_time
            and program.state == "RUNNING"
        ):
            return Verdict.READY
        if now - self.began > self.timeout:
            return self._fail(f"not ready after {self.timeout:g} s: {self.reason}")
        return Verdict.WAIT

    def _fail(self, reason: str) -> Verdict:
        self.reason = reason
        return Verdict.FAILED
