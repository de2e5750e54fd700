"""The ledger in the table that the deploy lock lives in: one item per deploy, written only by the lock's holder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from itertools import islice
from typing import Any

from ..aws.dynamodb import Contested, Guard, Item, Key, Table
from ..errors import StoppedHalfway
from ..locks.dynamodb import lock_key
from ..rollout.intent_text import intent_from_text, intent_to_text
from ..rollout.model import Intent
from ..rollout.trial import Approval
from .ledger_contract import Record, Status, Unfinished


class DynamoLedger:
    """Records and intents of the environments in one table.

    With a `fence`, the holder's token, each write is one transaction with a check that the environment's lock is
    still held under it: a stale deployer gets `StoppedHalfway` and overwrites nothing.
    """

    def __init__(self, table: Table, fence: int | None = None) -> None:
        self._table = table
        self._fence = fence
        self._records: dict[str, Record] = {}

    def begin(self, record: Record, intent: Intent) -> None:
        """Store a deploy that begins or goes on; one with the same id is replaced."""
        self._write(record, intent_to_text(intent))
        self._records[record.id] = record

    def save(self, intent: Intent) -> None:
        """Store the intent of a deploy that this ledger began; raises KeyError for another."""
        self._write(self._records[intent.deploy_id], intent_to_text(intent))

    def finish(self, record: Record) -> None:
        """Store how a deploy ended; it is not unfinished any more."""
        self._write(record, "")

    def unfinished(self, deployment: str, environment: str) -> tuple[Unfinished, ...]:
        """Return the deploys of an environment that have not ended, newest first."""
        return tuple(
            Unfinished(_record(item), intent_from_text(str(item["intent"])))
            for item in self._items(deployment, environment)
            if item["intent"]
        )

    def history(self, deployment: str, environment: str, limit: int = 20) -> tuple[Record, ...]:
        """Return the latest records of an environment, newest first."""
        return tuple(map(_record, islice(self._items(deployment, environment), limit)))

    def approve(self, deploy_id: str, approval: Approval) -> Approval:
        """Store what was said to a deploy, unless somebody was first; return what holds. Needs no lock."""
        item: Item = {"granted": int(approval.granted), "by": approval.by, "at": str(approval.at)}
        try:
            self._table.write(_approval_key(deploy_id), item, expected={"by": None})
        except Contested:
            return self.approval(deploy_id) or approval
        return approval

    def approval(self, deploy_id: str) -> Approval | None:
        """Return what was said to a deploy, if anything was."""
        item = self._table.read(_approval_key(deploy_id))
        return Approval(bool(item["granted"]), str(item["by"]), float(item["at"])) if item else None

    def _items(self, deployment: str, environment: str) -> Iterator[Item]:
        return self._table.newest(_partition(deployment, environment))

    def _write(self, record: Record, intent: str) -> None:
        key = Key(_partition(record.deployment, record.environment), f"{record.started:020.6f}#{record.id}")
        text = json.dumps(asdict(record))
        guard = None
        if self._fence is not None:
            lock = lock_key(f"{record.deployment}-{record.environment}")
            guard = Guard(lock, {"token": self._fence, "held": 1})
        try:
            self._table.write(key, {"record": text, "intent": intent}, guard=guard)
        except Contested as error:
            raise StoppedHalfway(
                f"go on with {record.deployment}-{record.environment}",
                "the deploy lock was lost, and somebody else may be deploying",
                "Look at `fab describe`, then run the same command again, or `fab resume`",
            ) from error


def _partition(deployment: str, environment: str) -> str:
    return f"deploys#{deployment}-{environment}"


def _approval_key(deploy_id: str) -> Key:
    return Key(f"approval#{deploy_id}", "approval")


def _record(item: Item) -> Record:
    """Read a record; fields that a newer version wrote are passed over."""
    found: dict[str, Any] = json.loads(str(item["record"]))
    known = {field.name for field in fields(Record)}
    values = {name: value for name, value in found.items() if name in known}
    instances = {name: tuple(ids) for name, ids in values.get("instances", {}).items()}
    return Record(**{**values, "status": Status(values["status"]), "instances": instances})
