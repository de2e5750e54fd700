"""Restart what servers run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from .run import Run

_HELP = {
    "command": "status, start, stop or restart.",
    "group": "web, or worker (celery is understood).",
    "process": "Nothing but the group's name: all processes of a server's group start and stop together.",
}
_HOUR = 3600.0  # a worker's job may take so long


@changing(help=_HELP, own_first=True)
def supervisor(  # noqa: PLR0917  (its parameters are the command's options)
    run: Run,
    command: str = "",
    group: str = "",
    process: str = "",
    roles: str = "",
    instance: str = "",
    parallel: int = 10,
    timeout: float = _HOUR,
    json: bool = False,
) -> None:
    """Start, stop or restart what supervisor runs on servers, or say how it is.

    Stopping lets it finish what it does. Web servers restart one after the other, each once the one before is healthy
    again; what balancers send to one meanwhile is lost, and stays so after stop: restart_web loses nothing.
    """
    from .supervising import Supervising, parse  # noqa: PLC0415  (boto3 is slow to import)

    action = parse(command, group, process)
    Supervising(run, action, parallel, timeout).carry_out(roles, instance)


@changing(own_first=True)
def restart_worker(  # noqa: PLR0917  (its parameters are the command's options)
    run: Run, roles: str = "", instance: str = "", parallel: int = 10, timeout: float = _HOUR, json: bool = False
) -> None:
    """Let workers finish their jobs and start them again, all at once; the release stays."""
    from .supervising import Action, Supervising  # noqa: PLC0415

    Supervising(run, Action("restart", "worker"), parallel, timeout).carry_out(roles, instance)


@changing(own_first=True)
def restart_web(run: Run, groups: str = "", batch: str = "") -> None:
    """Replace the web servers by new ones of the release that they run, new before old, without losing a request.

    A process that restarts behind a balancer loses what it is sent meanwhile; a new server does not, and fetches
    settings and secrets anew. `fab resume` and `fab repair` know it like any deploy.
    """
    from ..apply.undertaking import new_deploy_id  # noqa: PLC0415
    from ..rollout.model import Order  # noqa: PLC0415
    from .deploying import Request, Rollout  # noqa: PLC0415
    from .groups import chosen_groups  # noqa: PLC0415
    from .supervising import live_release  # noqa: PLC0415
    from .wiring import locked, maker_of  # noqa: PLC0415

    chosen, maker = chosen_groups(run, groups), maker_of(run)
    release = live_release(run, maker, chosen)
    if run.dry_run:
        run.output.result(f"would replace the web servers of {', '.join(chosen)} by new ones of release {release}")
        return
    with locked(run, new_deploy_id(run.clock.now())) as lease:
        manifest = maker.stored(release)
        lease.check()
        made = maker.make_for(manifest, chosen)
    name = next(iter(made.values())).name
    Rollout(run, Request(launch_config=name, order=Order.NEVER, groups=groups, batch=batch)).carry_out()
