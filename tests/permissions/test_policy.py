"""The policy allows what tasks call and nothing else, as an IAM linter reads it too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from fabfile.permissions.policy import MOST_CHARACTERS, documents, names_of, size, statements
from fabfile.permissions.rights import recorded_calls, rules
from fabfile.tasks.namespace import task_collection
from tests.aws.account import environment
from tests.permissions.operations import PACKAGE, named_operations

ACCOUNT = "123456789012"
ALL_CALLS = frozenset().union(*recorded_calls().values())
ALL_TYPES = {
    kind
    for template in (PACKAGE.parent / "templates").rglob("*.j2")
    for kind in re.findall(r"Type: (AWS::\S+)", template.read_text())
}
LINT_DATA = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"


def everything() -> tuple[Any, ...]:
    """The policies of every task, for a stack that has all that a stack may have."""
    names = names_of(environment(Path("/nowhere"), hosted_zone="Z0123"), ACCOUNT, f"fabscale-{ACCOUNT}")
    return documents(statements(rules(), ALL_CALLS, ALL_TYPES, names))


def each_statement() -> Iterator[dict[str, Any]]:
    for document in everything():
        yield from document["Statement"]


def test_every_call_that_a_task_was_seen_to_make_has_its_rights() -> None:
    known = {call for rule in rules() for call in (*rule.calls, *(() if rule.calls or rule.types else rule.actions))}
    assert not ALL_CALLS - known, "say in fabfile/permissions/rights.yml what IAM asks for these"


def test_every_call_that_the_source_names_was_seen() -> None:
    """Nobody has to wait for a rehearsal to hear of a call that is not recorded."""
    assert not named_operations() - ALL_CALLS - UNREACHED, "record them: make record-calls"


def test_no_call_is_recorded_that_nobody_makes_any_more() -> None:
    assert not ALL_CALLS - named_operations(), "take them out of fabfile/permissions/calls.json"


def test_every_recorded_task_is_one() -> None:
    assert not set(recorded_calls()) - set(task_collection().tasks)


def test_every_type_of_the_stack_has_its_rights() -> None:
    assert not ALL_TYPES - {kind for rule in rules() for kind in rule.types}


def test_a_task_is_allowed_what_it_calls_and_nothing_of_other_tasks() -> None:
    names = names_of(environment(Path("/nowhere")), ACCOUNT, "a-bucket")
    found = statements(rules(), {"autoscaling:SuspendProcesses", "sts:GetCallerIdentity"}, (), names)
    group = f"arn:aws:autoscaling:us-east-1:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/opendebates-testing"
    assert found == (
        {
            "Sid": "ChangeGroups",
            "Effect": "Allow",
            "Action": ["autoscaling:SuspendProcesses"],
            "Resource": [f"{group}-web", f"{group}-worker"],
        },
    )


def test_no_policy_is_longer_than_iam_takes() -> None:
    found = everything()
    assert len(found) > 1
    assert all(size(document) <= MOST_CHARACTERS for document in found)


def test_white_space_does_not_count() -> None:
    assert size({"a": "b c"}) == len('{"a":"bc"}')


def test_every_rule_names_its_page_of_aws() -> None:
    assert all(rule.page.startswith("https://docs.aws.amazon.com/") for rule in rules())
    assert len({rule.sid for rule in rules()}) == len(rules())


def test_a_linter_finds_no_wrong_action_and_no_resource_that_does_not_match(tmp_path: Path) -> None:
    """cfn-lint's W3037 knows AWS's actions, I3510 the resources that each takes."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    policies = {
        f"Policy{number}": {
            "Type": "AWS::IAM::Policy",
            "Properties": {"PolicyName": f"p{number}", "PolicyDocument": document, "Roles": [{"Ref": "Role"}]},
        }
        for number, document in enumerate(everything())
    }
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Role": role, **policies}}
    path = tmp_path / "policies.json"
    path.write_text(json.dumps(template))
    lint: list[str | Path] = [
        Path(sys.executable).with_name("cfn-lint"),
        "--include-checks",
        "I",
        "--format",
        "parseable",
        "-t",
        path,
    ]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if not line.split(":")[5].startswith(("I3042", "I1"))]
    assert not found


@pytest.mark.parametrize("statement", list(each_statement()), ids=lambda one: str(one["Sid"]))
def test_all_resources_are_meant_only_where_iam_knows_none(statement: dict[str, Any]) -> None:
    known = json.loads(LINT_DATA.read_text())
    if statement["Resource"] != ["*"] or statement["Sid"] in ON_ALL_BY_CONDITION:
        return
    scoped = {
        action
        for action in statement["Action"]
        for service, name in [action.lower().split(":")]
        if known[service]["Actions"][name].get("Resources")
    }
    assert not scoped - SCOPED_BUT_UNKNOWN


UNREACHED = {"s3:ListObjectsV2"}  # the store's promise to list, which no task makes use of
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    ],
}
# RunInstances is bound by its condition: to launch templates, and they say what is launched.
ON_ALL_BY_CONDITION = {"RunWhatTemplatesSay"}
SCOPED_BUT_UNKNOWN: set[str] = set()
