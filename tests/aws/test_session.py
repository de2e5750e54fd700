"""A session names what is wrong, repeats only what may be repeated, and writes only when it may."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fabfile.aws.session import Aws
from fabfile.aws.translate import Missing, ReadOnlyError, Uncertain
from fabfile.errors import Unreachable, UsageError
from tests.aws.account import environment, session


def describe_groups(aws: Aws) -> None:
    with aws.calling("describe groups"):
        aws.client("autoscaling").describe_auto_scaling_groups()


def test_an_endpoint_that_does_not_answer_is_uncertain_and_named(tmp_path: Path) -> None:
    with pytest.raises(Uncertain, match="cannot describe groups: no answer") as error:
        describe_groups(session("http://127.0.0.1:9", tmp_path))
    assert error.value.exit_code == 5
    assert "127.0.0.1:9" in str(error.value)


def test_missing_credentials_are_said_with_profile_and_region(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "from pathlib import Path\n"
        "from fabfile.aws.session import Aws\n"
        "from fabfile.errors import FabscaleError\n"
        "from tests.aws.account import environment\n"
        "from tests.aws.test_session import describe_groups\n"
        "try: describe_groups(Aws(environment(Path('.'))))\n"
        "except FabscaleError as error: print(error.exit_code, error)\n"
    )
    bare = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    settings = {**bare, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=settings, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("5 cannot describe groups: there are no AWS credentials")
    assert "profile default, region us-east-1" in done.stdout


def test_a_profile_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-such-profile"):
        describe_groups(Aws(environment(tmp_path, profile="no-such-profile")))


def test_what_is_not_there_is_missing_with_aws_own_code(endpoint: str, tmp_path: Path) -> None:
    aws = session(endpoint, tmp_path)
    with pytest.raises(Missing) as error, aws.calling("read the table x"):
        aws.client("dynamodb").describe_table(TableName="x")
    assert error.value.code == "ResourceNotFoundException"
    assert isinstance(error.value, Unreachable)


def test_a_read_only_session_refuses_to_write_before_anything_is_sent(endpoint: str, tmp_path: Path) -> None:
    aws = session(endpoint, tmp_path, read_only=True)
    with pytest.raises(ReadOnlyError, match="DeleteTable"):
        aws.client("dynamodb").delete_table(TableName="x")
    assert aws.calls == {}


def test_a_call_that_must_not_be_repeated_is_refused_by_the_client_that_retries(endpoint: str, tmp_path: Path) -> None:
    aws = session(endpoint, tmp_path)
    with pytest.raises(TypeError, match="not idempotent"):
        aws.client("autoscaling").terminate_instance_in_auto_scaling_group(
            InstanceId="i-1", ShouldDecrementDesiredCapacity=True
        )


def test_a_call_that_must_not_be_repeated_is_sent_once_though_no_answer_comes(tmp_path: Path) -> None:
    aws = session("http://127.0.0.1:9", tmp_path)
    with pytest.raises(Uncertain), aws.calling("terminate i-1"):
        aws.client("autoscaling", once=True).terminate_instance_in_auto_scaling_group(
            InstanceId="i-1", ShouldDecrementDesiredCapacity=True
        )
    assert aws.calls == {"TerminateInstanceInAutoScalingGroup": 1}


def test_calls_are_counted_by_action(endpoint: str, tmp_path: Path) -> None:
    aws = session(endpoint, tmp_path)
    for _ in range(3):
        describe_groups(aws)
    assert aws.calls == {"DescribeAutoScalingGroups": 3}
