"""Back databases up and restore them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .declare import changing, reading

if TYPE_CHECKING:
    from ..backups.catalogue import Backup
    from .run import Run

_FILE = {"file": "Also write the dump to this file, readable by you only."}
_BACKUP = {
    "backup": "Its id or key, as dbbackups shows them, or a file made by pg_dump --format=custom.",
    "no_backup": "Make no backup of what is there before.",
}
_RELOAD = {
    "source": "The environment whose newest backup is taken; the production environment if there is one.",
    "no_backup": "Make no backup of what is there before.",
}


@changing(help=_FILE)
def dbbackup(run: Run, file: str = "") -> None:
    """Back up the environment's database, by one of its servers, to the bucket of releases."""
    from .backing_up import Databases  # noqa: PLC0415  (boto3 is slow to import)

    databases = Databases(run)
    databases.check_new_file(file)
    if run.dry_run:
        run.output.result(f"{databases.server.name} would dump the database to {databases.catalogue.folder}")
        return
    backup = databases.make()
    if file:
        databases.write(backup, file)
    run.output.result(backup.key)


@reading
def dbbackups(run: Run, limit: int = 20) -> None:
    """List the backups of the environment's database, the newest first; they are kept until somebody deletes them."""
    from .backing_up import catalogue_of  # noqa: PLC0415

    backups = catalogue_of(run).complete(limit)
    if run.json:
        run.output.json(backups)
    elif backups:
        run.output.table(("made", "id", "size", "PostgreSQL", "key"), [_row(backup) for backup in backups])
    else:
        run.output.result(f"there is no backup of {run.environment.place} yet")


@changing(help=_BACKUP)
def dbrestore(run: Run, backup: str = "", no_backup: bool = False) -> None:
    """Replace the environment's database by a backup of it, whole or not at all; a backup is made before.

    It holds the deploy lock. Servers go on serving; a request that needs the database waits until it ends.
    """
    from ..errors import UsageError  # noqa: PLC0415
    from .backing_up import Databases  # noqa: PLC0415

    if not backup:
        place = run.environment.place
        raise UsageError(f"restore {place}", "it was not said what", f"Run fab dbbackups:{place} for what there is")
    databases = Databases(run)
    if run.dry_run:
        run.output.result(f"would replace the database of {run.environment.place} by {databases.named(backup)}")
        return
    databases.restore(lambda: databases.chosen(backup), keep=not no_backup)


@changing(help=_RELOAD)
def reload_production_db(run: Run, source: str = "", no_backup: bool = False) -> None:
    """Replace the environment's database by the newest backup of production; never a production environment's."""
    from .backing_up import Databases, source_of  # noqa: PLC0415

    production = source_of(run, source)
    databases = Databases(run, production)
    backup = databases.source.newest()
    if run.dry_run:
        run.output.result(f"would replace the database of {run.environment.place} by {backup.key}")
        return
    databases.agree(backup)
    databases.restore(lambda: backup, keep=not no_backup)


def _row(backup: Backup) -> tuple[str, ...]:
    from datetime import UTC, datetime  # noqa: PLC0415

    made = f"{datetime.fromtimestamp(backup.made, UTC):%Y-%m-%d %H:%M:%SZ}"
    return made, backup.id, backup.amount, backup.server or "–", backup.key
