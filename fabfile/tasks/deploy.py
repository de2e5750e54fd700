"""Roll releases out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from .deploying import Request
    from .run import Run

_SLOT = {
    "slot_deadline": "Seconds for a batch to come into service before the rollout stops; the config's if left out."
}


@changing(help=_SLOT)
def deploy_serial(  # noqa: PLR0917  (its parameters are the command's options)
    run: Run,
    launch_config: str = "",
    batch: str = "",
    migrate_last: bool = False,
    no_worker: bool = False,
    slot_deadline: float = 0.0,
    no_probe: bool = False,
    probe_rate: float = 0.0,
    groups: str = "",
    canary: str = "",
    bake_time: float = 0.0,
    pause: bool = False,
) -> None:
    """Replace every web server, new before old, without losing a request; workers and migrations first.

    Several groups take turns; when one goes back, those before it do too.
    Without a launch config it makes one of the environment's branch. The same command after a deployer died
    goes on where it stopped. A batch that does not come into service stops the rollout and goes back, and so does a
    canary that fails more requests than the old servers.
    """
    from ..rollout.model import Order  # noqa: PLC0415  (as boto3 and the loop, it is slow to import)
    from .deploying import Request  # noqa: PLC0415

    order = Order.NEVER if no_worker else Order.LAST if migrate_last else Order.FIRST
    _deploy(
        run,
        Request(
            launch_config=launch_config,
            batch=batch,
            order=order,
            slot_deadline=slot_deadline,
            probe=not no_probe,
            probe_rate=probe_rate,
            groups=groups,
            canary=canary,
            bake_time=bake_time,
            pause=pause,
        ),
    )


@changing
def deploy_worker(run: Run, changeset: str = "") -> None:
    """Give workers a release: they finish their job, migrations run, they start again; web servers stay."""
    from .deploying import Request  # noqa: PLC0415

    _deploy(run, Request(changeset=changeset, servers=False))


def _deploy(run: Run, request: Request) -> None:
    from .deploying import Rollout  # noqa: PLC0415

    rollout = Rollout(run, request)
    if run.dry_run:
        rollout.foretell()
    else:
        rollout.carry_out()
