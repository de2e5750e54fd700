"""`fab migrate`: the live release's migrations, without a deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from .run import Run


@changing
def migrate(run: Run) -> None:
    """Run the live release's migrations once more, on one worker (or web server), under the database's lock.

    Deploys do this by themselves. It is for a database that was restored or changed by hand; the processes go on.
    """
    from ..apply.migrating import Migrating  # noqa: PLC0415  (boto3 is slow to import)
    from ..apply.undertaking import new_deploy_id  # noqa: PLC0415
    from ..errors import CommandFailed, UsageError  # noqa: PLC0415
    from .commanding import chosen_servers  # noqa: PLC0415
    from .wiring import locked, transport_of  # noqa: PLC0415

    if not run.environment.application.migrates:
        raise UsageError("migrate", "application.migrate of the config is none: there is nothing to run")
    since = run.clock.now()
    transport = transport_of(run.environment)
    migrating = Migrating(transport, run.clock, lambda what: run.output.waiting(what, since))
    if run.dry_run:
        chosen = migrating.choose(chosen_servers(run, "", ""))
        run.output.result(f"would run the migrations of {chosen.release} on {chosen.server.id} ({chosen.server.role})")
        return
    with locked(run, new_deploy_id(run.clock.now())) as lease:
        chosen = migrating.choose(chosen_servers(run, "", ""))
        lease.check()
        begun = "run already" if chosen.runs else "begin"
        run.output.progress(f"the migrations of {chosen.release} {begun} on {chosen.server.id}")
        try:
            said = migrating.run(chosen)
        except KeyboardInterrupt:
            seen = f"it was interrupted; the migrations of {chosen.release} go on on {chosen.server.id}"
            raise CommandFailed("wait for migrations", seen, "The same command waits for them") from None
    if said:
        run.output.result(said)
    run.output.progress(f"the migrations of {chosen.release} are done")
