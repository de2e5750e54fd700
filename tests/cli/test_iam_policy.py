"""`fab iam_policy` prints policies as documents, and nothing else, on standard output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Folder

ACCOUNT = 'account_id: "999999999999"\n'


def documents(out: str) -> list[dict[str, Any]]:
    """The JSON documents of a text, one after another."""
    found, decoder, text = [], json.JSONDecoder(), out.strip()
    while text:
        one, end = decoder.raw_decode(text)
        found.append(one)
        text = text[end:].strip()
    return found


@pytest.fixture
def priced(project: Folder) -> Folder:
    project.config((project.path / "fabulaws-config.yml").read_text() + ACCOUNT + AMI)
    return project


AMI = "instance_settings: {ami: ami-0123456789abcdef0}\n"


def test_one_tasks_policy_is_one_document_of_the_environments_own_names(priced: Folder) -> None:
    ended = priced.fab("iam_policy:demo,staging", "--task", "suspend_autoscaling_processes")
    assert (ended.code, ended.err) == (0, "")
    (document,) = documents(ended.out)
    allowed = {action for statement in document["Statement"] for action in statement["Action"]}
    assert "autoscaling:SuspendProcesses" in allowed
    assert "autoscaling:UpdateAutoScalingGroup" not in allowed
    assert ":999999999999:" in ended.out
    assert "demo-staging-web" in ended.out


def test_every_tasks_policy_comes_in_documents_that_iam_takes_and_says_how_many(priced: Folder) -> None:
    ended = priced.fab("staging", "iam_policy")
    found = documents(ended.out)
    assert ended.code == 0
    assert len(found) > 1
    assert f"attach all {len(found)} documents" in ended.err
    assert json.loads(priced.fab("iam_policy:demo,staging", "--json").out) == found


def test_a_task_that_is_none_is_refused_with_the_nearest(priced: Folder) -> None:
    ended = priced.fab("iam_policy:demo,staging", "--task", "deploy_seriel")
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith(
        "cannot print the policy for 'deploy_seriel': no task of that name calls AWS. Did you mean 'deploy_serial'?"
    )


def test_without_an_account_in_the_config_aws_is_asked(project: Folder, tmp_path: Path) -> None:
    ended = project.fab("iam_policy:demo,staging", AWS_EC2_METADATA_DISABLED="true", HOME=str(tmp_path))
    assert ended.code == 5
    assert ended.err.startswith("cannot ask AWS whose credentials these are: there are no AWS credentials")
