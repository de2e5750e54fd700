"""A ledger in memory: for forecasts and tests."""

from __future__ import annotations

from dataclasses import replace

from ..rollout.intent_text import intent_from_text, intent_to_text
from ..rollout.model import Intent
from ..rollout.trial import Approval
from .ledger_contract import Record, Unfinished


class MemoryLedger:
    """Keep records and intents as a real ledger does: intents as text, so that nothing is shared."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._intents: dict[str, dict[int, str]] = {}
        self._approvals: dict[str, Approval] = {}

    def begin(self, record: Record, intents: tuple[Intent, ...]) -> None:
        """Store a new deploy; one with the same id is replaced."""
        self._records[record.id] = record
        self._intents[record.id] = {intent.turn: intent_to_text(intent) for intent in intents}

    def save(self, intent: Intent) -> None:
        """Store one group's intent of a deploy that was begun; raises KeyError for another."""
        self._intents[intent.deploy_id][intent.turn] = intent_to_text(intent)

    def finish(self, record: Record) -> None:
        """Store how a deploy ended; it is not unfinished any more."""
        self._records[record.id] = record
        self._intents.pop(record.id, None)
        self._approvals.pop(record.id, None)

    def unfinished(self, deployment: str, environment: str) -> tuple[Unfinished, ...]:
        """Return the deploys of an environment that have not ended, newest first."""
        return tuple(
            Unfinished(record, tuple(map(intent_from_text, self._intents[record.id].values())))
            for record in self.history(deployment, environment, limit=len(self._records))
            if record.id in self._intents
        )

    def history(self, deployment: str, environment: str, limit: int = 20) -> tuple[Record, ...]:
        """Return the latest records of an environment, newest first."""
        found = [
            replace(record)
            for record in self._records.values()
            if (record.deployment, record.environment) == (deployment, environment)
        ]
        return tuple(sorted(found, key=lambda record: record.started, reverse=True)[:limit])

    def approve(self, deploy_id: str, approval: Approval) -> Approval:
        """Keep what was said to a deploy, unless somebody was first; return what holds."""
        return self._approvals.setdefault(deploy_id, approval)

    def approval(self, deploy_id: str) -> Approval | None:
        """Return what was said to a deploy, if anything was."""
        return self._approvals.get(deploy_id)
