"""Backups as the deployer makes them: what dies where, and what is never taken for a backup."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from fabfile.apply.program import calling_program
from fabfile.backups.asking import DatabaseServer
from fabfile.backups.catalogue import Catalogue
from fabfile.backups.making import adopt_file, make_backup
from fabfile.errors import FabscaleError, RolloutFailed, StoppedHalfway, Unreachable, UsageError
from fabfile.releases.store import MemoryStore
from fabfile.transports.memory import Host, MemoryTransport

PLACE = ("demo", "staging")
NOW = 1795262400.0  # 2026-11-21T12:00:00Z
SUM = "ab" * 32
DUMPED = (0, json.dumps({"id": "x", "sha256": SUM, "size": 9, "server": "18.6"}), "")


class Addresses:
    """Addresses that nobody checks."""

    def upload(self, key: str, sha256: str) -> tuple[str, Mapping[str, str]]:
        return f"https://bucket/{key}?signed", {"x-amz-checksum-sha256": sha256}

    def download(self, key: str) -> str:
        return f"https://bucket/{key}?signed"


def server(host: Host | None) -> DatabaseServer:
    return DatabaseServer(MemoryTransport({"h": host} if host else {}), "h", "i-1", "demo,staging")


def answering(**answers: tuple[int, str, str]) -> Host:
    def host(argv: Sequence[str], given: bytes | None) -> tuple[int, str, str]:
        verb = next(verb for verb in answers if tuple(argv) == calling_program(verb, "-"))
        return answers[verb]

    return host


def made(store: MemoryStore, host: Host | None) -> str:
    return make_backup(PLACE, server(host), Addresses(), Catalogue(store, *PLACE), NOW).id


def test_a_backup_is_there_once_it_was_sent(tmp_path: Path) -> None:
    store = MemoryStore()
    catalogue = Catalogue(store, *PLACE)
    name = made(store, answering(dump=DUMPED, send=(0, '{"sent": "x"}', "")))
    (backup,) = catalogue.complete()
    assert (backup.id, backup.sha256, backup.size, backup.server) == (name, SUM, 9, "18.6")
    assert name.startswith("20261121T")
    assert backup.key == f"demo/backups/staging/{name}.dump"
    assert catalogue.find(name) == catalogue.find(backup.key) == catalogue.newest() == backup


@pytest.mark.parametrize(
    ("host", "kind", "text"),
    [
        (None, Unreachable, "cannot back up the database of demo,staging: i-1: no such host. Is it up, and does SSH "
         "reach it?"),
        (answering(dump=(1, '{"error": "cannot use the database: it is newer."}', "")), Unreachable,
         "cannot back up the database of demo,staging: i-1 says: cannot use the database: it is newer."),
        (answering(dump=(2, "", "invalid choice: 'dump'")), UsageError, "cannot back up the database of demo,staging: "
         "the server program on i-1 is older than this task. Run fab deploy_serial:demo,staging first."),
        (answering(dump=DUMPED, send=(1, '{"error": "cannot send the dump: S3 answered 403."}', "")), Unreachable,
         "cannot back up the database of demo,staging: i-1 says: cannot send the dump: S3 answered 403."),
        (answering(dump=DUMPED, send=(137, "", "Killed")), Unreachable,
         "cannot back up the database of demo,staging: i-1 says: it ended with exit code 137."),
    ],
    ids=["unreachable", "refused", "older program", "not sent", "killed"],
)  # fmt: skip
def test_what_goes_wrong_before_a_backup_is_sent_leaves_none(
    host: Host | None, kind: type[FabscaleError], text: str
) -> None:
    store = MemoryStore()
    with pytest.raises(kind) as raised:
        made(store, host)
    assert str(raised.value) == text
    assert Catalogue(store, *PLACE).complete() == ()


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        ((1, '{"error": "cannot restore the dump: no room. The database is as it was."}', ""), RolloutFailed,
         "cannot restore the database of demo,staging: i-1 says: cannot restore the dump: no room. The database is as "
         "it was."),
        ((-1, "", ""), StoppedHalfway, "cannot restore the database of demo,staging: i-1 did not say how it ended "
         "(exit code -1). The database is as it was, or whole as in the backup: look, and run the same command again."),
        ((2, "", "invalid choice"), UsageError, "cannot restore the database of demo,staging: the server program on "
         "i-1 is older than this task. Run fab deploy_serial:demo,staging first."),
    ],
    ids=["refused", "silent", "older program"],
)  # fmt: skip
def test_a_restore_that_did_not_happen_says_whether_that_is_known(
    answer: tuple[int, str, str], kind: type[FabscaleError], text: str
) -> None:
    with pytest.raises(kind) as raised:
        server(answering(restore=answer)).restore({"id": "x"})
    assert str(raised.value) == text


def test_an_environment_without_backups_says_how_to_make_one() -> None:
    with pytest.raises(UsageError) as raised:
        Catalogue(MemoryStore(), *PLACE).newest()
    assert str(raised.value) == (
        "cannot take a backup of demo,staging: there is none. Run fab dbbackup:demo,staging first."
    )


def test_a_dump_of_ones_own_becomes_a_backup(tmp_path: Path) -> None:
    file = tmp_path / "own.dump"
    file.write_bytes(b"PGDMP and so on")
    store = MemoryStore()
    catalogue = Catalogue(store, *PLACE)
    backup = adopt_file(PLACE, file, store, catalogue, NOW)
    assert catalogue.newest() == backup
    assert store.get(backup.key) == b"PGDMP and so on"


def test_backups_are_listed_newest_first_and_per_environment(tmp_path: Path) -> None:
    store = MemoryStore()
    host = answering(dump=DUMPED, send=(0, "{}", ""))
    for place, now in ((PLACE, NOW), (PLACE, NOW + 60), (("demo", "staging2"), NOW + 120)):
        make_backup(place, server(host), Addresses(), Catalogue(store, *place), now)
    assert [backup.made for backup in Catalogue(store, *PLACE).complete()] == [NOW + 60, NOW]
    assert [backup.made for backup in Catalogue(store, *PLACE).complete(1)] == [NOW + 60]
