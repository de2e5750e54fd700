"""A launch config has one name in every group of an environment, and belongs to the group that it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.apply.launch_configs import LaunchConfigMaker, group_of, release_of
from fabfile.aws.session import Aws
from fabfile.errors import UsageError
from tests.aws.account import environment, manifest
from tests.localcloud.account import Account, open_account

SMALL, LARGE = "shop-small", "shop-large"


class Shop:
    """Two groups, each on a template of its own unless told otherwise, and their maker."""

    def __init__(self, account: Account, state: Path, shared: bool = False) -> None:
        self.account = account
        self.templates = [account.template("small")]
        self.templates.append(self.templates[0] if shared else account.template("large"))
        for name, template in zip((SMALL, LARGE), self.templates, strict=True):
            account.group(name, LaunchTemplate={"LaunchTemplateId": template, "Version": "1"})
        settings = environment(state)
        names = replace(settings.names, auto_scaling_groups=(SMALL, LARGE))
        self.settings = replace(settings, names=names)
        self.aws = Aws(self.settings, endpoint_url=account.url)
        self.maker = LaunchConfigMaker(self.aws, self.settings, lambda: 1_700_000_000.0, lambda _: None)


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as opened:
        yield opened


def test_a_group_that_is_not_there_has_no_template_to_make_one_in(account: Account, tmp_path: Path) -> None:
    shop = Shop(account, tmp_path)
    with pytest.raises(UsageError, match="describe the autoscaling group gone"):
        shop.maker.make(manifest(), "gone")


def test_a_launch_config_has_one_name_in_the_template_of_every_group(account: Account, tmp_path: Path) -> None:
    shop = Shop(account, tmp_path)
    made = shop.maker.make_for(manifest(), (SMALL, LARGE))
    assert list(made) == [SMALL, LARGE]
    assert [config.id.partition(":")[0] for config in made.values()] == shop.templates
    assert {config.name for config in made.values()} == {"opendebates-testing-20231114T2213Z-1a2b3c4"}
    assert [group_of(config) for config in made.values()] == [SMALL, LARGE]
    assert {release_of(config) for config in made.values()} == {"r1"}


def test_a_name_that_one_of_the_templates_has_is_taken_in_all(account: Account, tmp_path: Path) -> None:
    shop = Shop(account, tmp_path)
    first = shop.maker.make(manifest(), LARGE)
    second = shop.maker.make_for(manifest(), (SMALL, LARGE))
    assert {config.name for config in second.values()} == {f"{first.name}-2"}


def test_groups_that_share_a_template_have_a_launch_config_each(account: Account, tmp_path: Path) -> None:
    shop = Shop(account, tmp_path, shared=True)
    made = shop.maker.make_for(manifest(), (SMALL, LARGE))
    assert made[SMALL].id != made[LARGE].id
    for group in (SMALL, LARGE):
        assert shop.maker.find(made[SMALL].name, group) == made[group]


def test_a_group_that_came_later_gets_a_launch_config_of_the_same_name(account: Account, tmp_path: Path) -> None:
    shop = Shop(account, tmp_path)
    small = shop.maker.make(manifest(), SMALL)
    assert shop.maker.find(small.name, LARGE) is None
    large = shop.maker.make_for(manifest(), (LARGE,), small.name)[LARGE]
    assert large.name == small.name
    assert shop.maker.find(small.name, LARGE) == large
