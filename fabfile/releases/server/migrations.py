"""Run a release's migrations once, detached from whoever asked, and never two at a time on one database.

What comes after them (`post_migrate`) is part of them: it runs on the same server, under the same lock.

A status file for each release says how far they are. Whether "running" is still true is told by a lock on a file beside
it, which the runner and the migrate command hold for as long as they live: no process id that was used again can lie.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from .appenv import command, environment, redacted
from .failures import ServerError
from .layout import Layout, read_json, write
from .processes import log_tail

# Any number, as long as nothing else in the database locks it; an application may hold one of its own besides.
ADVISORY_LOCK = 7_208_846_402
TAIL = 20  # lines
COMMANDS = ("migrate", "post_migrate")  # in this order, those that the release has


def state(layout: Layout, release: str) -> dict[str, Any]:
    """Return a release's status; {"state": "none"} when they never ran. One whose runner died has failed."""
    found = read_json(layout.migrations / f"{release}.json")
    if not found:
        return {"release": release, "state": "none"}
    if found.get("state") == "running":
        with _lock_file(layout, release) as file:
            alone = _nobody_has(file)
        # Read again: the runner may have finished between the first look and the lock.
        found = read_json(layout.migrations / f"{release}.json") if alone else found
        if alone and found.get("state") == "running":
            return {**found, "state": "failed", "log_tail": "the process that ran them died"}
    return found


def migrate(layout: Layout, release: str, again: bool = False, anew: bool = False) -> dict[str, Any]:
    """Start a release's migrations unless they run, and return the status.

    Those that failed are run `again`, those that are done `anew`, only when that is wanted.
    """
    document = layout.record(release)
    with layout.locked("migrate"):
        before = state(layout, release)
        wanted = {"none": True, "failed": again or anew, "done": anew}
        if not wanted.get(before["state"], False):
            return before
        with _lock_file(layout, release) as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)  # nobody has it now but, for a moment, somebody who looks
            status = {"release": release, "state": "running", "boot_id": _boot_id(), "started": time.time()}
            _note(layout, release, status)
            with (layout.log / _log_name(release)).open("ab") as log:
                subprocess.Popen(
                    [document.python, str(layout.program), "run-migrations", "--release", release],
                    env=environment(layout, document),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # whoever asked may go; with it gone, init adopts the runner
                    pass_fds=(file.fileno(),),  # the lock stays taken until the last who has it ends
                )
    return status


def run(layout: Layout, release: str) -> int:
    """Run the commands under the database's lock and note how they ended: the detached part of `migrate`."""
    document = layout.record(release)
    status = {**read_json(layout.migrations / f"{release}.json"), "pid": os.getpid()}
    _note(layout, release, status)
    commands = [command(layout, document, name) for name in COMMANDS if document.commands.get(name)]
    try:
        with _database_lock(layout):
            code = _run_in_turn(commands, layout.release(release))
    except (OSError, ServerError) as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        code = 1
    tail = redacted(layout, release, log_tail(layout, _log_name(release).removesuffix(".log"), TAIL))
    ended = {"state": "failed" if code else "done", "exit": code, "finished": time.time(), "log_tail": tail}
    _note(layout, release, {**status, **ended})
    return code


def _run_in_turn(commands: Sequence[Sequence[str]], folder: Path) -> int:
    """Run commands until one fails, and return its exit code; each holds the status's lock for as long as it lives."""
    held = [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2] if sys.platform == "linux" else []
    for words in commands:
        ended = subprocess.run(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            check=False,
            pass_fds=tuple(number for number in held if _is_open(number)),
        )
        if ended.returncode:
            return ended.returncode
    return 0


@contextlib.contextmanager
def _database_lock(layout: Layout) -> Iterator[None]:
    """Hold PostgreSQL's advisory lock in a session of its own, or a file's where there is no such server.

    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """
    if not os.environ.get("DATABASE_HOST"):
        with layout.locked("database"):
            yield
        return
    connection = _connect()
    try:
        connection.cursor().execute(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
        yield
    finally:
        connection.close()


def _connect() -> Any:
    """Connect with whichever driver the release brings; an error's text is the driver's, which shows no password."""
    settings = {
        "host": os.environ["DATABASE_HOST"],
        "port": os.environ.get("DATABASE_PORT", "5432"),
        "dbname": os.environ.get("DATABASE_NAME", ""),
        "user": os.environ.get("DATABASE_USER", ""),
        "password": os.environ.get("DATABASE_PASSWORD", ""),
    }
    for name in ("psycopg", "psycopg2"):
        with contextlib.suppress(ImportError):
            driver = importlib.import_module(name)
            try:
                connection = driver.connect(**{key: value for key, value in settings.items() if value})
            except driver.Error as error:
                raise ServerError("take the database's lock", str(error).strip()) from error
            connection.autocommit = True
            return connection
    raise ServerError(
        "take the database's lock",
        "DATABASE_HOST is set, but the release brings neither psycopg nor psycopg2",
        "Add one of them to its requirements",
    )


@contextlib.contextmanager
def _lock_file(layout: Layout, release: str) -> Iterator[IO[str]]:
    with (layout.migrations / f".{release}.lock").open("a") as file:
        yield file


def _nobody_has(file: IO[str]) -> bool:
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, so that two who look agree
    except BlockingIOError:
        return False
    return True


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _note(layout: Layout, release: str, status: dict[str, Any]) -> None:
    write(layout.migrations / f"{release}.json", json.dumps(status))


def _log_name(release: str) -> str:
    return f"migrate-{release}.log"


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""
