"""`fab migrate`: who runs the live release's migrations, and how their end is waited for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from fabfile.apply.migrating import Chosen, Migrating
from fabfile.apply.servers import Server
from fabfile.apply.virtual_clock import VirtualClock
from fabfile.errors import CommandFailed, Unreachable
from fabfile.transports.memory import MemoryTransport

RELEASE = "20261121T0114Z-1a2b3c4"
WEB, WORKER = Server("i-1", "web", "g", "a1"), Server("i-2", "worker", "w", "a2")


class Machine:
    """A server whose migrations take some looks, and end as they are told to; `lost` looks get no answer."""

    def __init__(self, *, looks: int = 0, ends: str = "done", runs: str = "", lost: int = 0) -> None:
        self.left = looks
        self._end = {"state": ends, "exit": int(ends == "failed"), "log_tail": "the end"}
        self._runs = runs
        self._lost = lost
        self.begun: list[Sequence[str]] = []

    def __call__(self, argv: Sequence[str], given: bytes | None, /) -> tuple[int, str, str]:
        verb, *rest = argv[4:]
        if verb == "migrate":
            self.begun.append(rest)
            return self._answer({"state": "running"} if self.left else self._end)
        if self.begun and self._lost:
            self._lost -= 1
            return 255, "", "no answer"
        self.left -= bool(self.begun)
        state = {"state": "running"} if self.left > 0 else self._end
        found = {self._runs: {"state": "running"}} if self._runs and not self.begun else {RELEASE: state}
        return self._answer({"release": RELEASE, "migrations": found})

    def _answer(self, told: dict[str, Any]) -> tuple[int, str, str]:
        return 0, json.dumps(told), ""


def migrating(**hosts: Machine) -> Migrating:
    return Migrating(MemoryTransport(hosts), VirtualClock(), lambda what: None)


def test_workers_come_before_web_servers_and_one_that_migrates_already_before_all() -> None:
    other = Server("i-3", "worker", "w", "a3")
    assert migrating(a1=Machine(), a2=Machine()).choose([WEB, WORKER]) == Chosen(WORKER, RELEASE, False)
    assert migrating(a1=Machine()).choose([WEB]).server == WEB
    busy = migrating(a2=Machine(), a3=Machine(runs="20261120T0900Z-0a0b0c0")).choose([WORKER, other])
    assert busy == Chosen(other, "20261120T0900Z-0a0b0c0", True)


def test_servers_that_do_not_answer_are_named() -> None:
    with pytest.raises(Unreachable) as raised:
        migrating().choose([WEB, WORKER])
    assert str(raised.value) == (
        "cannot find a server that migrates: i-2: no such host. Is it up, and does SSH reach it?"
    )


@pytest.mark.parametrize("looks", [0, 5])
def test_their_end_is_waited_for_and_what_they_said_last_told(looks: int) -> None:
    machine = Machine(looks=looks)
    assert migrating(a2=machine).run(Chosen(WORKER, RELEASE, False)) == "the end"
    assert machine.begun == [["--release", RELEASE, "--anew"]]


def test_a_few_lost_looks_are_no_failure_and_nothing_is_begun_twice() -> None:
    machine = Machine(looks=3, lost=9)
    assert migrating(a2=machine).run(Chosen(WORKER, RELEASE, False)) == "the end"
    assert len(machine.begun) == 1


def test_a_server_that_is_lost_is_named_and_its_migrations_are_not_said_to_have_failed() -> None:
    with pytest.raises(Unreachable) as raised:
        migrating(a2=Machine(looks=3, lost=99)).run(Chosen(WORKER, RELEASE, False))
    assert str(raised.value) == (
        "cannot see migrations on i-2: no answer. Migrations that were begun go on there; the same command waits for "
        "them."
    )


def test_migrations_that_fail_show_the_end_of_their_log() -> None:
    with pytest.raises(CommandFailed) as raised:
        migrating(a2=Machine(looks=2, ends="failed")).run(Chosen(WORKER, RELEASE, False))
    assert str(raised.value) == f"cannot migrate {RELEASE} on i-2: exit code 1; the last of the log:\nthe end."
