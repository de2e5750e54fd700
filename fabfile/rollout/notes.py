"""Note in the intent that a step is about to be taken, and take the note back if it was not.

Notes come before calls: a deploy that dies between them finds the note, and the planner, which looks at the
world again, either sees the effect or asks once more.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

from . import sizing
from .model import Asked, Intent, Move, Phase, Retirement
from .steps import (
    AskForApproval,
    Deregister,
    InstallRelease,
    LaunchInstances,
    LookAtTraffic,
    ResumeProcesses,
    RunMigrations,
    SaveEvidence,
    SetMaximum,
    SetSizes,
    StartWorker,
    Step,
    StopWorker,
    SuspendProcesses,
    SwitchLaunchConfig,
    SwitchWorkerConfig,
    Terminate,
)


def asked_for(step: Step) -> tuple[tuple[str, str], ...]:
    """Return what an idempotent step asks for, as (what, value); nothing for the others."""
    wants: tuple[tuple[str, str], ...] = ()
    match step:
        case SwitchLaunchConfig():
            wants = (("launch config", step.launch_config),)
        case SetMaximum():
            wants = (("maximum", str(step.maximum)),)
        case SetSizes():
            limits = (("minimum", step.minimum), ("maximum", step.maximum))
            wants = tuple((what, str(value)) for what, value in limits if value is not None)
        case SuspendProcesses():
            wants = tuple((f"process {name}", "suspended") for name in sorted(step.processes))
        case ResumeProcesses():
            wants = tuple((f"process {name}", "running") for name in sorted(step.processes))
        case Deregister():
            wants = ((f"deregister {step.instance}", ",".join(step.balancers)),)
        case StopWorker():
            wants = ((f"stop {step.worker}", ""),)
        case InstallRelease():
            wants = ((f"install {step.worker}", step.release),)
        case RunMigrations():
            wants = (("migrate", step.release),)
        case SwitchWorkerConfig():
            wants = (("worker config", step.launch_config),)
        case StartWorker():
            wants = ((f"start {step.worker}", step.release),)
    return wants


@singledispatch
def noted(step: Step, intent: Intent) -> Intent:
    """Return the intent that counts the step as taken."""
    wants = asked_for(step)
    if not wants:
        return intent
    names = {what for what, _ in wants}
    kept = tuple(asked for asked in intent.asked if asked.what not in names)
    return replace(intent, begun=True, asked=kept + tuple(Asked(what, value, step.at) for what, value in wants))


@noted.register
def _(step: SetSizes, intent: Intent) -> Intent:
    """What an operator asked for is no change of the deploy's: whether it has begun stays as it is."""
    names = {what for what, _ in asked_for(step)}
    kept = tuple(each for each in intent.asked if each.what not in names)
    news = tuple(Asked(what, value, step.at) for what, value in asked_for(step))
    return sizing.asked(step, replace(intent, asked=kept + news))


@noted.register
def _(step: LaunchInstances, intent: Intent) -> Intent:
    """A first call raises what we own; a repeated one has the same token and was counted already."""
    launch = step.launch
    others = tuple(each for each in intent.launches if each.token != launch.token)
    expected = intent.desired + intent.owned
    if len(others) < len(intent.launches):
        unanswered = sum(each.count for each in intent.launches if not each.ids)
        moves = tuple(Move(step.at, value) for value in range(expected - unanswered, expected))
        return replace(intent, launches=(*others, launch), moves=intent.moves + moves)
    return replace(
        intent,
        begun=True,
        launched=intent.launched + 1,
        launches=(*others, launch),
        owned=intent.owned + launch.count,
        moves=(*intent.moves, Move(step.at, expected)),
        slot_since=step.at if intent.slot_since is None else intent.slot_since,
    )


@noted.register
def _(step: Terminate, intent: Intent) -> Intent:
    # On the way back the servers that go are those that failed: nobody's place was taken for good.
    replaces = step.replaces and intent.phase is Phase.ROLLING
    retirement = Retirement(step.instance, step.at, step.decrement, replaces)
    intent = _forgotten(step.instance, intent)
    intent = replace(intent, begun=True, retiring=(*intent.retiring, retirement))
    if step.replaces:
        intent = replace(intent, slot_since=None)
    if not step.decrement:
        return intent
    move = Move(step.at, intent.desired + intent.owned)
    return replace(intent, owned=intent.owned - 1, moves=(*intent.moves, move))


def _forgotten(instance: str, intent: Intent) -> Intent:
    """Expect a server no more: one that is gone at the next look has not failed, and no launch is late for it."""
    launches = []
    for launch in intent.launches:
        ids = tuple(name for name in launch.ids if name != instance)
        if ids or not launch.ids:  # without ids the reply is missing
            launches.append(replace(launch, ids=ids))
    coming = tuple((name, since) for name, since in intent.coming if name != instance)
    return replace(intent, launches=tuple(launches), coming=coming)


@noted.register
def _(step: SaveEvidence, intent: Intent) -> Intent:
    return replace(intent, examined=intent.examined + step.instances)


@noted.register
def _(step: LookAtTraffic, intent: Intent) -> Intent:
    return replace(intent, trial=replace(intent.trial, looked_at=step.at))


@noted.register
def _(step: AskForApproval, intent: Intent) -> Intent:
    return replace(intent, trial=replace(intent.trial, paused_since=step.at))


@singledispatch
def undone(step: Step, intent: Intent) -> Intent:
    """Return the intent without the note of a step that was refused or never taken."""
    names = {what for what, _ in asked_for(step)}
    return replace(intent, asked=tuple(asked for asked in intent.asked if asked.what not in names))


@undone.register
def _(step: SetSizes, intent: Intent) -> Intent:
    names = {what for what, _ in asked_for(step)}
    return sizing.not_asked(step, replace(intent, asked=tuple(e for e in intent.asked if e.what not in names)))


@undone.register
def _(step: LaunchInstances, intent: Intent) -> Intent:
    """Its number is not used again: a token stands for one call with one set of values."""
    kept = tuple(launch for launch in intent.launches if launch.token != step.launch.token)
    if len(kept) == len(intent.launches):
        return intent
    return replace(intent, launches=kept, owned=intent.owned - step.launch.count)


@undone.register
def _(step: Terminate, intent: Intent) -> Intent:
    kept = tuple(each for each in intent.retiring if each.instance != step.instance)
    if len(kept) == len(intent.retiring):
        return intent
    return replace(intent, retiring=kept, owned=intent.owned + (1 if step.decrement else 0))


@undone.register
def _(step: SaveEvidence, intent: Intent) -> Intent:
    return replace(intent, examined=tuple(each for each in intent.examined if each not in step.instances))
