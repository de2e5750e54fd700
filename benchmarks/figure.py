"""A measured figure, what it is held to, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One measurement; `limit` is the most that `value` may be, in the same unit."""

    part: str
    what: str
    value: float
    unit: str
    limit: float | None = None
    how: str = ""
    details: dict[str, object] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return self.limit is None or self.value <= self.limit
