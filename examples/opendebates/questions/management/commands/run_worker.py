"""`manage.py run_worker`: do background jobs until told to stop."""

import logging
import signal
import threading

from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections, connection

from questions import work

log = logging.getLogger("questions.worker")


class Command(BaseCommand):
    help = "Do background jobs; SIGTERM lets the running one finish and takes no other."
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("--poll", type=float, default=0.5, help="seconds between looks at an empty queue")
        parser.add_argument("--until-empty", action="store_true", help="end once no job waits")

    def handle(self, *, poll, until_empty, **options):
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        log.info("worker begins")
        while not stop.is_set():
            if run_next_or_complain():
                continue
            if until_empty:
                break
            stop.wait(poll)
        log.info("worker ends")


def run_next_or_complain():
    """Run a job; a database that is away or not migrated yet is waited for, not died of."""
    try:
        return work.run_next()
    except DatabaseError as error:
        log.warning("cannot take a job: %s", str(error).partition("\n")[0])
        if not connection.in_atomic_block:
            connection.close()
        return False
    finally:
        close_old_connections()
