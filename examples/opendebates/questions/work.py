"""Background jobs: put them down, take one, do it.

A job is taken by locking its row for as long as it runs. A worker that dies leaves nothing behind: its
transaction ends, the row is free, and the next worker starts the job again. So a job's work is in the same
transaction as the mark that it is done.
"""

import logging
import socket
import time

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from .models import Job, Tally, Vote

log = logging.getLogger("questions.work")


def enqueue(kind, **argument):
    """Put down a job of a kind that `KINDS` names."""
    if kind not in KINDS:
        raise ValueError(f"no job is of the kind {kind!r}, only {', '.join(sorted(KINDS))}")
    return Job.objects.create(kind=kind, argument=argument)


def run_next():
    """Run the oldest job that no other worker has taken; False when there is none."""
    with transaction.atomic():
        job = Job.objects.select_for_update(skip_locked=True).filter(finished=None).order_by("id").first()
        if job is None:
            return False
        log.info("job %s %s begins", job.pk, job.kind)
        try:
            with transaction.atomic():
                KINDS[job.kind](**job.argument)
                # They are deferred to the end of the transaction, where the job could not be marked as failed.
                connection.check_constraints()
        except Exception as error:
            log.exception("job %s %s failed", job.pk, job.kind)
            job.error = f"{type(error).__name__}: {error}"
        job.finished = timezone.now()
        job.worker = socket.gethostname()
        job.release = settings.RELEASE
        job.save()
    log.info("job %s %s ended", job.pk, job.kind)
    return True


def tally(question):
    """Count the votes on a question."""
    votes = Vote.objects.filter(question=question).count()
    Tally.objects.update_or_create(question_id=question, defaults={"votes": votes, "counted": timezone.now()})


def pause(seconds):
    """Take a while, to watch a deploy wait for a worker's job."""
    time.sleep(seconds)


KINDS = {"tally": tally, "pause": pause}
