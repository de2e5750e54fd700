"""The contract of a world that the apply loop works on: AWS, the same read-only, or a simulated cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..rollout.model import Intent, Observed
from ..rollout.steps import Step
from ..rollout.trial import Traffic


@dataclass(frozen=True)
class Outcome:
    """What a step brought about: `ids` of a launch, `evidence` lines, or a `refusal` in AWS's words.

    `desired_from` is the group's desired capacity right before a launch or a termination, where the reply
    says so (the activity's cause: "… shrinking the capacity from 5 to 4"): it tells somebody else's change
    from ours.
    """

    ids: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    refusal: str = ""  # refused for a reason that the next observation will explain; not an error of ours
    desired_from: int | None = None
    traffic: Traffic | None = None  # what a look at traffic saw


class World(Protocol):
    """Something that can be looked at and changed.

    Promises: `observe` takes at most three API calls up to the documented page sizes and returns the present,
    never a cache. `apply` returns once the call was accepted, not once it took effect, and is harmless when
    repeated after a lost reply. Both raise `Unreachable` when the other side does not answer.
    """

    def observe(self, intent: Intent) -> Observed: ...

    def apply(self, step: Step) -> Outcome: ...


@dataclass(frozen=True)
class ApiCalls:
    """How often each AWS action was called."""

    by_action: Mapping[str, int] = field(default_factory=dict)


class Clock(Protocol):
    """Time and waiting, as something that tests can replace by a virtual one."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that goes on while the process is stopped and never jumps."""
        ...

    def sleep(self, seconds: float) -> None: ...
