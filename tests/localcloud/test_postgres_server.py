"""The databases behind RDS records: real PostgreSQL, and nothing left of it."""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fabfile.errors import Unreachable
from fabfile.localcloud.machine.addresses import listening
from fabfile.localcloud.network import claim_network
from fabfile.localcloud.postgres import LocalPostgres, data_folder

from .dataplane_backends import until

pytestmark = pytest.mark.cloud
PASSWORD = 'it\'s "secret" \\ ; DROP'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="module")
def databases(folder: Path) -> Iterator[LocalPostgres]:
    """Making a server takes a second or two: all tests share the one called shop."""
    claim = claim_network(folder / "network.json", folder)
    with LocalPostgres(folder / "postgres", claim.network.database) as databases:
        yield databases
    claim.release()


def data_of(folder: Path) -> Path:
    elsewhere = folder / "postgres" / "elsewhere"
    return Path(elsewhere.read_text()) if elsewhere.exists() else folder / "postgres"


def connect(place: tuple[str, int], password: str = PASSWORD, user: str = "app") -> psycopg.Connection:
    host, port = place
    return psycopg.connect(
        host=host, port=port, user=user, password=password, dbname="shop", connect_timeout=30, autocommit=True
    )


def test_a_wrong_password_is_refused(databases: LocalPostgres) -> None:
    place = databases.ensure("shop", "app", PASSWORD, "shop")
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        connect(place, "wrong")


def test_the_password_is_in_no_log(databases: LocalPostgres, folder: Path) -> None:
    databases.ensure("shop", "app", PASSWORD, "shop")
    logs = list(data_of(folder).rglob("*.log"))
    assert logs
    assert not any("secret" in log.read_text() for log in logs)


def test_a_database_answers_and_is_the_users_own(databases: LocalPostgres) -> None:
    with connect(databases.ensure("shop", "app", PASSWORD, "shop")) as connection:
        connection.execute("CREATE TABLE sale (id int)")
        connection.execute("INSERT INTO sale VALUES (1)")
        limit = connection.execute("SHOW max_connections").fetchone()
    assert limit == ("200",)


def test_a_server_that_died_is_started_again_with_its_data(databases: LocalPostgres, folder: Path) -> None:
    place = databases.ensure("shop", "app", PASSWORD, "shop")
    with connect(place) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    [record] = data_of(folder).rglob("postmaster.pid")
    os.kill(int(record.read_text().split()[0]), signal.SIGKILL)
    until(lambda: not listening(place[0]), "the end of the server")

    def started() -> bool:
        try:
            return databases.ensure("shop", "app", PASSWORD, "shop") == place
        except Unreachable:  # while a child of the killed server still ends, PostgreSQL refuses to start
            return False

    until(started, "the server again")
    with connect(place) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_data_goes_elsewhere_when_its_owner_could_not_reach_it(tmp_path: Path) -> None:
    """Root's home is closed, and PostgreSQL must run as somebody else."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    folder = data_folder(closed / "postgres", pwd.getpwuid(0))
    assert folder.parent != closed
    assert (closed / "postgres" / "elsewhere").read_text() == str(folder)
    folder.rmdir()


def test_two_records_are_two_servers_and_a_dropped_one_leaves_nothing(databases: LocalPostgres, folder: Path) -> None:
    first = databases.ensure("shop", "app", PASSWORD, "shop")
    second = databases.ensure("second", "app", PASSWORD, "postgres")
    assert first[0] != second[0]
    databases.drop("second")
    databases.drop("never there")
    assert not listening(second[0])
    assert listening(first[0]) == {5432}
    databases.close()
    assert not listening(first[0])
    assert not list(data_of(folder).glob("[0-9]*"))
