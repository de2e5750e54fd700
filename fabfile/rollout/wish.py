"""Sizes that an operator asked for while a deploy may be under way: what is asked, and what became of it.

A deploy takes the newest wish into its intent and sets the sizes itself, as the only one who changes desired capacity
meanwhile: so "4 servers" means four in the end, whatever surge is on its way.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wish:
    """Sizes asked for; `number` grows with each wish for a group. None leaves a limit as it is."""

    number: int
    desired: int
    minimum: int | None = None
    maximum: int | None = None
    by: str = ""
    withdrawn: bool = False  # whoever asked gave up before anybody set it

    def same_sizes(self, other: Wish) -> bool:
        """Whether both ask for the same."""
        return (self.desired, self.minimum, self.maximum) == (other.desired, other.minimum, other.maximum)


@dataclass(frozen=True)
class Taken:
    """A wish in an intent: to be granted, granted, or refused in `refusal`'s words."""

    wish: Wish
    granted: bool = False
    refusal: str = ""
    asked_at: float | None = field(default=None, compare=False)  # when AWS was asked last

    @property
    def answered(self) -> bool:
        return self.granted or bool(self.refusal)


@dataclass(frozen=True)
class Sizes:
    """How an intent accounted for sizes before a step that sets them: what is back if the step is not taken."""

    desired: int
    owned: int
    maximum_before: int | None
    maximum_raised: int | None
    maximums_tried: tuple[int, ...]
    excused: int
