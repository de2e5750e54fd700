"""Suspend and resume scaling processes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from .declare import changing
from .groups import chosen_groups

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
def suspend_autoscaling_processes(run: Run, processes: str = "", groups: str = "") -> None:
    """Suspend the web groups' scaling processes; all of them if none is named."""
    from ..aws.autoscaling import suspend_processes  # noqa: PLC0415  (boto3 is slow to import)

    _change(run, processes, groups, suspend_processes, "suspend")


@changing
def resume_autoscaling_processes(run: Run, processes: str = "", groups: str = "") -> None:
    """Resume the web groups' scaling processes; all of them if none is named."""
    from ..aws.autoscaling import resume_processes  # noqa: PLC0415

    _change(run, processes, groups, resume_processes, "resume")


def _change(run: Run, processes: str, groups: str, change: Change, verb: str) -> None:
    """Change the processes and read back what holds."""
    from ..apply.undertaking import new_deploy_id  # noqa: PLC0415
    from ..aws.autoscaling import describe_group  # noqa: PLC0415
    from .wiring import locked  # noqa: PLC0415

    wanted, names, aws = _parse(processes, verb), chosen_groups(run, groups), run.aws()
    suspended: Callable[[str], str] = lambda name: (  # noqa: E731
        ", ".join(sorted(describe_group(aws, name).group.suspended)) or "none"
    )
    before = {name: suspended(name) for name in names}  # also finds a group that is not there before one is changed
    if run.dry_run:
        for name in names:
            run.output.result(f"would {verb} {', '.join(wanted)} of {name} (suspended now: {before[name]})")
        return
    with locked(run, new_deploy_id(run.clock.now())) as lease:
        for name in names:
            lease.check()
            change(aws, name, wanted)
            run.output.result(f"{name}: suspended: {suspended(name)}")


def _parse(processes: str, verb: str) -> tuple[str, ...]:
    from difflib import get_close_matches  # noqa: PLC0415  (used for errors only)

    from ..errors import UsageError  # noqa: PLC0415

    names = tuple(filter(None, (name.strip() for name in processes.split(","))))
    for name in names:
        if name not in PROCESSES:
            near = get_close_matches(name, PROCESSES, n=1) or PROCESSES
            raise UsageError(f"{verb} {name!r}", "that is no scaling process", f"Did you mean {', '.join(near)}?")
    return names or PROCESSES
