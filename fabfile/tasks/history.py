"""`fab history`: what deploys did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .declare import reading

if TYPE_CHECKING:
    from ..apply.ledger_contract import Record
    from .run import Run

_HEADINGS = ("started", "task", "launch config", "status", "seconds", "replaced", "requests failed", "reason")


@reading
def history(run: Run, limit: int = 20) -> None:
    """Show the environment's deploys, the newest first."""
    from .wiring import ledger_of  # noqa: PLC0415  (boto3 is slow to import)

    environment = run.environment
    records = ledger_of(run.aws(), environment).history(environment.deployment, environment.name, limit)
    if run.json:
        run.output.json(records)
    elif records:
        run.output.table(_HEADINGS, [_row(record) for record in records])
    else:
        run.output.result(f"nothing was deployed to {environment.deployment} {environment.name} yet")


def _row(record: Record) -> tuple[str, ...]:
    probe = record.probe
    return (
        f"{datetime.fromtimestamp(record.started, UTC):%Y-%m-%d %H:%M:%SZ}",
        record.task,
        record.launch_config,
        record.status.value,
        f"{record.seconds:.1f}",
        str(len(record.instances.get("replaced", ()))),
        f"{probe['failed']} of {probe['total']}" if probe else "–",
        record.reason,
    )
