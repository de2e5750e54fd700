"""Every task runs with no more rights than `fab iam_policy` prints."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .calls import RECORD
from .conftest import SETTINGS
from .project import Project

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]
ROLE = "arn:aws:iam::123456789012:role/deployer"
# Short-lived, small, and on a port of its own beside the site's.
BRIEF = {**SETTINGS, "server_counts": {"web": 1}, "minimum": 1, "maximum": 2, "listener_port": 8081}


def policies(site: Project, *environments: str) -> list[dict[str, Any]]:
    return [
        document
        for name in environments
        for document in json.loads(site.fab(f"iam_policy:opendebates,{name}", "--json").out)
    ]


@contextmanager
def deployer(site: Project, documents: list[dict[str, Any]]) -> Iterator[None]:
    """Let tasks assume a role that has these policies and no other; when calls are recorded, none."""
    if os.environ.get(RECORD):
        yield
        return
    iam = site.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
    iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps(trust))
    for number, document in enumerate(documents):
        iam.put_role_policy(RoleName="deployer", PolicyName=f"p{number}", PolicyDocument=json.dumps(document))
    site.config["environments"]["local"]["role_arn"] = ROLE
    site.config["environments"]["brief"]["role_arn"] = ROLE
    site.write_config()
    try:
        yield
    finally:
        for name in iam.list_role_policies(RoleName="deployer")["PolicyNames"]:
            iam.delete_role_policy(RoleName="deployer", PolicyName=name)
        iam.delete_role(RoleName="deployer")
        for name in ("local", "brief"):
            del site.config["environments"][name]["role_arn"]
        site.write_config()


@pytest.fixture
def brief(site: Project) -> Iterator[Project]:
    """The site's project with an environment more."""
    before = site.config["environments"]
    site.config["environments"] = {**{name: {**of} for name, of in before.items()}, "brief": {**BRIEF}}
    site.write_config()
    yield site
    site.config["environments"] = before
    site.write_config()


def test_the_printed_policy_suffices_for_every_task(brief: Project) -> None:
    site = brief
    with deployer(site, policies(site, "local", "brief")):
        site.fab("create_environment:opendebates,brief", "--dry-run")
        site.fab("create_environment:opendebates,brief")
        site.fab("destroy_environment:opendebates,brief", "--name", "opendebates-brief")
        config = site.fab("create_launch_config:opendebates,local").out.split()[-1]
        site.fab("create_launch_config_for_deployment:opendebates,local")
        site.fab("deploy_serial:opendebates,local", "--launch-config", config, "--dry-run")
        site.fab("deploy_serial:opendebates,local", "--launch-config", config)
        site.fab("deploy_worker:opendebates,local")
        site.fab("suspend_autoscaling_processes:opendebates,local,AZRebalance")
        site.fab("resume_autoscaling_processes:opendebates,local")
        site.fab("resume:opendebates,local")
        site.fab("repair:opendebates,local")
        site.fab("adopt:opendebates,local", code=None)
        site.fab("describe:opendebates,local")
        site.fab("history:opendebates,local")


@pytest.mark.skipif(RECORD in os.environ, reason="calls are recorded with all rights")
def test_a_role_that_cannot_be_assumed_is_said_once_and_plainly(brief: Project) -> None:
    site = brief
    site.config["environments"]["local"]["role_arn"] = f"{ROLE}-that-is-not-there"
    site.write_config()
    ended = site.fab("describe:opendebates,local", code=5)
    assert ended.out == ""
    assert ended.err.startswith(
        f"cannot assume the role {ROLE}-that-is-not-there: arn:aws:iam::123456789012:root is not allowed to "
        f"sts:AssumeRole on {ROLE}-that-is-not-there"
    )
    assert len(ended.err.splitlines()) == 1


@pytest.mark.skipif(RECORD in os.environ, reason="calls are recorded with all rights")
@pytest.mark.parametrize(
    "task", ["deploy_serial", "create_environment", "suspend_autoscaling_processes", "repair", "describe"]
)
def test_another_account_is_refused_by_every_task_with_no_other_call(brief: Project, task: str) -> None:
    site = brief
    site.config["environments"]["local"]["account_id"] = "999999999999"
    site.write_config()
    before = site.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    ended = site.fab(f"{task}:opendebates,local", code=2)
    assert "it is in the account 999999999999, and " in ended.err
    assert ended.out == ""
    assert site.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == before
