"""What a deploy did, counted while it went on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..rollout.model import Intent
from ..rollout.sequence import Standing, standing
from ..rollout.steps import Step
from ..rollout.trial import NO_TRIAL, Sample, Trial
from .ledger_contract import GroupPart, Record, Status


@dataclass(frozen=True)
class Report:
    """How a deploy, or the rollout of one of its groups, ended and what it took.

    `capacity_lowest` is the fewest servers seen serving.
    """

    status: Status
    reason: str
    intents: tuple[Intent, ...]  # one for each group, in the order of the deploy
    seconds: float
    turns: int
    capacity_before: int
    capacity_lowest: int
    api_calls: dict[str, int] = field(default_factory=dict)
    steps: tuple[tuple[float, Step], ...] = ()  # seconds since the start, and what was done
    groups: Mapping[str, GroupPart] = field(default_factory=dict)

    @property
    def replaced(self) -> tuple[str, ...]:
        return tuple(server for intent in self.intents for server in intent.replaced)

    @property
    def skipped(self) -> tuple[str, ...]:
        return tuple(server for intent in self.intents for server in intent.skipped)

    @property
    def trial(self) -> Trial:
        """The canary's trial: it is one for the whole deploy, in its first group."""
        return next((intent.trial for intent in self.intents if intent.trial.servers), NO_TRIAL)

    def on(self, record: Record) -> Record:
        """Return the ledger's record of this deploy, finished."""
        return replace(
            record,
            finished=record.started + self.seconds,
            seconds=self.seconds,
            status=self.status,
            reason=self.reason,
            capacity={"before": self.capacity_before, "lowest": self.capacity_lowest},
            instances={"replaced": self.replaced, "skipped": self.skipped},
            canary=seen_of(self.trial),
            api_calls=self.api_calls,
            turns=self.turns,
            groups=self.groups,
        )


def seen_of(trial: Trial) -> dict[str, object]:
    """Return what the ledger keeps of a canary; {} where there was none."""
    if not trial.servers:
        return {}
    return {
        "servers": trial.servers,
        "bake_seconds": trial.bake_time,
        "instances": list(trial.canaries),
        "passed": trial.passed,
        "approved_by": trial.approved_by,
        "canary": _figures(trial.canary),
        "old": _figures(trial.old),
        "site": _figures(trial.site),
        "site_before": _figures(trial.site_before or Sample()),
    }


def _figures(sample: Sample) -> dict[str, float]:
    return {"requests": sample.requests, "failed": sample.failed, "p99_ms": sample.p99_ms}


def status_of(intents: tuple[Intent, ...]) -> Status:
    """Return how a deploy of these groups stands, once none of them is under way."""
    standings = {standing(intent) for intent in intents}
    if standings & {Standing.HALF_WAY, Standing.UNDER_WAY}:
        return Status.HALF_WAY
    if not any(intent.failure for intent in intents):
        return Status.DEPLOYED
    return Status.ROLLED_BACK if Standing.ROLLED_BACK in standings else Status.REFUSED
