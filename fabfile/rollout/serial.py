"""Replace a group's servers in batches, each old one only after a new one serves in its place.

The rules of each phase are a table, read from the top: the first rule that has an answer decides. Its steps are
noted in the intent and the table is read again, so that one plan holds everything that can be done now; a rule
that has nothing to do but wait ends it.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import canary, ending, failing, granting, rolling, starting, workers
from .deciding import Rule
from .model import Intent, Observed, Phase, Policy
from .noticing import noticed
from .situation import Situation
from .steps import Converged, Plan, Step, Stopped, Wait

_SIZES: tuple[Rule, ...] = (granting.take, granting.grant)

_TROUBLE: tuple[Rule, ...] = (
    failing.deadline,
    failing.too_many_refusals,
    failing.save_evidence,
    failing.give_up,
)

_SERVERS: tuple[Rule, ...] = (
    starting.switch,
    failing.remove_failed,
    rolling.retire,
    rolling.launch,
    rolling.trim,
    rolling.await_servers,
    rolling.await_gone,
)

_RESTORING: tuple[Rule, ...] = (
    *_SIZES,
    failing.give_up,
    ending.restore_maximum,
    ending.restore_processes,
    ending.read_back,
    ending.end,
)

_ENDED: tuple[Rule, ...] = (ending.verdict,)

RULES: Mapping[Phase, tuple[Rule, ...]] = {
    Phase.ROLLING: (
        rolling.repeat_unanswered,
        *_SIZES,
        *_TROUBLE,
        starting.refuse_suspended,
        starting.await_stable,
        starting.suspend_rebalance,
        workers.workers_first,
        starting.switch,
        canary.watch,
        canary.launch,
        canary.bake,
        canary.approve,
        *_SERVERS,
        workers.workers_last,
        ending.restore,
    ),
    Phase.ROLLING_BACK: (
        rolling.repeat_unanswered,
        *_SIZES,
        *_TROUBLE,
        starting.suspend_rebalance,
        *_SERVERS,
        workers.workers_last,
        ending.restore,
    ),
    Phase.RESTORING: _RESTORING,
    Phase.ENDED: _ENDED,
}

WORKER_RULES: Mapping[Phase, tuple[Rule, ...]] = {
    Phase.ROLLING: (*_SIZES, *_TROUBLE, workers.workers_last, ending.restore),
    Phase.ROLLING_BACK: (*_SIZES, *_TROUBLE, workers.workers_last, ending.restore),
    Phase.RESTORING: (*_SIZES, failing.give_up, ending.end),
    Phase.ENDED: _ENDED,
}

_MOST_DECISIONS = 50  # a plan has a few; more means two rules that undo each other


def plan(observed: Observed, intent: Intent, policy: Policy, now: float) -> Plan:
    """Return everything that can be done now, at least one step, and the intent to record before it.

    The last step says `Wait`, `Converged` or `Stopped` when there is nothing else. `now` is the time of the look.
    """
    intent = noticed(observed, intent, policy, now)
    rules = RULES if intent.servers else WORKER_RULES
    steps: list[Step] = []
    for _ in range(_MOST_DECISIONS):
        decision = _first(rules[intent.phase], Situation(observed, intent, policy, now))
        resting = any(isinstance(step, Wait | Converged | Stopped) for step in decision.steps)
        if resting and steps:
            return Plan(intent, tuple(steps))
        intent = decision.intent
        steps.extend(decision.steps)
        if resting:
            return Plan(intent, tuple(steps))
    raise AssertionError(f"no end of decisions: {[step.reason for step in steps]}")


def _first(rules: tuple[Rule, ...], situation: Situation) -> Plan:
    """Return the answer of the first rule that has one; the last rule of every table always has."""
    for rule in rules:
        decision = rule(situation)
        if decision is not None:
            return decision
    raise AssertionError(f"no rule for {situation.intent.phase}")
