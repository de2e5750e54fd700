"""Wishes in the table that the deploy lock and the ledger live in: one item for each group of an environment."""

from __future__ import annotations

from ..aws.dynamodb import Contested, Item, Key, Table
from ..rollout.wish import Wish

_NONE = ""  # items hold strings and whole numbers only


class DynamoWishes:
    """The newest wish for one group of an environment, `{deployment}-{environment}`; one read is one call."""

    def __init__(self, table: Table, environment: str, group: str) -> None:
        self._table = table
        self._key = Key(f"wishes#{environment}", group)

    def latest(self) -> Wish | None:
        """Return the newest wish, read consistently; None if there never was one."""
        item = self._table.read(self._key)
        return _wish(item) if item else None

    def put(self, wish: Wish) -> bool:
        """Store a wish if its number is the next one."""
        before = wish.number - 1
        try:
            self._table.write(self._key, _item(wish), {"number": before or None})
        except Contested:
            return False
        return True


def _item(wish: Wish) -> Item:
    return {
        "number": wish.number,
        "desired": wish.desired,
        "minimum": _NONE if wish.minimum is None else wish.minimum,
        "maximum": _NONE if wish.maximum is None else wish.maximum,
        "by": wish.by,
        "withdrawn": int(wish.withdrawn),
    }


def _wish(item: Item) -> Wish:
    minimum, maximum = item["minimum"], item["maximum"]
    return Wish(
        number=int(item["number"]),
        desired=int(item["desired"]),
        minimum=None if minimum == _NONE else int(minimum),
        maximum=None if maximum == _NONE else int(maximum),
        by=str(item["by"]),
        withdrawn=bool(item["withdrawn"]),
    )
