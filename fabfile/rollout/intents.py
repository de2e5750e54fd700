"""Begin a deploy's intent, and take up one that another process left behind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from .failing import backwards
from .model import Group, Intent, Observed, Order, Phase
from .situation import serves
from .trial import NO_TRIAL, Trial


def begin(
    observed: Observed,
    *,
    deploy_id: str,
    target: str,
    started: float,
    turn: int = 1,
    release: str = "",
    previous_release: str = "",
    worker_target: str = "",
    worker_previous: str = "",
    order: Order = Order.FIRST,
    servers: bool = True,
    trial: Trial = NO_TRIAL,
    migrates: bool = True,
) -> Intent:
    """Return the intent of a new deploy, from the world as it is before anything is changed."""
    group = observed.group
    return Intent(
        deploy_id=deploy_id,
        target=target,
        previous=what_serves(group, target),
        group=group.name,
        turn=turn,
        release=release,
        previous_release=previous_release,
        worker_target=worker_target,
        worker_previous=worker_previous,
        order=order,
        servers=servers,
        trial=trial,
        migrates=migrates,
        started=started,
        desired=group.desired,
        floor=sum(serves(member, group) for member in group.members),
    )


def what_serves(group: Group, target: str) -> str:
    """Return the launch config to go back to: what most serving servers run that are not on the target.

    The group's own one counts only when nothing serves on another: it may be what failed the last time. Servers of a
    launch configuration, or attached by hand, run what no version is: an adopted group's own one stands for them.
    """
    others = Counter(
        member.launch_config
        for member in group.members
        if ":" in member.launch_config and member.launch_config != target and serves(member, group)
    )
    if others:
        return others.most_common(1)[0][0]
    return group.launch_config


def resume(intent: Intent) -> Intent:
    """Return the intent as another process goes on with it.

    Clocks start anew, a canary's too. What was asked for is asked for again: whether the calls were made is not known.
    """
    return replace(
        intent,
        slot_since=None,
        workers_since=None,
        serving_since=(),
        ailing=(),
        asked=(),
        trial=intent.trial.anew(),
    )


def seen_again(intent: Intent, observed: Observed) -> Intent:
    """Return the intent of a group that nothing was changed in, with the sizes that the group has now."""
    group = observed.group
    return replace(intent, desired=group.desired, floor=sum(serves(member, group) for member in group.members))


@dataclass(frozen=True)
class Before:
    """What a group and its workers ran before a deploy."""

    launch_config: str
    release: str
    worker_config: str
    tried: tuple[str, ...]  # what it is to be rid of then


def what_was_before(intent: Intent) -> Before:
    """Return what a deploy that has begun goes back to; one that does so already has it as its target."""
    if intent.phase is Phase.ROLLING_BACK or intent.failure:
        return Before(intent.target, intent.release, intent.worker_target, (*intent.tried, intent.previous))
    return Before(intent.previous, intent.previous_release, intent.worker_previous, (*intent.tried, intent.target))


def supersede(
    intent: Intent,
    *,
    deploy_id: str,
    target: str,
    started: float,
    release: str = "",
    worker_target: str = "",
    trial: Trial = NO_TRIAL,
) -> Intent:
    """Return a new deploy's intent that takes over an unfinished one's surge and undo data.

    It goes back, should it fail, to what the unfinished one would have gone back to.
    """
    before = what_was_before(intent)
    return replace(
        resume(intent),
        deploy_id=deploy_id,
        target=target,
        previous=before.launch_config,
        tried=before.tried,
        release=release,
        previous_release=before.release,
        worker_target=worker_target,
        worker_previous=before.worker_config,
        phase=Phase.ROLLING,
        trial=trial,
        started=started,
        launched=0,
        coming=(),
        failures=(),
        examined=(),
        refusals=0,
        trouble="",
        stuck="",
        migrated=False,
        failure="",
        evidence=(),
        replaced=(),
        skipped=(),
    )


def roll_back(intent: Intent, reason: str) -> Intent:
    """Return the intent that brings an unfinished deploy back to what was before it."""
    fresh = replace(resume(intent), trouble="", stuck="", failures=(), refusals=0)
    if fresh.phase is Phase.ROLLING:
        return backwards(fresh, reason)
    if fresh.phase is Phase.RESTORING and not fresh.failure:
        return fresh
    return replace(fresh, phase=Phase.ROLLING_BACK)
