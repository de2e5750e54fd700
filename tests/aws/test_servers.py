"""Servers that commands are sent to: those that are up, by group and role, whoever else is in the account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.apply.changesets import running
from fabfile.apply.servers import Choice, Server, servers_of
from fabfile.aws.session import Aws
from fabfile.config.environment import Environment, RoleSettings
from fabfile.errors import UsageError
from fabfile.transports.memory import MemoryTransport
from tests.aws.account import environment
from tests.localcloud.account import Account, open_account

WEB, WORKER = "opendebates-testing-web", "opendebates-testing-worker"
ALL = Choice((WEB,), workers=True)


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as account:
        account.template()
        account.group(WEB, DesiredCapacity=2)
        account.group(WORKER, DesiredCapacity=1, Tags=_named(WORKER))
        account.group("somebody-elses", DesiredCapacity=1)
        yield account


@pytest.fixture
def place(tmp_path: Path) -> Environment:
    roles = {role: RoleSettings(count, "t3.micro", 8, "gp3") for role, count in (("web", 2), ("worker", 1))}
    return replace(environment(tmp_path), roles=roles)


def test_web_servers_come_first_and_nobody_elses_come_at_all(account: Account, place: Environment) -> None:
    found = servers_of(Aws(place, endpoint_url=account.url), place, ALL)
    assert [(server.role, server.group) for server in found] == [("web", WEB), ("web", WEB), ("worker", WORKER)]
    assert all(server.address for server in found)


def test_a_server_that_leaves_is_none_to_send_commands_to(account: Account, place: Environment) -> None:
    aws = Aws(place, endpoint_url=account.url)
    gone, stays, worker = servers_of(aws, place, ALL)
    account.client("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=gone.id, ShouldDecrementDesiredCapacity=True
    )
    assert servers_of(aws, place, ALL) == (stays, worker)
    with pytest.raises(UsageError) as raised:
        servers_of(aws, place, replace(ALL, instances=frozenset({gone.id})))
    assert str(raised.value) == (
        f"cannot find {gone.id}: that is no server of opendebates,testing that is up. "
        f"Those that are: {stays.id} (web), {worker.id} (worker)."
    )


def test_a_server_that_does_not_answer_hides_no_other(account: Account, place: Environment) -> None:
    aws = Aws(place, endpoint_url=account.url)
    first, second, worker = servers_of(aws, place, ALL)
    told = '{"programs": {"web": {"release": "20261121T0114Z-1a2b3c4"}}}'
    hosts = {first.address: lambda argv, given: (0, told, "")}
    seen = running(aws, place, MemoryTransport(hosts), [first, second, Server("i-0", "worker", WORKER, "")])
    assert [(each.release, each.commit, each.unseen) for each in seen] == [
        ("20261121T0114Z-1a2b3c4", "1a2b3c4", ""),
        ("", "", "no such host"),
        ("", "", "it has no address"),
    ]
    assert worker.launch_config == ""


def _named(name: str) -> list[dict[str, object]]:
    return [{"Key": "Name", "Value": name, "PropagateAtLaunch": True}]
