"""Where there are no workers a web server migrates: chosen, asked and seen through the program that runs on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.apply.web_migrator import FirstServers, WebMigrator, seen_from
from fabfile.aws import ec2
from fabfile.aws.autoscaling import describe_group
from fabfile.aws.session import Aws
from fabfile.config.environment import Environment
from fabfile.errors import Unreachable
from fabfile.rollout.model import Group, Intent, Lifecycle, Migration, Phase, Worker, WorkerPhase
from fabfile.rollout.steps import InstallRelease, RunMigrations
from fabfile.transports.memory import Host, MemoryTransport
from tests.aws.account import environment
from tests.localcloud.account import open_account

INTENT = Intent("d", "lt-1:2", "lt-1:1", release="r2")
STATUS = {
    "phase": "old",
    "release": "r1",
    "installed": ["r1"],
    "programs": {"web": {"release": "r1"}},
    "migrations": {"r1": {"state": "done"}},
}


class Fleet:
    """A group of two servers, and what each was asked; a server answers what `says` has for it."""

    def __init__(self, aws: Aws, settings: Environment) -> None:
        group = describe_group(aws, "web").group
        members = tuple(replace(each, lifecycle=Lifecycle.IN_SERVICE) for each in group.members)
        self.group: Group = replace(group, members=members)
        self.ids = sorted(each.id for each in members)
        self.asked: list[tuple[str, str]] = []
        self.says: dict[str, object] = {}
        self.aws, self.settings = aws, settings
        known = ec2.instances(aws, self.ids)
        self.transport = MemoryTransport(
            {known[name].addresses["private_ip_address"]: self._server(name) for name in self.ids}
        )

    def _server(self, name: str) -> Host:
        def answer(argv: Sequence[str], given: bytes | None) -> tuple[int, str, str]:
            verb = next(word for word in ("status", "install", "migrate") if word in " ".join(argv))
            self.asked.append((name, verb))
            said = self.says.get(name)
            return (0, json.dumps(said), "") if said else (1, "", "not yet")

        return answer

    def migrator(self) -> WebMigrator:
        return WebMigrator(self.aws, self.settings, self.transport, lambda release: {"release": release})


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with open_account() as account:
        account.template()
        account.group(DesiredCapacity=2)
        settings = environment(tmp_path)
        yield Fleet(Aws(settings, endpoint_url=account.url), settings)


def test_a_server_that_does_not_answer_is_out_of_reach_not_without_migrations(fleet: Fleet) -> None:
    with pytest.raises(Unreachable, match=f"cannot see the server that migrates {fleet.ids[0]}: not yet"):
        fleet.migrator().observe(fleet.group, INTENT)


@pytest.mark.parametrize(
    "intent",
    [replace(INTENT, migrated=True), replace(INTENT, migrates=False), replace(INTENT, phase=Phase.ROLLING_BACK)],
)
def test_nobody_is_asked_when_nothing_is_to_migrate(fleet: Fleet, intent: Intent) -> None:
    assert fleet.migrator().observe(fleet.group, intent) is None
    assert fleet.asked == []


def test_one_server_is_asked_and_gets_the_release_beside_the_one_that_it_serves(fleet: Fleet) -> None:
    first = fleet.ids[0]
    fleet.says[first] = STATUS
    migrator = fleet.migrator()
    assert migrator.observe(fleet.group, INTENT) == Worker(first, WorkerPhase.STOPPED, "r1")
    migrator.apply(InstallRelease("no workers", first, "r2"))
    migrator.apply(RunMigrations("no workers", first, "r2"))
    assert fleet.asked == [(first, "status"), (first, "install"), (first, "migrate")]


def test_a_release_that_is_installed_beside_another_is_ready_to_migrate() -> None:
    """The server's own word is `old`: it serves the release before, and goes on doing so."""
    there = {
        **STATUS,
        "installed": ["r1", "r2"],
        "migrations": {"r2": {"state": "failed", "log_tail": "a\nno such table"}},
    }
    expected = Worker("i-1", WorkerPhase.INSTALLED, "r1", Migration.FAILED, "no such table")
    assert seen_from("i-1", there, "r2") == expected


def test_of_a_new_environments_servers_the_one_that_migrates_comes_first(fleet: Fleet) -> None:
    """Whichever came up first was asked; the others would only wait for the same lock."""
    servers = FirstServers(fleet.aws, fleet.settings, fleet.transport, lambda release: {}, lambda: fleet.group)
    fleet.says[fleet.ids[1]] = {**STATUS, "migrations": {"r1": {"state": "running"}}}
    assert [each.id for each in servers.observe("r1").workers] == [fleet.ids[1]]
    fleet.says[fleet.ids[0]] = {**STATUS, "migrations": {}}
    assert [each.id for each in servers.observe("r1").workers] == [fleet.ids[1], fleet.ids[0]]
