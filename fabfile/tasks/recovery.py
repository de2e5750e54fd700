"""Get back to safety after a deploy that did not end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from ..apply.ledger_contract import Unfinished
    from ..apply.report import Report
    from ..rollout.model import Intent
    from .marking import Marking
    from .run import Run

    TakeUp = Callable[[tuple[Intent, ...]], tuple[Intent, ...]]


@changing
def resume(run: Run) -> None:
    """Go on with the deploy that did not end, from wherever its deployer died; approve one that is paused."""
    from ..rollout.sequence import go_on  # noqa: PLC0415  (the loop is slow to import)
    from .conducting import conclude  # noqa: PLC0415
    from .marking import Marking  # noqa: PLC0415

    with Marking(run) as marking:
        report = _take_up(run, go_on, marking, goes_on=True)
        if report is not None:
            conclude(run, report)


@changing
def repair(run: Run) -> None:
    """Bring back what was before the deploy that did not end; one that is paused and lives is told to go back."""
    from ..apply.ledger_contract import Status  # noqa: PLC0415
    from ..rollout.sequence import go_back  # noqa: PLC0415
    from .conducting import conclude  # noqa: PLC0415
    from .marking import Marking  # noqa: PLC0415

    with Marking(run) as marking:
        report = _take_up(run, lambda intents: go_back(intents, "fab repair"), marking, goes_on=False)
        if report is not None and report.status is Status.HALF_WAY:
            conclude(run, report)
    if report is None:
        return
    if report.status is Status.DEPLOYED:
        run.output.progress("every server ran the new release already: the deploy was finished")
    else:
        run.output.progress("what was before the deploy is back")


def _take_up(run: Run, turned: TakeUp, marking: Marking, *, goes_on: bool) -> Report | None:
    from ..apply.left_over import with_groups_that_are_there  # noqa: PLC0415
    from ..apply.undertaking import Undertaking, close, close_superseded, new_deploy_id  # noqa: PLC0415
    from .approving import paused, told  # noqa: PLC0415
    from .conducting import conduct  # noqa: PLC0415
    from .deploying import Request  # noqa: PLC0415
    from .marking import foretell_markers  # noqa: PLC0415
    from .wiring import ledger_of, locked, maker_of  # noqa: PLC0415

    place = run.environment.deployment, run.environment.name
    stack_group = run.environment.names.stack_group
    if run.dry_run:
        ledger = ledger_of(run.aws(), run.environment)
        unfinished = ledger.unfinished(*place)
        if waits := paused(ledger, run):
            word = "approve" if goes_on else "reject"
            run.output.result(f"would {word} {waits.record.id}, which is paused; if its deployer has died:")
        _foretell(run, with_groups_that_are_there(run.aws(), stack_group, unfinished, run.output.warning), turned)
        foretell_markers(run)
        return None
    if told(run, granted=goes_on):
        return None
    with locked(run, new_deploy_id(run.clock.now())) as lease:
        ledger = ledger_of(run.aws(), run.environment, lease.token)
        unfinished = ledger.unfinished(*place)
        there = with_groups_that_are_there(run.aws(), stack_group, unfinished, run.output.warning)
        if not there:
            close(ledger, unfinished, "its groups are gone", run.clock.now())
            run.output.progress("every deploy has ended: there is nothing to do")
            return None
        found = there[0]
        # A deploy that died right after it took an earlier one over left that one open.
        close_superseded(ledger, unfinished, found.record.id, run.clock.now())
        run.output.progress(f"taking up {found.record.id} ({found.record.task})")
        maker = maker_of(run)
        undertaking = Undertaking(found.record, turned(found.intents))
        marking.begin_anyhow(found.record.id, found.record.launch_config, found.record.changeset)
        lease.check()
        _share_static(run, undertaking.intents)
        return conduct(run, undertaking, Request(probe=False), maker=maker, ledger=ledger, lease=lease)


def _share_static(run: Run, intents: tuple[Intent, ...]) -> None:
    """Do what the deploy may have died before; what is there already is not fetched again."""
    from ..rollout.model import Phase  # noqa: PLC0415
    from .conducting import share_static  # noqa: PLC0415
    from .wiring import maker_of, world_of  # noqa: PLC0415

    maker = maker_of(run)
    for intent in intents:
        if intent.phase is Phase.ROLLING and intent.servers and not any(each.failure for each in intents):
            share_static(run, maker, intent.release, world_of(run, maker, intent.group).observe_group())


def _foretell(run: Run, unfinished: tuple[Unfinished, ...], turned: TakeUp) -> None:
    from ..rollout.sequence import standing, whose_turn  # noqa: PLC0415

    if not unfinished:
        run.output.result("every deploy has ended")
        return
    found = unfinished[0]
    run.output.result(f"would take up {found.record.id} ({found.record.task} of {found.record.launch_config})")
    for intent in found.intents:
        run.output.result(f"{intent.group}: {standing(intent)}")
    first = whose_turn(turned(found.intents))
    if first is not None:
        run.output.result(f"begins with {first.group}, which goes to {first.target}")
