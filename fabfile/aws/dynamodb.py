"""The one table per account and region that lock and ledger live in: made at first use, never deleted by us.

Items have a partition key `pk` and a sort key `sk`; other attributes are strings and whole numbers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import Unreachable
from .session import Aws
from .translate import Missing, Refused

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Item = Mapping[str, str | int]
_WAIT_SECONDS = 2
_CONFLICTS = 6


class Key(NamedTuple):
    """Where an item is."""

    partition: str
    sort: str


class Contested(Unreachable):
    """The item, or the one that guards it, is not as the write expected it: somebody else wrote."""


class Guard(NamedTuple):
    """Another item that must be as expected for a write to happen."""

    key: Key
    expected: Mapping[str, str | int | None]


class Write(NamedTuple):
    """An item to be put, or to be deleted (None), if each attribute in `expected` is as given (None: absent)."""

    key: Key
    item: Item | None
    expected: Mapping[str, str | int | None] = MappingProxyType({})


class Table:
    """A table of small items, read consistently and written on conditions."""

    def __init__(self, aws: Aws, name: str) -> None:
        self._aws = aws
        self.name = name

    def exists(self) -> bool:
        """Whether there is such a table."""
        try:
            with self._aws.calling(f"describe the table {self.name}"):
                self._aws.client("dynamodb").describe_table(TableName=self.name)
        except Missing:
            return False
        return True

    def read(self, key: Key) -> Item | None:
        """Return the item as it is now, None if there is none (or no table yet)."""
        try:
            with self._aws.calling(f"read the table {self.name}"):
                answer = self._aws.client("dynamodb").get_item(
                    TableName=self.name, Key=_pack(_keys(key)), ConsistentRead=True
                )
        except Missing:
            return None
        return _unpack(answer["Item"]) if "Item" in answer else None

    def write(
        self,
        key: Key,
        item: Item,
        expected: Mapping[str, str | int | None] | None = None,
        guard: Guard | None = None,
    ) -> None:
        """Put an item if each attribute in `expected` is as given (None: absent), and `guard`'s item is too.

        Raises `Contested` otherwise. Item and guard are one transaction.
        """
        self.write_all((Write(key, item, expected or {}),), guard)

    def write_all(self, writes: Sequence[Write], guard: Guard | None = None) -> None:
        """Put or delete several items, 99 at the most, as one transaction.

        Raises `Contested` when one of them, or `guard`'s item, is not as expected.
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
        """
        try:
            self._write(writes, guard)
        except Missing:
            self._create()
            self._write(writes, guard)

    def newest(self, partition: str, prefix: str = "") -> Iterator[Item]:
        """Yield a partition's items, whose sort key begins with `prefix`, from the highest sort key down."""
        condition = "pk = :pk AND begins_with(sk, :prefix)" if prefix else "pk = :pk"
        values = {":pk": partition, **({":prefix": prefix} if prefix else {})}
        pages = self._aws.client("dynamodb").get_paginator("query")
        try:
            with self._aws.calling(f"read the table {self.name}"):
                for page in pages.paginate(
                    TableName=self.name,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=_pack(values),
                    ScanIndexForward=False,
                    ConsistentRead=True,
                ):
                    yield from map(_unpack, page["Items"])
        except Missing:
            return

    def _write(self, writes: Sequence[Write], guard: Guard | None) -> None:
        what = f"write to the table {self.name}"
        for attempt in range(_CONFLICTS):
            try:
                with self._aws.calling(what):
                    self._send(writes, guard)
                return
            except Refused as error:
                if "ConditionalCheckFailed" in error.code + error.message:
                    raise Contested(what, "somebody else has written there meanwhile") from error
                # A heartbeat and a guarded write that meet on the lock's item: one of them has to come again.
                if "TransactionConflict" not in error.code + error.message or attempt == _CONFLICTS - 1:
                    raise
            time.sleep(0.05 * 2**attempt)

    def _send(self, writes: Sequence[Write], guard: Guard | None) -> None:
        client = self._aws.client("dynamodb")
        requests = [self._request(write) for write in writes]
        if guard is None and [*requests[0]] == ["Put"] and len(requests) == 1:
            client.put_item(**requests[0]["Put"])
            return
        if guard is not None:
            check = {"TableName": self.name, "Key": _pack(_keys(guard.key)), **_condition(guard.expected)}
            requests.insert(0, {"ConditionCheck": check})
        client.transact_write_items(TransactItems=requests)

    def _request(self, write: Write) -> Any:
        """Return one write as a transaction has it."""
        named = {"TableName": self.name, **_condition(write.expected)}
        if write.item is None:
            return {"Delete": {**named, "Key": _pack(_keys(write.key))}}
        return {"Put": {**named, "Item": _pack({**write.item, **_keys(write.key)})}}

    def _create(self) -> None:
        """Make the table, on demand and encrypted by DynamoDB's own key; another deployer may be faster."""
        client = self._aws.client("dynamodb")
        try:
            with self._aws.calling(f"create the table {self.name}"):
                client.create_table(
                    TableName=self.name,
                    BillingMode="PAY_PER_REQUEST",
                    AttributeDefinitions=[
                        {"AttributeName": "pk", "AttributeType": "S"},
                        {"AttributeName": "sk", "AttributeType": "S"},
                    ],
                    KeySchema=[
                        {"AttributeName": "pk", "KeyType": "HASH"},
                        {"AttributeName": "sk", "KeyType": "RANGE"},
                    ],
                )
        except Refused as error:
            if error.code != "ResourceInUseException":
                raise
        with self._aws.calling(f"wait for the table {self.name}"):
            client.get_waiter("table_exists").wait(
                TableName=self.name, WaiterConfig={"Delay": _WAIT_SECONDS, "MaxAttempts": 60}
            )


def _keys(key: Key) -> dict[str, str]:
    return {"pk": key.partition, "sk": key.sort}


def _pack(item: Mapping[str, str | int]) -> dict[str, AttributeValueTypeDef]:
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in item.items()}


def _unpack(item: Mapping[str, AttributeValueTypeDef]) -> Item:
    return {name: int(value["N"]) if "N" in value else str(value["S"]) for name, value in item.items()}


def _condition(expected: Mapping[str, str | int | None]) -> dict[str, object]:
    """Return the arguments for a condition; names go through placeholders: many are reserved words."""
    if not expected:
        return {}
    terms = [
        f"attribute_not_exists(#{name})" if value is None else f"#{name} = :{name}" for name, value in expected.items()
    ]
    values = {f":{name}": value for name, value in expected.items() if value is not None}
    arguments: dict[str, object] = {
        "ConditionExpression": " AND ".join(terms),
        "ExpressionAttributeNames": {f"#{name}": name for name in expected},
    }
    return {**arguments, "ExpressionAttributeValues": _pack(values)} if values else arguments
