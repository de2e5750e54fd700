"""Launch configs are made once, found by name, and a wrong name is met with the nearest ones."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from fabfile.aws.launch_templates import (
    base_version,
    find_launch_config,
    free_name,
    read_launch_config,
    versions,
)
from fabfile.aws.session import Aws
from fabfile.errors import UsageError
from tests.aws.account import session


@pytest.fixture
def aws(endpoint: str, tmp_path: Path) -> Aws:
    return session(endpoint, tmp_path)


@pytest.fixture
def template(aws: Aws) -> str:
    name = f"template-{uuid.uuid4().hex}"
    aws.client("ec2").create_launch_template(
        LaunchTemplateName=name, VersionDescription="base", LaunchTemplateData={"InstanceType": "t3.micro"}
    )
    return name


def described(aws: Aws, template: str, name: str) -> str:
    made = aws.client("ec2").create_launch_template_version(
        LaunchTemplateName=template, VersionDescription=name, LaunchTemplateData={"InstanceType": "t3.micro"}
    )["LaunchTemplateVersion"]
    return f"{made['LaunchTemplateId']}:{made['VersionNumber']}"


def test_an_unknown_name_is_refused_with_the_nearest_ones(aws: Aws, template: str) -> None:
    described(aws, template, "site-testing-20261121T0114Z-1a2b3c4")
    with pytest.raises(UsageError, match="site-testing-20261121T0114Z-1a2b3c4") as error:
        find_launch_config(aws, template, "site-testing-20261121T0114Z-1a2b3c5")
    assert error.value.exit_code == 2


def test_an_unknown_number_is_refused(aws: Aws, template: str) -> None:
    template_id = versions(aws, template)[0].id.partition(":")[0]
    with pytest.raises(UsageError, match=f"{template_id}:99"):
        read_launch_config(aws, f"{template_id}:99")


def test_no_template_means_that_the_environment_was_not_created(aws: Aws) -> None:
    with pytest.raises(UsageError, match="create_environment"):
        base_version(aws, "no-such-template")


def test_a_name_leads_to_its_number_and_the_number_to_its_name(aws: Aws, template: str) -> None:
    id_ = described(aws, template, "one")
    assert find_launch_config(aws, template, "one").id == id_
    assert find_launch_config(aws, template, id_).name == "one"


def test_a_name_that_is_taken_gets_a_number(aws: Aws, template: str) -> None:
    assert free_name(aws, (template,), "one") == "one"
    described(aws, template, "one")
    assert free_name(aws, (template,), "one") == "one-2"
    described(aws, template, "one-2")
    assert free_name(aws, (template,), "one") == "one-3"


def test_the_base_is_the_newest_version_that_the_stack_made(aws: Aws, template: str) -> None:
    described(aws, template, "one")
    assert base_version(aws, template) == "1"
    described(aws, template, "base")
    described(aws, template, "two")
    assert base_version(aws, template) == "3"


def test_the_base_of_somebody_elses_template_is_what_its_group_launches_now(aws: Aws) -> None:
    name = f"theirs-{uuid.uuid4().hex}"
    aws.client("ec2").create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"InstanceType": "t3.micro"})
    described(aws, name, "")
    described(aws, name, "a draft")
    assert base_version(aws, name, "2") == "2"
    assert base_version(aws, name) == "1"
