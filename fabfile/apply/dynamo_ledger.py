"""The ledger in the table that the deploy lock lives in, written only by the lock's holder.

One item per deploy, which says what was done and which of its groups' intents are open, and one item per open intent:
an item of DynamoDB has 400 KB at the most.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from itertools import islice
from typing import Any

from ..aws.dynamodb import Contested, Guard, Item, Key, Table, Write
from ..errors import StoppedHalfway
from ..locks.dynamodb import lock_key
from ..rollout.intent_text import intent_from_text, intent_to_text
from ..rollout.model import Intent
from ..rollout.trial import Approval
from .ledger_contract import GroupPart, Record, Status, Unfinished


class DynamoLedger:
    """Records and intents of the environments in one table.

    With a `fence`, the holder's token, each write is one transaction with a check that the environment's lock is
    still held under it: a stale deployer gets `StoppedHalfway` and overwrites nothing.
    """

    def __init__(self, table: Table, fence: int | None = None) -> None:
        self._table = table
        self._fence = fence
        self._records: dict[str, Record] = {}

    def begin(self, record: Record, intents: tuple[Intent, ...]) -> None:
        """Store a deploy that begins or goes on; one with the same id is replaced."""
        now = {intent.turn for intent in intents}
        before = self._table.read(_record_key(record)) or {}
        gone = tuple(Write(_intent_key(record, turn), None) for turn in _turns(before) if turn not in now)
        kept = tuple(_intent_item(record, intent) for intent in intents)
        turns = ",".join(str(intent.turn) for intent in intents)
        self._write(record, (_record_item(record, turns), *kept, *gone))
        self._records[record.id] = record

    def save(self, intent: Intent) -> None:
        """Store one group's intent of a deploy that this ledger began; raises KeyError for another."""
        record = self._records[intent.deploy_id]
        self._write(record, (_intent_item(record, intent),))

    def finish(self, record: Record) -> None:
        """Store how a deploy ended; it is not unfinished any more, and what was said to it is gone too."""
        item = self._table.read(_record_key(record)) or {}
        keys = (_approval_key(record.id), *(_intent_key(record, turn) for turn in _turns(item)))
        self._write(record, (_record_item(record, ""), *(Write(key, None) for key in keys)))

    def unfinished(self, deployment: str, environment: str) -> tuple[Unfinished, ...]:
        """Return the deploys of an environment that have not ended, newest first."""
        found = ((_record(item), self._intents(item)) for item in self._items(deployment, environment))
        return tuple(Unfinished(record, intents) for record, intents in found if intents)

    def _intents(self, item: Item) -> tuple[Intent, ...]:
        """Read the open intents of a deploy; one of an older release stands in the deploy's own item."""
        if item.get("intent"):
            return (intent_from_text(str(item["intent"])),)
        record = _record(item)
        stored = (self._table.read(_intent_key(record, turn)) for turn in _turns(item))
        return tuple(intent_from_text(str(each["intent"])) for each in stored if each)

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

    def _write(self, record: Record, writes: tuple[Write, ...]) -> None:
        guard = None
        if self._fence is not None:
            lock = lock_key(f"{record.deployment}-{record.environment}")
            guard = Guard(lock, {"token": self._fence, "held": 1})
        try:
            self._table.write_all(writes, guard=guard)
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


def _record_key(record: Record) -> Key:
    return Key(_partition(record.deployment, record.environment), f"{record.started:020.6f}#{record.id}")


def _intent_key(record: Record, turn: int) -> Key:
    """Intents are apart from the records, so that the history reads none of them."""
    return Key(f"intents#{record.deployment}-{record.environment}", f"{record.id}#{turn:03d}")


def _record_item(record: Record, turns: str) -> Write:
    return Write(_record_key(record), {"record": json.dumps(asdict(record)), "turns": turns})


def _intent_item(record: Record, intent: Intent) -> Write:
    return Write(_intent_key(record, intent.turn), {"intent": intent_to_text(intent)})


def _turns(item: Item) -> tuple[int, ...]:
    return tuple(int(turn) for turn in str(item.get("turns", "")).split(",") if turn)


def _record(item: Item) -> Record:
    """Read a record; fields that a newer version wrote are passed over."""
    values = _known(Record, json.loads(str(item["record"])))
    groups = {name: _part(part) for name, part in values.get("groups", {}).items()}
    return Record(
        **{
            **values,
            "status": Status(values["status"]),
            "instances": _tuples(values.get("instances", {})),
            "groups": groups,
        }
    )


def _part(part: Mapping[str, Any]) -> GroupPart:
    values = _known(GroupPart, part)
    return GroupPart(**{**values, "instances": _tuples(values.get("instances", {}))})


def _known(kind: type[Record | GroupPart], found: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in found.items() if name in names}


def _tuples(lists: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in lists.items()}
