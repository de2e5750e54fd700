"""`manage.py migrate`, never two at once: Django's own, under an advisory lock of the database."""

import contextlib

from django.core.management.commands import migrate
from django.db import connections

# Any number, as long as nothing else on the database locks it.
MIGRATIONS_LOCK = 7_208_846_401


class Command(migrate.Command):
    def handle(self, *args, **options):
        with locked(options["database"]):
            return super().handle(*args, **options)


@contextlib.contextmanager
def locked(alias):
    """Wait for the lock and hold it on a connection of its own, which dies with this process.

    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """
    if connections[alias].vendor != "postgresql":
        yield
        return
    holder = connections[alias].copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATIONS_LOCK])
        yield
    finally:
        holder.close()
