"""Which API calls each task made: what the policy of deployers is made from."""

from __future__ import annotations

import json

from .asking import Asked


class CallLog:
    """Calls by task, without repetitions; the one lock of the control plane guards it."""

    def __init__(self) -> None:
        self._calls: dict[str, set[str]] = {}

    def note(self, asked: Asked) -> None:
        """Remember a call if a task made it."""
        if asked.task:
            self._calls.setdefault(asked.task, set()).add(f"{asked.service}:{asked.operation}")

    def document(self) -> bytes:
        """What was seen, as JSON: {task: [service:Operation, …]}."""
        return json.dumps({task: sorted(calls) for task, calls in sorted(self._calls.items())}).encode()
