"""With PostgreSQL, workers share the jobs, and migrations run one after another."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.opendebates.processes import Site, ended, eventually, free_port, killed, postgres, postgres_programs

MIGRATIONS_LOCK = 7_208_846_401

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def database() -> Iterator[dict[str, str]]:
    """A PostgreSQL of these tests' own, in a folder that its user can get to."""
    programs = postgres_programs()
    if programs is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("there is no PostgreSQL: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="fabscale-postgres-") as folder:
        Path(folder).chmod(0o755)
        with postgres(Path(folder, "server"), programs) as settings:
            yield settings


@pytest.fixture
def site(database: dict[str, str], tmp_path: Path) -> Iterator[Site]:
    """A site with an empty, migrated database."""
    site = Site(tmp_path, {**database, "RELEASE": "r1"}, free_port())
    site.manage("migrate")
    yield site
    with connected(site) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def connected(site: Site) -> psycopg.Connection:
    environ = site.environ
    return psycopg.connect(
        host=environ["DATABASE_HOST"],
        port=environ["DATABASE_PORT"],
        user=environ["DATABASE_USER"],
        dbname=environ["DATABASE_NAME"],
        autocommit=True,
    )


def test_the_job_of_a_worker_that_was_killed_is_done_by_another(site: Site) -> None:
    site.manage("enqueue", "pause", '{"seconds": 30}')
    with ended(site.start("manage.py", "run_worker")) as worker:
        eventually(lambda: "pause begins" in site.log(), "the job begins")
        killed(worker)
    with connected(site) as connection:
        connection.execute("""UPDATE questions_job SET argument = '{"seconds": 0}'""")
    site.manage("run_worker", "--until-empty")
    with connected(site) as connection:
        assert connection.execute("SELECT error FROM questions_job WHERE finished IS NOT NULL").fetchall() == [("",)]


def test_two_workers_never_do_the_same_job(site: Site) -> None:
    for _ in range(3):
        site.manage("enqueue", "pause", '{"seconds": 0.2}')
    workers = [site.start("manage.py", "run_worker", "--until-empty") for _ in range(2)]
    for worker in workers:
        with ended(worker):
            assert worker.wait(60) == 0
    begun = [line.split()[-3] for line in site.log().splitlines() if line.endswith("pause begins")]
    assert sorted(begun) == ["1", "2", "3"]


def test_a_job_that_breaks_a_constraint_is_marked_and_not_tried_for_ever(site: Site) -> None:
    site.manage("enqueue", "tally", '{"question": -1}')
    site.manage("run_worker", "--until-empty")
    with connected(site) as connection:
        (error,) = connection.execute("SELECT error FROM questions_job").fetchone() or ("",)
    assert "IntegrityError" in error


def test_migrations_wait_for_those_that_run_already(site: Site) -> None:
    with connected(site) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATIONS_LOCK])
        with ended(site.start("manage.py", "migrate")) as migrating:

            def waits() -> bool:
                asked = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                return connection.execute(asked).fetchone() is not None

            eventually(waits, "the migrations wait")
            assert migrating.poll() is None
            connection.execute("SELECT pg_advisory_unlock(%s)", [MIGRATIONS_LOCK])
            assert migrating.wait(60) == 0


def test_the_site_serves_votes_and_their_tally(site: Site) -> None:
    site.manage("collectstatic", "--noinput")
    with site.serving():
        assert "5</b>questions" in site.get("/").body
        assert json.loads(site.get("/jobs/").body) == {"waiting": 0, "done": 0, "failed": 0, "by_release": {}}
