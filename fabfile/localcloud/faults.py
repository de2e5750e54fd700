"""Faults on order, so that tests and rehearsals meet what AWS does on a bad day.

`POST /_fabscale/faults` takes one of these JSON documents (and `DELETE` forgets them all):

    {"action": "DescribeAutoScalingGroups", "times": 3, "error": "Throttling"}   refuse an API call; "*" is any
    {"action": "launch", "times": 2, "error": "InsufficientInstanceCapacity"}    fail the next launches
    {"boot_seconds": 20}                                                         boot slowly from now on

`GET` answers what is still to come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LAUNCH = "launch"


@dataclass
class Faults:
    """Errors that are to happen, by action; the one lock of the control plane guards it."""

    boot_seconds: float | None = None
    _pending: dict[str, list[str]] = field(default_factory=dict)

    def order(self, document: Mapping[str, Any]) -> None:
        """Take an order as documented above; ValueError says what is wrong with it."""
        if "boot_seconds" in document:
            self.boot_seconds = float(document["boot_seconds"])
        if "action" in document:
            errors = [str(document.get("error", "Throttling"))] * int(document.get("times", 1))
            self._pending.setdefault(str(document["action"]), []).extend(errors)
        elif "boot_seconds" not in document:
            raise ValueError('expected "action" or "boot_seconds"')

    def clear(self) -> None:
        """Forget every order."""
        self.boot_seconds = None
        self._pending.clear()

    def due(self, action: str) -> str | None:
        """Take the next error of this action, if one was ordered."""
        for key in (action, "*") if action != LAUNCH else (action,):
            if self._pending.get(key):
                return self._pending[key].pop(0)
        return None

    def document(self) -> dict[str, Any]:
        """What is still to come."""
        pending = {action: list(errors) for action, errors in self._pending.items() if errors}
        return {"boot_seconds": self.boot_seconds, "pending": pending}
