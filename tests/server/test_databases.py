"""Dumps and restores on a server, with a real PostgreSQL and addresses that take and give files."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.opendebates.processes import postgres, postgres_programs

from .cloud import Cloud
from .machine import Machine, wait_for

RELEASE = "20261121T0114Z-1a2b3c4"
SIGNED = "X-Amz-Algorithm=AWS4-HMAC-SHA256"
PASSWORD = "s3cret-of-the-database"

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def database() -> Iterator[dict[str, str]]:
    programs = postgres_programs()
    if programs is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("there is no PostgreSQL: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="fabscale-postgres-") as folder:
        Path(folder).chmod(0o755)
        with postgres(Path(folder, "server"), programs) as settings:
            yield settings


@pytest.fixture
def server(worker: Machine, database: dict[str, str]) -> Machine:
    """A server whose application has a database with a table in it."""
    sql(database, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    sql(database, "CREATE TABLE question (id int PRIMARY KEY, text text)")
    sql(database, "INSERT INTO question SELECT n, 'CREATE SCHEMA public;' FROM generate_series(1, 1000) n")
    environ = {**database, "DATABASE_PASSWORD": PASSWORD}
    worker.launch_with(worker.document(RELEASE, environ, group="", hook=""))
    worker.boot()
    wait_for(lambda: "is ready" in worker.console, "the worker runs")
    return worker


def sql(database: dict[str, str], statement: str) -> list[Any]:
    place = {"host": database["DATABASE_HOST"], "port": database["DATABASE_PORT"], "dbname": database["DATABASE_NAME"]}
    with psycopg.connect(**place, user=database["DATABASE_USER"], autocommit=True) as connection:  # type: ignore[arg-type]
        done = connection.execute(statement)
        return done.fetchall() if done.description else []


def rows(database: dict[str, str]) -> int:
    return int(sql(database, "SELECT count(*) FROM question")[0][0])


def ask(server: Machine, verb: str, **request: Any) -> dict[str, Any]:
    answer = server.ask(verb, "-", said=json.dumps(request))
    assert PASSWORD not in json.dumps(answer)
    return answer


def dumped(server: Machine) -> tuple[Path, dict[str, Any]]:
    answer = ask(server, "dump", id="b1")
    return server.app / "shared/dumps/b1.dump", answer


def stored(server: Machine, cloud: Cloud) -> tuple[str, str]:
    """Dump, and put it where the server can fetch it; returns the address and the SHA-256."""
    path, answer = dumped(server)
    put = cloud.put("backups/b1.dump", path.read_bytes())
    path.unlink()
    return f"{cloud.url}/bundles/{put['key']}?{SIGNED}", answer["sha256"]


def leftovers(server: Machine) -> list[str]:
    return [path.name for path in (server.app / "shared/dumps").iterdir()]


def test_a_dump_is_its_owners_only_and_is_told_by_its_sum(server: Machine) -> None:
    path, answer = dumped(server)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.read_bytes().startswith(b"PGDMP")
    assert answer["size"] == path.stat().st_size


def test_a_database_out_of_reach_leaves_no_dump(server: Machine) -> None:
    server.launch_with(
        server.document(RELEASE, {"DATABASE_HOST": "127.0.0.1", "DATABASE_PORT": "1"}, group="", hook="")
    )
    record = server.app / "releases" / RELEASE / ".fabscale.json"
    document = json.loads(record.read_text())
    document["environ"]["DATABASE_PORT"] = "1"
    record.write_text(json.dumps(document))
    assert "cannot reach the database: " in ask(server, "dump", id="b1")["error"]
    assert not (server.app / "shared/dumps").exists()


def test_programs_older_than_the_database_are_refused(server: Machine, database: dict[str, str]) -> None:
    """A pg_dump refuses a newer server; it is said before, with what to install."""
    folder = server.root / "old"
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (folder / name).write_text('#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.1"\n')
        (folder / name).chmod(0o755)
    (folder / "psql").symlink_to(str(shutil.which("psql")))
    server.given["FABSCALE_POSTGRES"] = str(folder)
    version = sql(database, "SHOW server_version")[0][0].split()[0]
    assert ask(server, "dump", id="b1")["error"] == (
        f"cannot use the database: the database is PostgreSQL {version}, and this server's programs are 9. "
        f"Install PostgreSQL's client programs {version.split('.')[0]} in its image."
    )
    server.given["FABSCALE_POSTGRES"] = str(server.root / "nowhere")
    assert ask(server, "dump", id="b1")["error"] == (
        "cannot reach the database: this server has not got pg_dump, pg_restore, psql. "
        "Install PostgreSQL's client programs in its image."
    )


def test_a_restore_brings_back_what_was_and_nothing_that_came_since(
    server: Machine, cloud: Cloud, database: dict[str, str]
) -> None:
    url, sha256 = stored(server, cloud)
    sql(
        database,
        "DELETE FROM question; CREATE TABLE later (id int); CREATE SCHEMA other; CREATE TABLE other.t (id int)",
    )
    assert ask(server, "restore", id="b1", url=url, sha256=sha256) == {"restored": "b1"}
    assert rows(database) == 1000
    assert sql(database, "SELECT count(*) FROM question WHERE text = 'CREATE SCHEMA public;'")[0][0] == 1000
    assert sql(database, "SELECT to_regclass('later'), to_regclass('other.t')")[0] == (None, None)
    assert leftovers(server) == []
    assert ask(server, "restore", id="b1", url=url, sha256=sha256) == {"restored": "b1"}


def test_a_restore_that_fails_half_way_leaves_the_database_as_it_was(
    server: Machine, cloud: Cloud, database: dict[str, str]
) -> None:
    """Cut in the middle of the data: the tables are made by then, and half of the rows are there."""
    sql(database, "INSERT INTO question SELECT n, md5(n::text) FROM generate_series(1001, 200000) n")
    path, _ = dumped(server)
    whole = path.read_bytes()
    put = cloud.put("backups/cut.dump", whole[: len(whole) * 2 // 3])
    path.unlink()
    sql(database, "DELETE FROM question WHERE id > 7; CREATE TABLE later (id int)")
    answer = ask(server, "restore", id="b1", url=f"{cloud.url}/bundles/{put['key']}?{SIGNED}", sha256=put["sha256"])
    assert answer["error"].startswith("cannot restore the dump: ")
    assert answer["error"].endswith("The database is as it was.")
    assert rows(database) == 7
    assert sql(database, "SELECT to_regclass('later')")[0][0] == "later"
    assert leftovers(server) == []


def test_a_dump_with_another_sum_is_not_restored(server: Machine, cloud: Cloud, database: dict[str, str]) -> None:
    url, _ = stored(server, cloud)
    sql(database, "DELETE FROM question")
    answer = ask(server, "restore", id="b1", url=url, sha256="0" * 64)
    assert answer["error"] == ("cannot fetch the dump: its SHA-256 is not the one that it had when it was made.")
    assert rows(database) == 0
    assert leftovers(server) == []


def test_a_dump_that_cannot_be_sent_is_removed(server: Machine, cloud: Cloud) -> None:
    dumped(server)
    answer = ask(server, "send", id="b1", url="http://127.0.0.1:1/s3cret-of-the-database", headers={})
    assert answer["error"] == "cannot send the dump: 127.0.0.1: [Errno 111] Connection refused."
    assert leftovers(server) == []
    assert ask(server, "send", id="b1", url="http://127.0.0.1:1/", headers={})["error"] == (
        "cannot send the dump: there is no dump b1 on this server."
    )


def test_an_id_that_is_a_path_is_refused(server: Machine) -> None:
    assert ask(server, "dump", id="../x")["error"] == "cannot read the request: '../x' is no id."
