"""Get back to safety after a deploy that did not end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from ..apply.report import Report
    from ..rollout.model import Intent
    from .run import Run


@changing
def resume(run: Run) -> None:
    """Go on with the deploy that did not end, from wherever its deployer died."""
    from ..rollout.intents import resume as taken_up  # noqa: PLC0415  (the loop is slow to import)
    from .deploying import conclude  # noqa: PLC0415

    report = _go_on(run, taken_up)
    if report is not None:
        conclude(run, report)


@changing
def repair(run: Run) -> None:
    """Bring back what was before the deploy that did not end: launch config, servers, sizes, processes."""
    from ..apply.ledger_contract import Status  # noqa: PLC0415
    from ..rollout.intents import roll_back  # noqa: PLC0415
    from .deploying import conclude  # noqa: PLC0415

    report = _go_on(run, lambda intent: roll_back(intent, "fab repair"))
    if report is None:
        return
    if report.status is Status.HALF_WAY:
        conclude(run, report)
    run.output.progress("what was before the deploy is back")


def _go_on(run: Run, take_up: Callable[[Intent], Intent]) -> Report | None:
    from ..apply.undertaking import Undertaking, close_superseded, new_deploy_id  # noqa: PLC0415
    from ..rollout.model import Phase  # noqa: PLC0415
    from .deploying import Request, conduct, pick_unfinished, share_static  # noqa: PLC0415
    from .wiring import ledger_of, locked, maker_of, world_of  # noqa: PLC0415

    if run.dry_run:
        found = pick_unfinished(ledger_of(run.aws(), run.environment), run)
        run.output.result(f"would take up {found.record.id}" if found else "every deploy has ended")
        return None
    with locked(run, new_deploy_id(run.clock.now())) as lease:
        ledger = ledger_of(run.aws(), run.environment, lease.token)
        unfinished = ledger.unfinished(run.environment.deployment, run.environment.name)
        if not unfinished:
            run.output.progress("every deploy has ended: there is nothing to do")
            return None
        found = unfinished[0]
        # A deploy that died right after it took an earlier one over left that one open.
        close_superseded(ledger, unfinished, found.record.id, run.clock.now())
        run.output.progress(f"taking up {found.record.id} ({found.record.task})")
        maker = maker_of(run)
        world = world_of(run, maker, run.environment.names.stack_group)
        undertaking = Undertaking(found.record, take_up(found.intent))
        if undertaking.intent.phase is Phase.ROLLING and undertaking.intent.servers:
            # It may have died before it did that, and what is there already is not fetched again.
            share_static(run, maker, undertaking.intent.release, world.observe_group())
        return conduct(run, undertaking, Request(probe=False), world=world, ledger=ledger, lease=lease)
