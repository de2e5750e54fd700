"""What a deploy did, counted while it went on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..rollout.model import Intent, Step
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
            api_calls=self.api_calls,
            turns=self.turns,
        )
