"""Write what a step brought about into the intent. Pure.

What was noted before a step is in `rollout.notes`; here is what is known after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..rollout.accounting import told_by_reply
from ..rollout.model import (
    Failure,
    InstallRelease,
    Intent,
    LaunchInstances,
    Plan,
    RunMigrations,
    SaveEvidence,
    StartWorker,
    Step,
    StopWorker,
    Terminate,
)
from ..rollout.notes import undone
from .world import Outcome


def before(plan: Plan) -> Intent:
    """Return the intent to record before the plan's first step: it counts all of them as taken."""
    return plan.intent


def after(intent: Intent, step: Step, outcome: Outcome) -> Intent:
    """Return the intent with the step's outcome in it."""
    if outcome.refusal:
        return _refused(intent, step, outcome.refusal)
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
    return intent


def _launched(intent: Intent, step: LaunchInstances, ids: tuple[str, ...]) -> Intent:
    """Enter the ids; fewer than asked for means that AWS launched fewer, and desired rose by as many."""
    token, missing = step.launch.token, step.launch.count - len(ids)
    launches = tuple(
        replace(launch, ids=ids, count=len(ids)) if launch.token == token else launch for launch in intent.launches
    )
    return replace(
        intent,
        launches=tuple(launch for launch in launches if launch.count),
        owned=intent.owned - missing,
    )


def _refused(intent: Intent, step: Step, refusal: str) -> Intent:
    """A refused launch counts as a failed server, a refused termination is looked into, the rest is trouble."""
    intent = undone(step, intent)
    match step:
        case LaunchInstances():
            why = f"a launch in {step.launch.zone} was refused: {refusal}"
            return replace(intent, failures=(*intent.failures, Failure("", why)))
        case Terminate():
            return replace(intent, refusals=intent.refusals + 1)
        case SaveEvidence():
            return replace(intent, examined=intent.examined + step.instances)
    return replace(intent, trouble=f"{type(step).__name__} was refused ({step.reason}): {refusal}")


def unanswered(intent: Intent, step: Step) -> Intent:
    """Return the intent after a call whose reply was lost: it may have taken effect or not.

    Launches are repeated with their token and terminations are followed by looking; a worker is asked again, which
    is harmless, because nothing else would tell.
    """
    if isinstance(step, StopWorker | InstallRelease | RunMigrations | StartWorker | SaveEvidence):
        return undone(step, intent)
    return intent


def not_taken(intent: Intent, steps: Iterable[Step]) -> Intent:
    """Return the intent without the notes of steps that were not come to."""
    for step in steps:
        intent = undone(step, intent)
    return intent
