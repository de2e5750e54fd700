"""Make launch configs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from .run import Run


@changing
def create_launch_config_for_deployment(run: Run, changeset: str = "") -> None:
    """Build a release of a changeset, make a launch config of it, and print its name."""
    _create(run, changeset)


@changing
def create_launch_config(run: Run, changeset: str = "") -> None:
    """Do what create_launch_config_for_deployment does, under a shorter name."""
    _create(run, changeset)


def _create(run: Run, changeset: str) -> None:
    from ..apply.undertaking import new_deploy_id  # noqa: PLC0415  (boto3 is slow to import)
    from ..releases.source import Repository  # noqa: PLC0415
    from .wiring import locked, maker_of  # noqa: PLC0415

    environment = run.environment
    if run.dry_run:
        commit = Repository(environment.repository).resolve(changeset or environment.branch)
        run.output.result(f"would release {commit.short} ({commit.subject}) and make a launch config of it")
        return
    maker = maker_of(run)
    with locked(run, new_deploy_id(run.clock.now())) as lease:
        manifest = maker.release(changeset)
        lease.check()
        made = maker.make_for(manifest, environment.names.auto_scaling_groups)
    run.output.result(next(iter(made.values())).name)
