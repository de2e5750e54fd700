"""Observe, plan, record, apply, until nothing is left to do in one group or its rollout has stopped."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..errors import StoppedHalfway, Unreachable, UsageError
from ..locks.contract import Lease
from ..rollout.model import Intent, Observed, Phase, Policy
from ..rollout.serial import plan as plan_serial
from ..rollout.situation import is_old, serves
from ..rollout.steps import Converged, LookAtTraffic, Plan, SaveEvidence, Step, Stopped, Wait
from ..rollout.trial import Sample
from ..rollout.wish import Wish
from .events import (
    Ended,
    EvidenceSaved,
    Listener,
    Looked,
    OutOfReach,
    PhaseChanged,
    StepRefused,
    StepTaken,
    TrafficSeen,
    Waiting,
)
from .ledger_contract import Ledger
from .recording import after, before, not_taken, unanswered
from .report import Report, status_of
from .world import Clock, World

Planner = Callable[[Observed, Intent, Policy, float], Plan]
NEXT_STEP = "Run `fab resume` to go on, or `fab repair` to go back"


@dataclass(frozen=True)
class Pace:
    """How often to look, in seconds, and for how long to bear with a world that does not answer."""

    poll: float = 5.0
    after_change: float = 1.0  # until the look after a change, if that is less than `poll`
    spread: float = 0.2  # part of `poll` that is left to chance, so that deploys don't look in step
    patience: float = 300.0
    chance: Callable[[], float] = random.SystemRandom().random

    def pause(self, changed: bool) -> float:
        """Return how long to wait before the next look."""
        seconds = min(self.poll, self.after_change) if changed else self.poll
        return seconds * (1 + self.spread * (self.chance() - 0.5))


@dataclass(frozen=True)
class Setting:
    """All that a deploy works with."""

    world: World
    ledger: Ledger
    lease: Lease
    clock: Clock
    policy: Policy
    pace: Pace = field(default_factory=Pace)
    planner: Planner = plan_serial
    tell: Listener = lambda _: None
    api_calls: Callable[[], Mapping[str, int]] = dict
    site: Callable[[], Sample | None] = lambda: None  # all requests to the site so far, where somebody makes some
    wish: Callable[[], Wish | None] = lambda: None  # the newest sizes that an operator asked for


class GroupRollout:
    """The rollout of one group, from the intent that it is begun, resumed or turned round with, to its end.

    The ledger knows the deploy already: `series` begins and finishes it.
    """

    def __init__(self, setting: Setting, intent: Intent) -> None:
        self._setting = setting
        self._intent = intent
        self._turns = 0
        self._started = setting.clock.now()
        self._before: int | None = None
        self._lowest: int | None = None
        self._silent_since: float | None = None
        self._steps: list[tuple[float, Step]] = []

    @property
    def intent(self) -> Intent:
        """The intent as it stands now."""
        return self._intent

    def run(self) -> Report:
        """Go on until the rollout has ended, and return how.

        Raises `Unreachable` when the world did not answer for the pace's patience and nothing was changed yet, and
        `StoppedHalfway` when something was, or when the lease is lost; the ledger then holds what to go on from.
        """
        setting = self._setting
        while True:
            last = self._turn()
            if isinstance(last, Converged | Stopped):
                return self._end(last)
            setting.clock.sleep(setting.pace.pause(changed=not isinstance(last, Wait)))

    def _turn(self) -> Step:
        """Look once and do what can be done; return the last step that was come to."""
        clock = self._setting.clock
        try:
            observed = self._observe()
        except Unreachable as error:
            return self._bear_with(error)
        except UsageError as error:
            if not self._intent.begun:
                raise
            raise StoppedHalfway("finish the deploy", error.seen, NEXT_STEP) from error
        self._silent_since = None
        now = clock.now()
        self._turns += 1
        self._count(observed, now)
        phase = self._intent.phase
        plan = self._setting.planner(observed, self._intent, self._setting.policy, now)
        self._intent = before(plan)
        if self._intent.phase is not phase:
            reason = self._intent.stuck or self._intent.failure or "nothing is left to replace"
            self._setting.tell(PhaseChanged(now, self._intent.phase, reason))
        return self._take(plan.steps)

    def _observe(self) -> Observed:
        """Look at the world, and at what was said to us while we wait for an approval."""
        observed = replace(self._setting.world.observe(self._intent), wish=self._setting.wish())
        if self._intent.trial.paused_since is None or self._intent.phase is not Phase.ROLLING:
            return observed
        return replace(observed, approval=self._setting.ledger.approval(self._intent.deploy_id))

    def _take(self, steps: tuple[Step, ...]) -> Step:
        """Take steps until one is refused or not answered; what is left over is planned anew."""
        if not isinstance(steps[0], Wait | Converged | Stopped):
            self._save()
        for number, step in enumerate(steps):
            if isinstance(step, Wait):
                self._setting.lease.check()  # whoever has the lock now hears what is waited for
                self._setting.tell(Waiting(self._setting.clock.now(), step))
                return step
            if isinstance(step, Converged | Stopped):
                return step
            if not self._apply(step):
                self._intent = not_taken(self._intent, steps[number + 1 :])
                self._save()
                return step
        self._save()
        return steps[-1]

    def _apply(self, step: Step) -> bool:
        """Take one step; say whether the next one may follow."""
        setting = self._setting
        setting.lease.check()
        try:
            outcome = setting.world.apply(step)
        except Unreachable as error:
            self._intent = unanswered(self._intent, step)
            self._bear_with(error)
            return False
        if outcome.traffic is not None:
            outcome = replace(outcome, traffic=replace(outcome.traffic, site=setting.site()))
        self._intent = after(self._intent, step, outcome)
        now = setting.clock.now()
        if isinstance(step, LookAtTraffic):
            setting.tell(TrafficSeen(now, self._intent.trial))
            return True
        if outcome.refusal:
            setting.tell(StepRefused(now, step, outcome.refusal))
            return isinstance(step, SaveEvidence)
        self._steps.append((now - self._started, step))
        setting.tell(StepTaken(now, step, outcome.ids))
        if outcome.evidence:
            setting.tell(EvidenceSaved(now, outcome.evidence))
        return True

    def _save(self) -> None:
        intent = self._intent
        keep(self._setting, lambda: self._setting.ledger.save(intent))

    def _bear_with(self, error: Unreachable) -> Wait:
        """Wait for a world that does not answer, but not for ever."""
        setting = self._setting
        now = setting.clock.now()
        since = now if self._silent_since is None else self._silent_since
        self._silent_since = since
        until = since + setting.pace.patience
        if now > until or not error.passing:
            if not self._intent.begun:
                raise error
            self._save()
            seen = f"no answer for {now - since:.0f} s ({error})" if error.passing else str(error)
            raise StoppedHalfway("finish the deploy", seen, NEXT_STEP) from error
        setting.tell(OutOfReach(now, str(error), since, until))
        return Wait(str(error), since, until, at=now)

    def _count(self, observed: Observed, now: float) -> None:
        group = observed.group
        serving = [member for member in group.members if serves(member, group)]
        if self._before is None:
            # A deploy that was begun before has surge in service already: capacity is what served before that.
            self._before = min(len(serving), self._intent.floor) if self._intent.begun else len(serving)
            self._lowest = self._before
        self._lowest = min(self._lowest or 0, len(serving))
        new = sum(not is_old(member, self._intent) for member in serving)
        self._setting.tell(Looked(now, observed, len(serving), group.desired, new))

    def _end(self, last: Converged | Stopped) -> Report:
        """Tell how it ended; the ledger learns it from `series`, together with what comes next."""
        report = Report(
            status=status_of((self._intent,)),
            reason=last.reason,
            intents=(self._intent,),
            seconds=self._setting.clock.now() - self._started,
            turns=self._turns,
            capacity_before=self._before or 0,
            capacity_lowest=self._lowest or 0,
            api_calls=dict(self._setting.api_calls()),
            steps=tuple(self._steps),
        )
        self._setting.tell(Ended(self._setting.clock.now(), report.status, report.reason))
        return report


def keep(setting: Setting, write: Callable[[], None]) -> None:
    """Write to the ledger, again and again while it is out of reach and the lease is held."""
    since = setting.clock.now()
    until = since + setting.pace.patience
    while True:
        try:
            return write()
        except Unreachable as error:
            now = setting.clock.now()
            if now > until or not error.passing:
                raise StoppedHalfway("keep the ledger of the deploy", error.seen, NEXT_STEP) from error
            setting.tell(OutOfReach(now, str(error), since, until))
        setting.clock.sleep(setting.pace.poll)
        setting.lease.check()
