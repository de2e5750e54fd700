"""What a deploy tells while it goes on: values for the display, in the order in which they happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..rollout.model import Observed, Phase
from ..rollout.steps import Step, Wait
from ..rollout.trial import Trial


@dataclass(frozen=True)
class Event:
    """Something that happened at `at`, seconds since the epoch."""

    at: float


@dataclass(frozen=True)
class Looked(Event):
    """The world was observed; `serving` is how many servers serve, of `desired`."""

    observed: Observed
    serving: int
    desired: int
    new: int


@dataclass(frozen=True)
class GroupBegun(Event):
    """It is this group's turn, the `number`th of `count`: to get the release, or to go back."""

    group: str
    number: int
    count: int
    back: bool


@dataclass(frozen=True)
class PhaseChanged(Event):
    """The deploy does something else now, and why."""

    phase: Phase
    reason: str


@dataclass(frozen=True)
class StepTaken(Event):
    """A step was accepted; `ids` are the instances that it launched."""

    step: Step
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepRefused(Event):
    """A step was refused, in the other side's words; the next look explains it."""

    step: Step
    refusal: str


@dataclass(frozen=True)
class Waiting(Event):
    """Nothing can be done now: what is waited for, since when, until when at the longest."""

    wait: Wait


@dataclass(frozen=True)
class OutOfReach(Event):
    """The other side did not answer and is asked again, until `until` at the longest."""

    error: str
    since: float
    until: float


@dataclass(frozen=True)
class EvidenceSaved(Event):
    """Why servers failed, one line each."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class TrafficSeen(Event):
    """Canaries and old servers were asked for pages; the trial holds all that was seen so far."""

    trial: Trial


@dataclass(frozen=True)
class Ended(Event):
    """The deploy ended."""

    status: str
    reason: str


Listener = Callable[[Event], None]
