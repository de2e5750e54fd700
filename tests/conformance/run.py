"""Whose a resource is: every one bears a tag with its run, and a run that is over may be swept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

TAG = "fabscale:conformance"
ELSEWHERE = timedelta(hours=12)  # a run of another machine is over then; none takes nearly as long
_LABEL = re.compile(r"(\d{8}T\d{4}Z)\.(\d+)\.([\w-]*)(?:/.*)?")
_NO_HOST = re.compile(r"[^A-Za-z0-9-]")


@dataclass(frozen=True)
class Run:
    """One run of the tests: when it began, in which process of which machine."""

    began: datetime
    process: int
    host: str

    def __str__(self) -> str:
        return f"{self.began:%Y%m%dT%H%MZ}.{self.process}.{_NO_HOST.sub('-', self.host)}"

    def owns(self, label: str) -> bool:
        """Whether a resource with this label was made by the run."""
        return label.partition("/")[0] == str(self)


def run_of(label: str) -> Run | None:
    """Return the run that a label names; None for a label that is not ours."""
    found = _LABEL.fullmatch(label)
    if not found:
        return None
    began = datetime.strptime(found[1], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
    return Run(began, int(found[2]), found[3])


def is_over(label: str, now: datetime, host: str, alive: Callable[[int], bool]) -> bool:
    """Return whether a label's run has ended, so that nobody needs what it made.

    Here that is known from its process; elsewhere it is assumed after twelve hours. A label that names no run is
    nobody's that we know, and is left alone.
    """
    run = run_of(label)
    if run is None:
        return False
    if run.host == _NO_HOST.sub("-", host) and not alive(run.process):
        return True
    return now - run.began > ELSEWHERE
