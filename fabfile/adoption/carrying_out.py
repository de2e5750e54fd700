"""Carry an adoption out, and take it back: one change per group, its inverse in the ledger before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..apply.launch_configs import release_of
from ..apply.ledger_contract import Record, Status, Unfinished
from ..apply.world import Clock
from ..aws.autoscaling import point_group
from ..aws.group_settings import GroupSettings, find_group_settings
from ..aws.launch_templates import create_template, named_templates, read_launch_config
from ..aws.session import Aws
from ..aws.translate import Refused
from ..errors import StoppedHalfway, UsageError
from .model import Change

TASK = "adopt"
_LOOK_EVERY = 1.0  # seconds
_READ_LAG = 30.0  # seconds that a read may lag behind a change of ours


def record_of(changes: Sequence[Change], deploy_id: str, deployment: str, environment: str, now: float) -> Record:
    """Return what the ledger keeps of an adoption before anything is changed."""
    return Record(
        id=deploy_id,
        task=TASK,
        deployment=deployment,
        environment=environment,
        launch_config=", ".join(each.target or f"{each.template.name if each.template else ''}:1" for each in changes),
        previous_launch_config=", ".join(each.before for each in changes),
        started=now,
        undo={each.group: each.before for each in changes},
    )


def carry_out(aws: Aws, change: Change, clock: Clock, check: Callable[[], None]) -> str:
    """Make the change and return what the group launches from now on, once it is seen to hold.

    `check` raises when the lock is lost. Repeating it is harmless: a template that was made before is found by its
    tags, and pointing a group twice at one version changes nothing.
    """
    target = change.target or _make(aws, change)
    check()
    point_group(aws, change.group, target)
    _see(aws, change.group, target, clock)
    return target


def take_back(aws: Aws, group: str, before: str, clock: Clock) -> bool:
    """Point a group at what it launched from before its adoption; False where it does so already.

    Raises `UsageError` where its servers run releases by now: they would be replaced by servers without one.
    """
    settings = find_group_settings(aws, group)
    what = f"undo the adoption of {group}"
    if settings is None:
        raise UsageError(what, "the group is gone")
    if str(settings.source) == before:
        return False
    _refuse_deployed(aws, settings, what)
    point_group(aws, group, before)
    _see(aws, group, before, clock)
    return True


def check_nothing_is_under_way(unfinished: Sequence[Unfinished], place: str) -> None:
    """Raise `StoppedHalfway` where a deploy has changed settings of a group and not yet put them back.

    They are found again by the launch template that the group has now.
    """
    begun = [each.record.id for each in unfinished if any(intent.begun for intent in each.intents)]
    if begun:
        next_step = f"Run fab resume:{place} or fab repair:{place} first"
        raise StoppedHalfway("undo the adoption", f"the deploy {begun[0]} has not ended", next_step)


def _refuse_deployed(aws: Aws, settings: GroupSettings, what: str) -> None:
    sources = {str(settings.source), *(each.source for each in settings.servers)}
    ours = sorted(each for each in sources if ":" in each and release_of(read_launch_config(aws, each)))
    if ours:
        raise UsageError(
            what,
            f"releases were deployed since: {', '.join(ours)}",
            "Deploy what was adopted first; `fab history` has it as the first deploy's previous launch config",
        )


def _make(aws: Aws, change: Change) -> str:
    assert change.template is not None
    try:
        return create_template(aws, change.template)
    except Refused:
        # The reply to an earlier attempt was lost, and what it made has the name now.
        for each in named_templates(aws, [change.template.name]):
            if change.template.tags.items() <= each.tags.items():
                return f"{each.id}:1"
        raise


def _see(aws: Aws, group: str, wanted: str, clock: Clock) -> None:
    """Wait until a read shows what the group launches from."""
    until = clock.now() + _READ_LAG
    while True:
        settings = find_group_settings(aws, group)
        if settings is not None and str(settings.source) == wanted:
            return
        if clock.now() > until:
            seen = str(settings.source) if settings else "no group"
            raise StoppedHalfway(f"see {group} launch from {wanted}", f"it shows {seen}", "Run the same command again")
        clock.sleep(_LOOK_EVERY)


def ended(record: Record, status: Status, reason: str, now: float, launch_config: str = "") -> Record:
    """Return the record of an adoption that ended so."""
    seconds = now - record.started
    wanted = launch_config or record.launch_config
    return replace(record, status=status, reason=reason, finished=now, seconds=seconds, launch_config=wanted)


def adoptions(history: Sequence[Record]) -> tuple[tuple[Record, ...], Mapping[str, str]]:
    """Return the adoptions that were not undone, and what each group launched from before the first of them.

    `history` is newest first. An adoption that died between two groups was followed by one of the second group.
    """
    found = tuple(each for each in history if each.undo and each.status is not Status.ROLLED_BACK)
    before: dict[str, str] = {}
    for record in found:
        before.update(record.undo)
    return found, before
