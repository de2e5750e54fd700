"""Suspend and resume scaling processes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from ..aws.session import Aws
    from .run import Run

    Change = Callable[[Aws, str, Collection[str]], None]

PROCESSES = (
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
)


@changing
def suspend_autoscaling_processes(run: Run, processes: str = "") -> None:
    """Suspend the web group's scaling processes; all of them if none is named."""
    from ..aws.autoscaling import suspend_processes  # noqa: PLC0415  (boto3 is slow to import)

    _change(run, processes, suspend_processes, "suspend")


@changing
def resume_autoscaling_processes(run: Run, processes: str = "") -> None:
    """Resume the web group's scaling processes; all of them if none is named."""
    from ..aws.autoscaling import resume_processes  # noqa: PLC0415

    _change(run, processes, resume_processes, "resume")


def _change(run: Run, processes: str, change: Change, verb: str) -> None:
    """Change the processes and read back what holds."""
    from ..apply.undertaking import new_deploy_id  # noqa: PLC0415
    from ..aws.autoscaling import describe_group  # noqa: PLC0415
    from .wiring import locked  # noqa: PLC0415

    wanted = _parse(processes, verb)
    aws, group = run.aws(), run.environment.names.stack_group
    if run.dry_run:
        suspended = sorted(describe_group(aws, group).group.suspended)
        run.output.result(
            f"would {verb} {', '.join(wanted)} of {group} (suspended now: {', '.join(suspended) or 'none'})"
        )
        return
    with locked(run, new_deploy_id(run.clock.now())) as lease:
        lease.check()
        change(aws, group, wanted)
        suspended = sorted(describe_group(aws, group).group.suspended)
    run.output.result(f"{group}: suspended: {', '.join(suspended) or 'none'}")


def _parse(processes: str, verb: str) -> tuple[str, ...]:
    from difflib import get_close_matches  # noqa: PLC0415  (used for errors only)

    from ..errors import UsageError  # noqa: PLC0415

    names = tuple(filter(None, (name.strip() for name in processes.split(","))))
    for name in names:
        if name not in PROCESSES:
            near = get_close_matches(name, PROCESSES, n=1) or PROCESSES
            raise UsageError(f"{verb} {name!r}", "that is no scaling process", f"Did you mean {', '.join(near)}?")
    return names or PROCESSES
