"""`fab scale` where no deploy runs, against the embedded control plane and a clock that turns it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.aws.session import Aws
from fabfile.config.loading import Config
from fabfile.display.output import Output, Streams
from fabfile.errors import UsageError
from fabfile.tasks.clock import SystemClock
from fabfile.tasks.resizing import Resizing
from fabfile.tasks.run import Run
from fabfile.tasks.scaling import parse
from tests.aws.account import environment
from tests.localcloud.account import Account, open_account


class TurningClock(SystemClock):
    """Sleeping lets the cloud work."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def sleep(self, seconds: float) -> None:
        self._account.turn(2)


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as account:
        account.group(minimum=2, maximum=6, DesiredCapacity=2)
        yield account


def run_of(account: Account, folder: Path) -> Run:
    place = environment(folder)
    place = replace(place, names=replace(place.names, auto_scaling_groups=("web",)))
    clock = TurningClock(account)

    def config() -> Config:
        raise AssertionError("the environment is given")

    run = Run("scale", Output(Streams(io.StringIO(), io.StringIO()), clock.now), clock, config, place, changes=True)
    run.__dict__["_aws"] = Aws(place, endpoint_url=account.url)
    return run


def sizes(account: Account) -> tuple[int, int, int]:
    seen = account.seen()
    return seen["MinSize"], seen["DesiredCapacity"], seen["MaxSize"]


def test_the_sizes_are_set_and_the_servers_seen_in_service(account: Account, tmp_path: Path) -> None:
    resizing = Resizing(run_of(account, tmp_path), parse("4", "1", "8"), "")
    by = resizing.carry_out()
    assert resizing.see_in(by) == (
        "4 servers in service; web: desired 4 (between 1 and 8). "
        "The config says between 2 and 8: write these there to keep them when it changes"
    )
    assert sizes(account) == (1, 4, 8)


def test_a_dry_run_sets_nothing(account: Account, tmp_path: Path) -> None:
    Resizing(run_of(account, tmp_path), parse("4", "", ""), "").foretell()
    assert sizes(account) == (2, 2, 6)


def test_a_size_out_of_the_limits_that_stay_is_refused(account: Account, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="9 servers are above the maximum 6"):
        Resizing(run_of(account, tmp_path), parse("9", "", ""), "")
    assert sizes(account) == (2, 2, 6)


def test_a_group_that_the_config_does_not_name_is_met_with_the_nearest(account: Account, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        Resizing(run_of(account, tmp_path), parse("4", "", ""), "wb")
    assert str(raised.value) == (
        "cannot scale wb: the config names no such group of web servers. Did you mean 'web'? Known groups: web."
    )
