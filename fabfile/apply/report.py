"""What a deploy did, counted while it went on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..rollout.model import Intent, Step
from ..rollout.trial import Sample, Trial
from .ledger_contract import Record, Status


@dataclass(frozen=True)
class Report:
    """How a deploy ended and what it took. `capacity_lowest` is the fewest servers seen serving."""

    status: Status
    reason: str
    intent: Intent
    seconds: float
    turns: int
    capacity_before: int
    capacity_lowest: int
    api_calls: dict[str, int] = field(default_factory=dict)
    steps: tuple[tuple[float, Step], ...] = ()  # seconds since the start, and what was done

    @property
    def replaced(self) -> tuple[str, ...]:
        return self.intent.replaced

    @property
    def skipped(self) -> tuple[str, ...]:
        return self.intent.skipped

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
            canary=seen_of(self.intent.trial),
            api_calls=self.api_calls,
            turns=self.turns,
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
