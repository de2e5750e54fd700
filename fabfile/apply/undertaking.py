"""Decide with which intents a deploy starts:

new ones, those that another process left, or some that supersede them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..errors import StoppedHalfway
from ..rollout.intents import begin, supersede, what_was_before
from ..rollout.model import Group, Intent, Observed, Order, Phase
from ..rollout.sequence import Standing, go_on, standing
from ..rollout.trial import NO_TRIAL, Trial
from .ledger_contract import Ledger, Record, Status, Unfinished


@dataclass(frozen=True)
class Wanted:
    """What a deploy task was asked for."""

    task: str
    deployment: str
    environment: str
    targets: Mapping[str, str]  # from each group to "lt-…:N", in the order of the deploy
    launch_config: str  # its name, the same in every group
    commit: str
    release: str
    previous_release: str
    order: Order
    servers: bool = True
    worker_target: str = ""  # what the workers' group is to launch; "" leaves it alone
    worker_previous: str = ""  # what it launches now
    trial: Trial = NO_TRIAL
    migrates: bool = True  # the release has something to do before it meets its database


@dataclass(frozen=True)
class Undertaking:
    """A record and the intents to start with, one for each group in their order."""

    record: Record
    intents: tuple[Intent, ...]


def new_deploy_id(now: float) -> str:
    """Return an id that sorts by time and that no two deploys share."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def can_resume(unfinished: Unfinished, task: str) -> bool:
    """Whether the same command goes on with it: it was on its way forward in every group."""
    backwards = any(each.phase is Phase.ROLLING_BACK or each.failure or each.stuck for each in unfinished.intents)
    return not backwards and unfinished.record.task == task


def of_groups_that_are_there(
    unfinished: tuple[Unfinished, ...], templates: Mapping[str, str], stack_group: str
) -> tuple[Unfinished, ...]:
    """Return the deploys, and the parts of deploys, of groups that are there now.

    `templates` are the launch templates of the groups that are. A group that was deleted has nothing left to finish;
    an environment that was destroyed and made again has other templates, and what was before a deploy of the first
    one is nowhere to go back to. An intent without a group is one of the time when there was only the stack's.
    """
    found = []
    for each in unfinished:
        named = (replace(intent, group=intent.group or stack_group) for intent in each.intents)
        there = tuple(intent for intent in named if _is_there(intent, templates))
        if there:
            found.append(replace(each, intents=there))
    return tuple(found)


def _is_there(intent: Intent, templates: Mapping[str, str]) -> bool:
    return intent.group in templates and intent.previous.partition(":")[0] in ("", templates[intent.group])


def undertake(
    wanted: Wanted, groups: Mapping[str, Group], unfinished: tuple[Unfinished, ...], deploy_id: str, now: float
) -> Undertaking:
    """Return what to start with: an unfinished deploy of the same is resumed, another one superseded.

    `groups` are the wanted ones as seen now. Raises `StoppedHalfway` for workers alone when web servers are half-way,
    and for some groups when others are: nobody would give those their settings back.
    """
    last = unfinished[0] if unfinished else None
    if last and _is_the_same(last, wanted):
        intents = _with_new_groups(go_on(last.intents), wanted, groups, now)
        return Undertaking(replace(last.record, status=Status.RUNNING), intents)
    if last:
        _refuse_to_abandon(last, wanted)
    intents = _intents(wanted, groups, last.intents if last else (), deploy_id, now)
    record = Record(
        id=deploy_id,
        task=wanted.task,
        deployment=wanted.deployment,
        environment=wanted.environment,
        launch_config=wanted.launch_config,
        previous_launch_config=intents[0].previous,
        changeset=wanted.commit,
        started=now,
    )
    return Undertaking(record, intents)


def _is_the_same(last: Unfinished, wanted: Wanted) -> bool:
    """Whether it is an unfinished deploy of the same release to the same groups, or to some of them."""
    targets = all(
        (wanted.targets.get(each.group), wanted.release) == (each.target, each.release) for each in last.intents
    )
    return targets and can_resume(last, wanted.task)


def _refuse_to_abandon(last: Unfinished, wanted: Wanted) -> None:
    where = f"{wanted.deployment},{wanted.environment}"
    changed = [each for each in last.intents if each.servers and each.begun]
    left = [each.group for each in changed if each.group not in wanted.targets]
    what = f"run {wanted.task}"
    next_step = f"Run fab resume:{where} or fab repair:{where} first"
    if changed and not wanted.servers:
        raise StoppedHalfway(what, f"{last.record.id} ({last.record.task}) left web servers half-way", next_step)
    if left:
        what = f"{what} on {', '.join(wanted.targets)} alone"
        raise StoppedHalfway(what, f"{last.record.id} left {', '.join(left)} half-way", next_step)


