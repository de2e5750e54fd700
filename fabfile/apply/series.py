"""Carry one deploy out in all of its groups, one after the other; and back again when one of them fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..errors import StoppedHalfway, Unreachable, UsageError
from ..rollout.intents import seen_again
from ..rollout.model import Intent, Order, Phase
from ..rollout.sequence import Standing, standing, whose_turn, why
from ..rollout.sizing import up_to_date
from ..rollout.steps import Step, Stopped
from .events import GroupBegun
from .ledger_contract import GroupPart, Record, Status
from .loop import NEXT_STEP, GroupRollout, Setting, keep
from .report import Report, status_of

SettingOf = Callable[[Intent], Setting]
"""From the intent of a group to what its rollout works with."""


class Series:
    """One deploy, from the intents that it is begun or resumed with, to its end."""

    def __init__(self, setting_of: SettingOf, record: Record, intents: tuple[Intent, ...]) -> None:
        self._setting_of = setting_of
        self._record = record
        self._intents = intents
        self._setting = setting_of(intents[0])
        self._began = self._setting.clock.now()
        self._legs: list[Report] = []
        self._parts = dict(record.groups)

    def run(self) -> Report:
        """Go on until the deploy has ended in every group, and return how.

        Raises what `GroupRollout.run` does. A group that is refused or gone once another one was changed is a
        failure of the deploy, which then goes back; one that is refused before that is left untouched with all others.
        """
        self._setting.lease.check()
        self._setting.ledger.begin(self._record, self._intents)
        self._refuse_first()
        while (intent := whose_turn(self._intents)) is not None:
            if self._parts:
                self._store()
            self._roll(intent)
            if self._of(intent).phase is not Phase.ENDED:
                break
        return self._end()

    def _refuse_first(self) -> None:
        """Look at the groups that come later, before the first is touched: what they refuse now, they refuse then."""
        if any(intent.begun for intent in self._intents):
            return
        for intent in self._intents[1:]:
            setting = self._setting_of(intent)
            try:
                observed = setting.world.observe(replace(intent, order=Order.NEVER))
            except Unreachable:
                continue  # it may answer by the time that its turn comes
            plan = setting.planner(observed, intent, setting.policy, setting.clock.now())
            if isinstance(plan.steps[0], Stopped):
                self._note(plan.intent)

    def _roll(self, intent: Intent) -> None:
        """Roll one group out, or back, and put on record what it took."""
        setting = self._setting_of(intent)
        if len(self._intents) > 1:
            number = 1 + [each.group for each in self._intents].index(intent.group)
            back = intent.phase is Phase.ROLLING_BACK
            setting.tell(GroupBegun(setting.clock.now(), intent.group, number, len(self._intents), back))
        try:
            report = GroupRollout(setting, self._fresh(setting, intent)).run()
        except UsageError as error:
            if not self._others_begun(intent):
                raise
            self._note(replace(intent, phase=Phase.ENDED, failure=error.seen))
            return
        except Unreachable as error:
            if not self._others_begun(intent):
                raise
            raise StoppedHalfway("finish the deploy", f"{intent.group}: {error.seen}", NEXT_STEP) from error
        self._legs.append(replace(report, steps=self._timed(report)))
        self._parts[intent.group] = self._part(report)
        self._note(report.intents[0])

    def _fresh(self, setting: Setting, intent: Intent) -> Intent:
        """Return the intent of a group whose turn has come with the sizes that it has by now.

        What was asked for meanwhile was set there and then, or is asked for again.
        """
        if not self._legs:
            return intent
        try:
            intent = up_to_date(intent, setting.wish())
            if standing(intent) is not Standing.UNTOUCHED:
                return intent
            return seen_again(intent, setting.world.observe(replace(intent, order=Order.NEVER)))
        except Unreachable:
            return intent  # the rollout bears with it, and its look will do

    def _others_begun(self, intent: Intent) -> bool:
        return any(each.begun for each in self._intents if each.turn != intent.turn)

    def _of(self, intent: Intent) -> Intent:
        return next(each for each in self._intents if each.turn == intent.turn)

    def _note(self, intent: Intent) -> None:
        self._intents = tuple(intent if each.turn == intent.turn else each for each in self._intents)

    def _store(self) -> None:
        """Put the groups that ended on record before the next one's turn."""
        record = replace(self._record, groups=dict(self._parts))
        keep(self._setting, lambda: self._setting.ledger.begin(record, self._intents))

    def _timed(self, report: Report) -> tuple[tuple[float, Step], ...]:
        """Return the steps with the seconds since the deploy began in place of those since the group's turn."""
        before = self._setting.clock.now() - report.seconds - self._began
        return tuple((before + seconds, step) for seconds, step in report.steps)

    def _part(self, report: Report) -> GroupPart:
        """Return what was done in a group by now, by this process or one before."""
        (intent,) = report.intents
        known: Mapping[str, int] = self._parts[intent.group].capacity if intent.group in self._parts else {}
        lowest = min(report.capacity_lowest, known.get("lowest", report.capacity_lowest))
        return GroupPart(
            launch_config=intent.target,
            status=standing(intent).value,
            capacity={"before": known.get("before", report.capacity_before), "lowest": lowest},
            instances={"replaced": intent.replaced, "skipped": intent.skipped},
        )

    def _end(self) -> Report:
        """Put the end on record. A deploy that stopped half-way stays unfinished: `repair` needs its intents."""
        status = status_of(self._intents)
        single = len(self._intents) == 1 and self._legs
        before, lowest = _capacity(self._parts)
        report = Report(
            status=status,
            reason=self._legs[-1].reason if single else self._reason(status),
            intents=self._intents,
            seconds=self._setting.clock.now() - self._record.started,
            turns=sum(leg.turns for leg in self._legs),
            capacity_before=before,
            capacity_lowest=lowest,
            api_calls=dict(self._setting.api_calls()),
            steps=tuple(step for leg in self._legs for step in leg.steps),
            groups=self._all_parts(),
        )
        if status is Status.HALF_WAY:
            record = replace(report.on(self._record), finished=None)
            keep(self._setting, lambda: self._setting.ledger.begin(record, self._intents))
        else:
            keep(self._setting, lambda: self._setting.ledger.finish(report.on(self._record)))
        return report

    def _reason(self, status: Status) -> str:
        if status is not Status.DEPLOYED:
            return why(self._intents)
        replaced = sum(len(intent.replaced) for intent in self._intents)
        return f"every group runs {self._record.launch_config}, {replaced} servers were replaced"

    def _all_parts(self) -> dict[str, GroupPart]:
        """Return the parts of all groups in their order; one whose turn never came runs what it ran."""
        return {
            each.group: self._parts.get(
                each.group,
                GroupPart(each.previous if standing(each) is Standing.UNTOUCHED else each.target, standing(each).value),
            )
            for each in self._intents
        }


def _capacity(parts: Mapping[str, GroupPart]) -> tuple[int, int]:
    """Return how many servers served before, and at the fewest, in all groups together.

    Groups take turns, so that one is below what it was at a time: 4 and 2 before, 3 and 2 at the lowest, are 6 and 5.
    """
    known = [part.capacity for part in parts.values() if part.capacity]
    before = sum(capacity["before"] for capacity in known)
    return before, before - max((capacity["before"] - capacity["lowest"] for capacity in known), default=0)


def run(setting: Setting, record: Record, intent: Intent) -> Report:
    """Carry a deploy of one group out, from an intent that was begun, resumed, superseding or to be rolled back."""
    return Series(lambda _: setting, record, (intent,)).run()
