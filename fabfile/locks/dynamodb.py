"""A register in a DynamoDB table: one item per environment, written only over the version that was read.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
"""

from __future__ import annotations

from ..aws.dynamodb import Contested, Item, Key, Table
from .lease import Record


def lock_key(environment: str) -> Key:
    """Return the key of an environment's lock; the ledger guards its writes by the same item."""
    return Key(f"lock#{environment}", "lock")


class DynamoRegister:
    """The record of one environment, `{deployment}-{environment}`."""

    def __init__(self, table: Table, environment: str) -> None:
        self._table = table
        self._key = lock_key(environment)

    def read(self) -> Record | None:
        item = self._table.read(self._key)
        return _record(item) if item else None

    def swap(self, expected: Record | None, new: Record) -> bool:
        try:
            self._table.write(self._key, _item(new), {"version": expected.version if expected else None})
        except Contested:
            return False
        return True


def _item(record: Record) -> Item:
    return {
        "token": record.token,
        "version": record.version,
        "held": int(record.held),
        "owner": record.owner,
        "reason": record.reason,
        "since": repr(record.since),
        "deploy_id": record.deploy_id,
        "lease": repr(record.lease),
    }


def _record(item: Item) -> Record:
    return Record(
        token=int(item["token"]),
        version=str(item["version"]),
        held=bool(item["held"]),
        owner=str(item["owner"]),
        reason=str(item["reason"]),
        since=float(item["since"]),
        deploy_id=str(item["deploy_id"]),
        lease=float(item["lease"]),
    )
