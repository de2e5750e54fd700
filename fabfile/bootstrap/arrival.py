"""See a new environment's first servers in: migrations on a worker, then every web server in service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..apply.workers import SeenWorkers
from ..apply.world import Clock, Outcome
from ..errors import StoppedHalfway, Unreachable
from ..rollout.model import Member, Migration
from ..rollout.steps import RunMigrations

OnWait = Callable[[str, float, float], None]


class Workers(Protocol):
    """The environment's workers, or its first web servers where there are none."""

    def observe(self, release: str) -> SeenWorkers: ...

    def apply(self, step: RunMigrations) -> Outcome: ...


@dataclass(frozen=True)
class Patience:
    """How often to look, and how long in all; seconds."""

    poll: float
    deadline: float


def migrate_first(workers: Workers, release: str, clock: Clock, patience: Patience, on_wait: OnWait) -> None:
    """Run a release's migrations on the first server that answers, and wait for their end.

    Raises `StoppedHalfway` when they fail, or when no server answers in time.
    """
    since = clock.now()
    until = since + patience.deadline
    seen = "no server is there yet"
    while clock.now() < until:
        found = SeenWorkers()
        try:
            found = workers.observe(release)
        except Unreachable as error:
            seen = error.seen
        if not found.workers and found.unseen:
            seen = "; ".join(f"{name} does not answer ({why})" for name, why in found.unseen)
        if found.workers:
            worker = found.workers[0]
            if worker.release and worker.release != release:
                return  # deploys came since: what workers run, and when it migrates, is theirs
            if worker.migration is Migration.DONE:
                return
            if worker.migration is Migration.FAILED:
                raise StoppedHalfway(
                    f"migrate the database for {release}",
                    f"{worker.id}: {worker.detail}",
                    "Mend the migration, commit it, then run deploy_serial",
                )
            if worker.migration is Migration.NONE and worker.release == release:
                workers.apply(RunMigrations("the database is new", worker.id, release))
            seen = f"migrations are {worker.migration} on {worker.id}, which runs {worker.release or 'nothing yet'}"
        on_wait(f"migrations: {seen}", since, until)
        clock.sleep(patience.poll)
    raise StoppedHalfway(
        f"migrate the database for {release}",
        f"{seen} after {patience.deadline:.0f} s",
        "See `fab describe`, then run the same command again",
    )


def await_service(
    look: Callable[[], tuple[Member, ...]], wanted: int, clock: Clock, patience: Patience, on_wait: OnWait
) -> None:
    """Wait until as many servers as wanted serve; raises `StoppedHalfway` after the deadline."""
    since = clock.now()
    until = since + patience.deadline
    while True:
        serving = sum(member.serving for member in look())
        if serving >= wanted:
            return
        if clock.now() >= until:
            raise StoppedHalfway(
                "fill the environment with web servers",
                f"{serving} of {wanted} serve after {patience.deadline:.0f} s",
                "See `fab describe` for the reasons, then run the same command again",
            )
        on_wait(f"web servers: {serving} of {wanted} serve", since, until)
        clock.sleep(patience.poll)
