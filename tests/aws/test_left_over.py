"""What is left to finish of a deploy, when groups of it are gone or the whole environment is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.apply.launch_configs import LaunchConfigMaker
from fabfile.apply.ledger_contract import Record, Status
from fabfile.apply.left_over import close_destroyed, with_groups_that_are_there
from fabfile.apply.memory_ledger import MemoryLedger
from fabfile.apply.named_configs import named_target
from fabfile.aws.autoscaling import describe_group
from fabfile.aws.session import Aws
from fabfile.errors import UsageError
from fabfile.releases.user_data import render_user_data
from fabfile.rollout.model import Intent
from tests.aws.account import environment
from tests.localcloud.account import Account, encoded, open_account


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as opened:
        yield opened


def _left(template: str, *groups: str) -> MemoryLedger:
    ledger = MemoryLedger()
    intents = tuple(
        Intent("d", f"{template}:2", f"{template}:1", group=group, turn=turn) for turn, group in enumerate(groups, 1)
    )
    ledger.begin(Record("d", "deploy_serial", "opendebates", "testing", "new", "old", started=5.0), intents)
    return ledger


def test_a_group_that_was_deleted_is_no_part_of_the_deploy_any_more_and_that_is_said(
    account: Account, tmp_path: Path
) -> None:
    template = account.template()
    account.group("web")
    aws = Aws(environment(tmp_path), endpoint_url=account.url)
    unfinished = _left(template, "web", "gone").unfinished("opendebates", "testing")
    said: list[str] = []
    (found,) = with_groups_that_are_there(aws, "web", unfinished, said.append)
    assert [intent.group for intent in found.intents] == ["web"]
    assert said == ["the group gone of an unfinished deploy is gone: nothing of it is left to finish"]


def test_an_intent_of_the_time_of_one_group_is_the_stacks_groups(account: Account, tmp_path: Path) -> None:
    template = account.template()
    account.group("web")
    aws = Aws(environment(tmp_path), endpoint_url=account.url)
    (found,) = with_groups_that_are_there(
        aws, "web", _left(template, "").unfinished("opendebates", "testing"), pytest.fail
    )
    assert [intent.group for intent in found.intents] == ["web"]


def test_a_deploy_ends_with_its_environment_unless_a_group_of_it_is_left(account: Account, tmp_path: Path) -> None:
    template = account.template()
    account.group("by-hand")
    aws = Aws(environment(tmp_path), endpoint_url=account.url)
    destroyed, partly = _left(template, "web"), _left(template, "web", "by-hand")
    for ledger in (destroyed, partly):
        close_destroyed(aws, "web", ledger, ledger.unfinished("opendebates", "testing"), now=9.0)
    (record,) = destroyed.history("opendebates", "testing")
    assert (record.status, record.reason, record.seconds) == (
        Status.SUPERSEDED,
        "the environment was destroyed",
        4.0,
    )
    assert destroyed.unfinished("opendebates", "testing") == ()
    assert partly.unfinished("opendebates", "testing") != ()


class Two:
    """Groups `small` and `large` on templates of their own, and a launch config of the first one."""

    def __init__(self, account: Account, state: Path) -> None:
        self.settings = environment(state)
        self.aws = Aws(self.settings, endpoint_url=account.url)
        for name in ("small", "large"):
            template = account.template(name)
            account.group(name, LaunchTemplate={"LaunchTemplateId": template, "Version": "1"})
        self.groups = {name: describe_group(self.aws, name).group for name in ("small", "large")}
        self.maker = LaunchConfigMaker(self.aws, self.settings, lambda: 0.0, lambda _: None)
        self.account = account

    def make(self, group: str, name: str, **document: object) -> str:
        told = {"deployment": "opendebates", "environment": "testing", "role": "web", "group": group, **document}
        template = self.groups[group].launch_config.partition(":")[0]
        made = self.account.ec2.create_launch_template_version(
            LaunchTemplateId=template,
            VersionDescription=name,
            LaunchTemplateData={"UserData": encoded(render_user_data(told))},
        )
        return f"{template}:{made['LaunchTemplateVersion']['VersionNumber']}"


def test_a_launch_config_that_no_group_has_is_refused(account: Account, tmp_path: Path) -> None:
    two = Two(account, tmp_path)
    with pytest.raises(UsageError, match="has none of that name"):
        named_target(two.aws, two.maker, two.settings, "nothing", two.groups)


def test_a_name_stands_for_the_launch_config_of_each_group_and_an_id_for_its_name(
    account: Account, tmp_path: Path
) -> None:
    two = Two(account, tmp_path)
    ids = {group: two.make(group, "site-1") for group in ("small", "large")}
    for wanted in ("site-1", ids["small"], ids["large"]):
        target = named_target(two.aws, two.maker, two.settings, wanted, two.groups)
        assert (target.name, target.configs, target.missing) == ("site-1", ids, ())


def test_one_that_a_group_lacks_can_only_be_made_from_a_release_of_ours(account: Account, tmp_path: Path) -> None:
    two = Two(account, tmp_path)
    id_ = two.make("large", "by-hand")
    with pytest.raises(UsageError) as refused:
        named_target(two.aws, two.maker, two.settings, id_, two.groups)
    assert str(refused.value) == (
        f"cannot deploy the launch config {id_} to small: it is not one of theirs, and holds no release to make one "
        "from. Deploy it to large alone: --groups large."
    )
