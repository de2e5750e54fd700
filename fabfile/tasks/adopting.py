"""`fab adopt` and `fab undo_adoption`: groups that were made by hand, for deploys to work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..adoption.model import Change, Seen, Verdict
    from ..apply.dynamo_ledger import DynamoLedger
    from ..locks.contract import Lease
    from .run import Run

_ALL = 100_000  # records of the ledger, in which an adoption may be the first


@changing(only_with="apply", help={"apply": "Change what is shown; without it nothing is."})
def adopt(run: Run, apply: bool = False, json: bool = False) -> None:
    """Show autoscaling groups made by hand, and what has to change before releases can be deployed to them.

    With --apply a launch configuration becomes a launch template that makes the same servers, and the group is pointed
    at its version by number. Servers that run, balancers, sizes and all other settings stay as they are. `fab
    undo_adoption` takes it back.
    """
    if not apply or run.dry_run:
        _show(run, *_look(run), as_json=json)
        return
    from ..apply.undertaking import new_deploy_id  # noqa: PLC0415  (boto3 is slow to import)
    from .wiring import ledger_of, locked  # noqa: PLC0415

    deploy_id = new_deploy_id(run.clock.now())
    with locked(run, deploy_id) as lease:
        seen, verdicts = _look(run)
        _refuse(run, verdicts)
        changes = [verdict.change for verdict in verdicts if verdict.change]
        if changes:
            ledger = ledger_of(run.aws(), run.environment, lease.token)
            _carry_out(run, seen, changes, ledger=ledger, lease=lease, deploy_id=deploy_id)
    _show(run, *_look(run), as_json=json)


@changing
def undo_adoption(run: Run) -> None:
    """Point adopted groups at what they launched from before; refused once releases were deployed to them."""
    from ..adoption.carrying_out import adoptions, check_nothing_is_under_way, ended, take_back  # noqa: PLC0415
    from ..apply.ledger_contract import Status  # noqa: PLC0415
    from ..apply.undertaking import new_deploy_id  # noqa: PLC0415
    from ..errors import UsageError  # noqa: PLC0415
    from .wiring import ledger_of, locked  # noqa: PLC0415

    deployment, environment = run.environment.deployment, run.environment.name
    reading = ledger_of(run.aws(), run.environment)
    records, before = adoptions(reading.history(deployment, environment, _ALL))
    if not before:
        raise UsageError(f"undo the adoption of {deployment} {environment}", "none is in the ledger")
    if run.dry_run:
        for group, source in before.items():
            run.output.result(f"would point {group} at {source}")
        return
    with locked(run, new_deploy_id(run.clock.now())) as lease:
        ledger = ledger_of(run.aws(), run.environment, lease.token)
        check_nothing_is_under_way(ledger.unfinished(deployment, environment), f"{deployment},{environment}")
        for group, source in before.items():
            lease.check()
            done = take_back(run.aws(), group, source, run.clock)
            run.output.result(f"{group} launches from {source}" + ("" if done else " already"))
        for record in records:
            ledger.finish(ended(record, Status.ROLLED_BACK, "undone", run.clock.now()))


def _look(run: Run) -> tuple[tuple[Seen, ...], tuple[Verdict, ...]]:
    from ..adoption.decision import decide  # noqa: PLC0415
    from ..adoption.seeing import expected_of, see  # noqa: PLC0415

    expected = expected_of(run.aws(), run.environment)
    seen = see(run.aws(), run.environment, expected)
    return seen, tuple(decide(each, expected) for each in seen)


def _show(run: Run, seen: Sequence[Seen], verdicts: Sequence[Verdict], *, as_json: bool) -> None:
    from .adoption_report import SERVERS, as_document, facts, outcome, rows  # noqa: PLC0415

    if as_json:
        run.output.json([as_document(each, verdict) for each, verdict in zip(seen, verdicts, strict=True)])
    else:
        for each, verdict in zip(seen, verdicts, strict=True):
            for line in facts(each):
                run.output.result(line)
            run.output.table(SERVERS, rows(each))
            for line in outcome(each, verdict, f"{run.environment.deployment},{run.environment.name}"):
                run.output.result(line)
    _refuse(run, verdicts)


def _refuse(run: Run, verdicts: Sequence[Verdict]) -> None:
    """Raise `UsageError` with all that stands in the way."""
    from ..errors import UsageError  # noqa: PLC0415

    problems = [problem for verdict in verdicts for problem in verdict.problems]
    if problems:
        raise UsageError(f"adopt {run.environment.deployment} {run.environment.name}", "; ".join(problems))


def _carry_out(
    run: Run, seen: Sequence[Seen], changes: Sequence[Change], *, ledger: DynamoLedger, lease: Lease, deploy_id: str
) -> None:
    from ..adoption.carrying_out import ended, record_of  # noqa: PLC0415
    from ..apply.ledger_contract import Status  # noqa: PLC0415
    from ..errors import FabscaleError  # noqa: PLC0415

    environment = run.environment
    record = record_of(changes, deploy_id, environment.deployment, environment.name, run.clock.now())
    # No intent: where to go on from is seen in the account, and the record holds the way back.
    ledger.finish(record)
    try:
        targets = _change(run, changes, lease)
    except FabscaleError as error:
        ledger.finish(ended(record, Status.HALF_WAY, str(error), run.clock.now()))
        raise
    _compare(run, seen)
    ledger.finish(ended(record, Status.DEPLOYED, "adopted", run.clock.now(), ", ".join(targets)))


def _change(run: Run, changes: Sequence[Change], lease: Lease) -> list[str]:
    from ..adoption.carrying_out import carry_out  # noqa: PLC0415

    targets = []
    for change in changes:
        lease.check()
        target = carry_out(run.aws(), change, run.clock, lease.check)
        run.output.progress(f"{change.group} launches from {target}, and no more from {change.before}")
        targets.append(target)
    return targets


def _compare(run: Run, seen: Sequence[Seen]) -> None:
    """Say so if something else than what the groups launch from is not as it was."""
    from ..aws.group_settings import find_group_settings  # noqa: PLC0415

    for each in seen:
        after = find_group_settings(run.aws(), each.group.name)
        if after is None or after.kept != each.group.kept:
            run.output.warning(f"somebody else changed settings of {each.group.name} meanwhile")
