"""Set the sizes that an operator asks for: by the deploy that runs, or under the lock where none does.

Sizes are always written down as a wish first. A deploy that runs looks for one every turn and is the only one to change
desired capacity; one that died has its intent in the ledger brought in line, so that `resume` and `repair` keep to the
sizes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import RolloutFailed, Unreachable, UsageError
from ..rollout.model import Group, Intent
from ..rollout.notes import noted
from ..rollout.sequence import Standing, standing
from ..rollout.sizing import ceiling, sizes_step, unfit
from ..rollout.wish import Taken, Wish
from .ledger_contract import Ledger, Record, Unfinished
from .recording import after
from .wishes import Wishes
from .world import World


@dataclass(frozen=True)
class Limits:
    """A group's sizes without what a deploy's surge adds to them."""

    minimum: int
    desired: int
    maximum: int


@dataclass(frozen=True)
class Left:
    """A deploy that has not ended, and its intent for one group among those for all."""

    record: Record
    intents: tuple[Intent, ...]
    intent: Intent


def left_of(group: str, unfinished: tuple[Unfinished, ...]) -> Left | None:
    """Return what the newest unfinished deploy has to do with a group; None where there is nothing."""
    for each in unfinished[:1]:
        for intent in each.intents:
            if intent.group == group:
                return Left(each.record, each.intents, intent)
    return None


class NotItsTurn(Exception):
    """The deploy that runs is at another group, and has no surge in this one."""


class TakenUp(Exception):
    """A running deploy has answered the wish."""

    def __init__(self, deploy: str, taken: Taken) -> None:
        super().__init__(deploy)
        self.deploy = deploy
        self.taken = taken


def limits(group: Group, intent: Intent) -> Limits:
    """Return the sizes as they are to be once the surge is over."""
    begun = intent.servers and intent.begun
    return Limits(group.minimum, intent.desired if begun else group.desired, ceiling(group, intent))


def intended(group: Group, left: Left | None) -> Intent:
    """Return the intent that counts: an unfinished deploy's, or one that owns nothing."""
    return left.intent if left else Intent("", "", "", desired=group.desired)


def checked(wish: Wish, group: Group, intent: Intent) -> Limits:
    """Return the sizes as the wish would have them; raises `UsageError` when they don't fit each other."""
    refusal = unfit(wish, group, intent)
    if refusal:
        raise UsageError(
            f"scale {group.name} to {wish.desired}",
            refusal,
            "Give both: fab scale:DEPLOYMENT,ENVIRONMENT,DESIRED,MINIMUM,MAXIMUM",
        )
    now = limits(group, intent)
    return Limits(
        now.minimum if wish.minimum is None else wish.minimum,
        wish.desired,
        now.maximum if wish.maximum is None else wish.maximum,
    )


class Asking:
    """One operator's wish on its way to whoever can grant it."""

    def __init__(self, wishes: Wishes, wish: Wish) -> None:
        self._wishes = wishes
        self.wish = wish

    def ask(self) -> Wish:
        """Write the wish down as the newest one, and return it with its number."""
        while True:
            latest = self._wishes.latest()
            self.wish = replace(self.wish, number=(latest.number if latest else 0) + 1)
            if self._wishes.put(self.wish):
                return self.wish

    def withdraw(self) -> None:
        """Take the wish back unless somebody asked for something else since: it must not be granted tomorrow."""
        self._wishes.put(replace(self.wish, number=self.wish.number + 1, withdrawn=True))

    def heard(self, left: Left | None) -> None:
        """Look at what the ledger says of the deploy that runs.

        Raises `TakenUp` once it answered and `NotItsTurn` where it is at another group; asks again where the deploy
        began after the wish was made; raises `RolloutFailed` where somebody has asked for other sizes since.
        """
        if left is None:
            return
        if _is_elsewhere(left):
            raise NotItsTurn
        if left.intent.wishes_seen < self.wish.number:
            return
        taken = left.intent.taken
        if taken is not None and taken.wish.number == self.wish.number:
            if taken.answered:
                raise TakenUp(left.record.id, taken)
            return
        self.still_mine()
        self.ask()

    def still_mine(self) -> None:
        """Raise `RolloutFailed` where somebody has asked for other sizes since."""
        latest = self._wishes.latest()
        if latest is not None and latest.number > self.wish.number and not latest.withdrawn:
            raise RolloutFailed(
                f"scale to {self.wish.desired}",
                f"{latest.by} asked for {latest.desired} servers since",
                "Look at `fab describe`; the newest sizes count",
            )


def _is_elsewhere(left: Left) -> bool:
    others = (each for each in left.intents if each.turn != left.intent.turn)
    idle = standing(left.intent) not in (Standing.UNDER_WAY, Standing.HALF_WAY)
    return idle and any(standing(each) is Standing.UNDER_WAY for each in others)


def set_sizes(world: World, group: Group, wish: Wish, now: float, *, left: Left | None, ledger: Ledger) -> None:
    """Set the sizes, with the lock held; the intent of a deploy that died is in the ledger before and after.

    Raises `Unreachable` with AWS's words when it refuses.
    """
    intent = replace(intended(group, left), taken=Taken(wish), wishes_seen=wish.number)
    step = sizes_step(wish, group, intent, now)
    intent = noted(step, intent)
    if left:
        ledger.begin(left.record, tuple(intent if each.turn == intent.turn else each for each in left.intents))
    outcome = world.apply(step)
    if left:
        ledger.save(after(intent, step, outcome))
    if outcome.refusal:
        raise Unreachable(f"set the sizes of {group.name}", outcome.refusal, "Nothing was changed")
