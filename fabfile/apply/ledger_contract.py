"""The contract of the ledger: what every deploy did, and the intents of one that has not ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ..rollout.model import Intent
from ..rollout.trial import Approval


class Status(StrEnum):
    """How a deploy stands."""

    RUNNING = "running"
    DEPLOYED = "deployed"  # seen to hold
    ROLLED_BACK = "rolled back"  # failed, and what was before is back
    REFUSED = "refused"  # nothing was changed
    HALF_WAY = "half-way"  # its undo is in the ledger
    SUPERSEDED = "superseded"  # a later deploy took its surge and its undo over


@dataclass(frozen=True)
class GroupPart:
    """What a deploy did in one of its groups; launch configs are "lt-…:N"."""

    launch_config: str  # what the group launches now
    status: str  # a `rollout.sequence.Standing`
    capacity: Mapping[str, int] = field(default_factory=dict)  # before, lowest
    instances: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # replaced, skipped


@dataclass(frozen=True)
class Record:
    """One deploy in the ledger. Times are seconds since the epoch; it holds no secret."""

    id: str
    task: str
    deployment: str
    environment: str
    launch_config: str
    previous_launch_config: str
    changeset: str = ""
    started: float = 0.0
    finished: float | None = None
    seconds: float = 0.0
    status: Status = Status.RUNNING
    reason: str = ""  # why it failed, or what holds now
    probe: Mapping[str, object] = field(default_factory=dict)
    capacity: Mapping[str, int] = field(default_factory=dict)  # before, lowest
    instances: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # replaced, skipped
    canary: Mapping[str, object] = field(default_factory=dict)  # what was seen of it, where there was one
    api_calls: Mapping[str, int] = field(default_factory=dict)
    turns: int = 0
    undo: Mapping[str, str] = field(default_factory=dict)  # an adoption's: group → what it launched from before
    groups: Mapping[str, GroupPart] = field(default_factory=dict)  # in the order of the deploy


@dataclass(frozen=True)
class Unfinished:
    """A deploy that has not ended, with the intents that it goes on from: one for each group, in their order."""

    record: Record
    intents: tuple[Intent, ...]


class Ledger(Protocol):
    """A store of records and intents, apart from the environments that they are about.

    Promises: `begin` stores a record with the intents of all its groups in one step, in place of what the ledger had
    of that deploy. `save` returns once one group's intent is stored durably, and what it stored is what `unfinished`
    answers next, from any machine. `finish` stores the record and takes the intents, and what was said to the deploy,
    away in one step. `history` answers the newest first. `approve` needs no lock and is written once: it returns what
    was said first, by whomever.
    All raise `Unreachable` when the store does not answer.
    """

    def begin(self, record: Record, intents: tuple[Intent, ...]) -> None: ...

    def save(self, intent: Intent) -> None: ...

    def finish(self, record: Record) -> None: ...

    def unfinished(self, deployment: str, environment: str) -> tuple[Unfinished, ...]: ...

    def history(self, deployment: str, environment: str, limit: int = 20) -> tuple[Record, ...]: ...

    def approve(self, deploy_id: str, approval: Approval) -> Approval: ...

    def approval(self, deploy_id: str) -> Approval | None: ...
