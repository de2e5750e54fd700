"""Write what a step brought about into the intent. Pure.

What was noted before a step is in `rollout.notes`; here is what is known after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..rollout.accounting import told_by_reply
from ..rollout.failing import PATIENCE
from ..rollout.model import Failure, Intent, Retirement
from ..rollout.notes import undone
from ..rollout.sizing import granted, refused
from ..rollout.steps import (
    LaunchInstances,
    LookAtTraffic,
    Plan,
    ResumeProcesses,
    SaveEvidence,
    SetMaximum,
    SetSizes,
    Step,
    SuspendProcesses,
    SwitchLaunchConfig,
    SwitchWorkerConfig,
    Terminate,
)
from .world import Outcome

_SETTINGS = (SwitchLaunchConfig, SwitchWorkerConfig, SetMaximum, SetSizes, SuspendProcesses, ResumeProcesses)


def before(plan: Plan) -> Intent:
    """Return the intent to record before the plan's first step: it counts all of them as taken."""
    return plan.intent


def after(intent: Intent, step: Step, outcome: Outcome) -> Intent:
    """Return the intent with the step's outcome in it."""
    if outcome.refusal:
        # A look that was refused is taken again.
        return intent if isinstance(step, LookAtTraffic) else _refused(intent, step, outcome.refusal)
    if outcome.desired_from is not None:
        intent = told_by_reply(intent, outcome.desired_from, step.at)
    if isinstance(step, LaunchInstances):
        return _launched(intent, step, outcome.ids)
    if isinstance(step, Terminate):
        answered = tuple(
            replace(each, answered=True) if each.instance == step.instance else each for each in intent.retiring
        )
        return replace(intent, retiring=answered, refusals=0)
    if isinstance(step, SaveEvidence):
        return replace(intent, evidence=intent.evidence + outcome.evidence)
    if outcome.traffic is not None:
        return replace(intent, trial=intent.trial.with_traffic(outcome.traffic))
    if isinstance(step, SetSizes):
        intent = granted(intent)
    return replace(intent, refusals=0) if isinstance(step, _SETTINGS) else intent


def _launched(intent: Intent, step: LaunchInstances, ids: tuple[str, ...]) -> Intent:
    """Enter the ids; fewer than asked for means that AWS launched fewer, and desired rose by as many."""
    token, missing = step.launch.token, step.launch.count - len(ids)
    launches = tuple(
        replace(launch, ids=ids, count=len(ids)) if launch.token == token else launch for launch in intent.launches
    )
    return replace(
        intent,
        refusals=0,
        launches=tuple(launch for launch in launches if launch.count),
        owned=intent.owned - missing,
    )


def _refused(intent: Intent, step: Step, refusal: str) -> Intent:
    """Look into refused launches and terminations first; the rest is trouble.

    The read that they were decided on may have been older than somebody's change: a server that may not be
    terminated is mostly gone, and is asked for again only when reads go on to show it. A launch that is refused
    `PATIENCE` times in a row counts as a failed server, terminations as trouble (`failing.too_many_refusals`).
    Settings are asked for as often: AWS refuses them while it is busy with the group, or throttles. An operator's
    sizes that it goes on to refuse are no trouble of the deploy's.
    """
    intent = undone(step, intent)
    if isinstance(step, (*_SETTINGS, LaunchInstances)) and intent.refusals + 1 < PATIENCE:
        return replace(intent, refusals=intent.refusals + 1)
    match step:
        case LaunchInstances():
            why = f"a launch in {step.launch.zone} was refused {PATIENCE} times: {refusal}"
            return replace(intent, refusals=0, failures=(*intent.failures, Failure("", why)))
        case Terminate():
            asked = Retirement(step.instance, step.at, decrement=False, replaces=False, answered=True)
            return replace(intent, refusals=intent.refusals + 1, retiring=(*intent.retiring, asked))
        case SaveEvidence():
            return replace(intent, examined=intent.examined + step.instances)
        case SetSizes():
            return refused(replace(intent, refusals=0), refusal)
    return replace(intent, trouble=f"{type(step).__name__} was refused ({step.reason}): {refusal}")


def unanswered(intent: Intent, step: Step) -> Intent:
    """Return the intent after a call whose reply was lost: it may have taken effect or not.

    Launches are repeated with their token and terminations are followed by looking; everything else is asked for
    again, which is harmless. Sizes stay noted until then: a read may show what they were or what they are to be.
    """
    return intent if isinstance(step, LaunchInstances | Terminate | SetSizes) else undone(step, intent)


def not_taken(intent: Intent, steps: Iterable[Step]) -> Intent:
    """Return the intent without the notes of steps that were not come to."""
    for step in steps:
        intent = undone(step, intent)
    return intent
