"""Decide with which intent a deploy starts:

a new one, one that another process left, or one that supersedes it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..errors import StoppedHalfway
from ..rollout.intents import begin, resume, supersede
from ..rollout.model import Intent, Observed, Order, Phase
from ..rollout.trial import NO_TRIAL, Trial
from .ledger_contract import Ledger, Record, Status, Unfinished


@dataclass(frozen=True)
class Wanted:
    """What a deploy task was asked for."""

    task: str
    deployment: str
    environment: str
    target: str  # "lt-…:N"
    launch_config: str  # its name
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
    """A record and an intent to start the loop with."""

    record: Record
    intent: Intent


def new_deploy_id(now: float) -> str:
    """Return an id that sorts by time and that no two deploys share."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def can_resume(unfinished: Unfinished, task: str) -> bool:
    """Whether the same command goes on with it: it was on its way forward."""
    intent = unfinished.intent
    forward = intent.phase is Phase.ROLLING or (intent.phase is Phase.RESTORING and not intent.failure)
    return forward and not intent.failure and unfinished.record.task == task


def of_this_group(unfinished: tuple[Unfinished, ...], observed: Observed) -> tuple[Unfinished, ...]:
    """Return the deploys of the group that is there now.

    An environment that was destroyed and made again has other launch templates: what was before a deploy of the
    first one is nowhere to go back to.
    """
    template = observed.group.launch_config.partition(":")[0]
    return tuple(each for each in unfinished if each.intent.previous.partition(":")[0] in ("", template))


def undertake(
    wanted: Wanted, observed: Observed, unfinished: tuple[Unfinished, ...], deploy_id: str, now: float
) -> Undertaking:
    """Return what to start the loop with:

    an unfinished deploy of the same is resumed, another one superseded. Raises `StoppedHalfway` for workers
    alone when web servers are half-way: such a deploy would never give their group its settings back.
    """
    if unfinished:
        last = unfinished[0]
        same = (last.intent.target, last.intent.release) == (wanted.target, wanted.release)
        if can_resume(last, wanted.task) and same:
            return Undertaking(replace(last.record, status=Status.RUNNING), resume(last.intent))
        if last.intent.servers and last.intent.begun and not wanted.servers:
            where = f"{wanted.deployment},{wanted.environment}"
            raise StoppedHalfway(
                f"run {wanted.task}",
                f"{last.record.id} ({last.record.task}) left web servers half-way",
                f"Run fab resume:{where} or fab repair:{where} first",
            )
        intent = supersede(
            last.intent,
            deploy_id=deploy_id,
            target=wanted.target,
            started=now,
            release=wanted.release,
            worker_target=wanted.worker_target,
            trial=wanted.trial,
        )
        previous = intent.worker_previous or wanted.worker_previous
        intent = replace(
            intent,
            order=wanted.order,
            servers=wanted.servers,
            worker_previous=previous,
            migrates=wanted.migrates,
        )
    else:
        intent = begin(
            observed,
            deploy_id=deploy_id,
            target=wanted.target,
            started=now,
            release=wanted.release,
            previous_release=wanted.previous_release,
            worker_target=wanted.worker_target,
            worker_previous=wanted.worker_previous,
            order=wanted.order,
            servers=wanted.servers,
            trial=wanted.trial,
            migrates=wanted.migrates,
        )
    record = Record(
        id=deploy_id,
        task=wanted.task,
        deployment=wanted.deployment,
        environment=wanted.environment,
        launch_config=wanted.launch_config,
        previous_launch_config=intent.previous,
        changeset=wanted.commit,
        started=now,
    )
    return Undertaking(record, intent)


def close_superseded(ledger: Ledger, unfinished: tuple[Unfinished, ...], by: str, now: float) -> None:
    """Put on record that deploys ended because a later one, which is in the ledger by now, took them over."""
    for each in unfinished:
        if each.record.id != by:
            seconds = now - each.record.started
            ledger.finish(
                replace(
                    each.record,
                    status=Status.SUPERSEDED,
                    finished=now,
                    seconds=seconds,
                    reason=f"superseded by {by}",
                )
            )
