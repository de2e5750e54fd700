"""The trial of a canary: how many servers, for how long, what was seen of them, who approved.

It is part of the intent, not of the policy: `fab resume` on another machine has to go on with the same trial, and
an unproven canary must never become the fleet because its deployer died.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Sample:
    """Requests, and how many of them failed: no answer in time, or a status of 500 and more."""

    requests: int = 0
    failed: int = 0
    p99_ms: float = 0.0  # of several samples together: the highest

    @property
    def share(self) -> float:
        """The share of requests that failed, 0 of none."""
        return self.failed / self.requests if self.requests else 0.0

    def __add__(self, other: Sample) -> Sample:
        p99 = max(self.p99_ms, other.p99_ms)
        return Sample(self.requests + other.requests, self.failed + other.failed, p99)

    def since(self, before: Sample) -> Sample:
        """Return what came after `before`, an earlier reading of the same counter."""
        return Sample(self.requests - before.requests, self.failed - before.failed, self.p99_ms)

    def __str__(self) -> str:
        return f"{self.failed} of {self.requests}"


@dataclass(frozen=True)
class Traffic:
    """One look: what canaries and old servers answered, and all that the site's balancers did since the deploy began.

    `site` is None where nobody asks the site.
    """

    canary: Sample = Sample()
    old: Sample = Sample()
    site: Sample | None = None


@dataclass(frozen=True)
class Approval:
    """What a person said to a deploy that waits for it: `by` is user@host, `at` seconds since the epoch."""

    granted: bool
    by: str
    at: float


@dataclass(frozen=True)
class Trial:
    """A canary and how far it is. Times are seconds since the epoch unless a name says otherwise."""

    servers: int = 0  # how many canaries; 0: no trial
    bake_time: float = 0.0  # seconds that all of them serve without a break
    pause: bool = False  # a person has to approve once it has passed
    canaries: tuple[str, ...] = ()  # the instances, as far as they are known
    expected: int = 0  # servers that were to exist, all told, when they were last counted
    baking_since: float | None = None
    looked_at: float | None = None
    canary: Sample = Sample()
    old: Sample = Sample()
    site: Sample = Sample()  # the site's requests during the bake
    site_before: Sample | None = None  # and before it
    paused_since: float | None = None
    approved_by: str = ""
    passed: bool = False

    def anew(self) -> Trial:
        """Return the trial as another process goes on with it: what was not proven to the end bakes from its start."""
        return self if self.passed else self.baked_anew()

    def baked_anew(self) -> Trial:
        """Return the trial whose bake has not begun."""
        return Trial(self.servers, self.bake_time, self.pause, approved_by=self.approved_by)

    def with_traffic(self, seen: Traffic) -> Trial:
        """Return the trial with one look at traffic in it; the site's count at the first look is the one before."""
        trial = replace(self, canary=self.canary + seen.canary, old=self.old + seen.old)
        if seen.site is None:
            return trial
        if trial.site_before is None:
            return replace(trial, site_before=seen.site)
        return replace(trial, site=seen.site.since(trial.site_before))

    @property
    def figures(self) -> str:
        """Say what was seen, e.g. `0 of 300 requests failed (old servers: 1 of 900; site: 0 of 1200)`."""
        beside = [f"old servers: {self.old}" if self.old.requests else "old servers were not asked"]
        if self.site.requests:
            beside.append(f"site: {self.site}")
        return f"{self.canary} requests failed ({'; '.join(beside)})"


NO_TRIAL = Trial()