def _with_new_groups(
    intents: tuple[Intent, ...], wanted: Wanted, groups: Mapping[str, Group], now: float
) -> tuple[Intent, ...]:
    """Add the groups that came since to a deploy that is resumed, before the one that workers come after."""
    known = {intent.group for intent in intents}
    new: list[Intent] = []
    for group in wanted.targets:
        if group not in known:
            turn = 1 + len(new) + max(intent.turn for intent in intents)
            deploy_id = intents[0].deploy_id
            new.append(_new(wanted, groups[group], deploy_id=deploy_id, now=now, turn=turn, order=Order.NEVER))
    last = len(intents) - (intents[-1].order is Order.LAST)
    return (*intents[:last], *new, *intents[last:])


def _intents(
    wanted: Wanted, groups: Mapping[str, Group], left: tuple[Intent, ...], deploy_id: str, now: float
) -> tuple[Intent, ...]:
    """Return the intents of a new deploy; a group that an earlier one left half-way comes first.

    An empty group comes where nothing depends on it: the first and the last one with servers are who runs migrations,
    where there are no workers, and who is tried as a canary.
    """
    before = {intent.group: intent for intent in left if intent.begun}
    unsettled = _unsettled(left)
    empty = {group for group in wanted.targets if not groups[group].members}
    late = empty if wanted.order is not Order.LAST else wanted.targets.keys() - empty
    names = sorted(wanted.targets, key=lambda group: (group not in unsettled, group in late))
    full = [group for group in names if group not in empty] or names
    carrier = {Order.FIRST: full[0], Order.LAST: full[-1], Order.NEVER: ""}[wanted.order]
    found = []
    for turn, group in enumerate(names, 1):
        order = wanted.order if group == carrier else Order.NEVER
        intent = _new(wanted, groups[group], deploy_id=deploy_id, now=now, turn=turn, order=order)
        if group == full[0]:  # what passes here is no canary in the others
            intent = replace(intent, trial=wanted.trial)
        if group in unsettled:
            intent = _taken_over(before[group], intent)
        elif group in before:
            intent = _going_back_as_far(before[group], intent)
        found.append(intent)
    return tuple(found)


def begins_with(groups: Mapping[str, Group], unfinished: tuple[Unfinished, ...]) -> str:
    """Return the group with servers that a deploy of these begins with, and that migrates first where it has to."""
    unsettled = _unsettled(unfinished[0].intents if unfinished else ())
    full = sorted((name for name, group in groups.items() if group.members), key=lambda name: name not in unsettled)
    return next(iter(full), "")


def _unsettled(left: tuple[Intent, ...]) -> frozenset[str]:
    """Return the groups that a deploy was in the middle of."""
    middle = (Standing.UNDER_WAY, Standing.HALF_WAY)
    return frozenset(intent.group for intent in left if intent.begun and standing(intent) in middle)


def _new(wanted: Wanted, group: Group, *, deploy_id: str, now: float, turn: int, order: Order) -> Intent:
    return begin(
        Observed(group),
        deploy_id=deploy_id,
        target=wanted.targets[group.name],
        started=now,
        turn=turn,
        release=wanted.release,
        previous_release=wanted.previous_release,
        worker_target=wanted.worker_target,
        worker_previous=wanted.worker_previous,
        order=order,
        servers=wanted.servers,
        migrates=wanted.migrates,
    )


def _taken_over(left: Intent, new: Intent) -> Intent:
    """Return the intent that supersedes one with surge and settings in the air."""
    intent = supersede(
        left,
        deploy_id=new.deploy_id,
        target=new.target,
        started=new.started,
        release=new.release,
        worker_target=new.worker_target,
        trial=new.trial,
    )
    return replace(
        intent,
        turn=new.turn,
        order=new.order,
        servers=new.servers,
        worker_previous=intent.worker_previous or new.worker_previous,
        migrates=new.migrates,
    )


def _going_back_as_far(left: Intent, new: Intent) -> Intent:
    """Return the intent of a group that an unfinished deploy was through with: nothing of it is left but its past."""
    before = what_was_before(left)
    return replace(
        new,
        previous=before.launch_config,
        tried=before.tried,
        previous_release=before.release,
        worker_previous=before.worker_config or new.worker_previous,
    )


def close_superseded(ledger: Ledger, unfinished: tuple[Unfinished, ...], by: str, now: float) -> None:
    """Put on record that deploys ended because a later one, which is in the ledger by now, took them over."""
    others = tuple(each for each in unfinished if each.record.id != by)
    close(ledger, others, f"superseded by {by}", now)


def close(ledger: Ledger, unfinished: tuple[Unfinished, ...], reason: str, now: float) -> None:
    """Put on record that nothing of these deploys is left to finish, and why."""
    for each in unfinished:
        seconds = now - each.record.started
        status = Status.SUPERSEDED
        ledger.finish(replace(each.record, status=status, finished=now, seconds=seconds, reason=reason))
