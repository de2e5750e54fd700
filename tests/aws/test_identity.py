"""Nothing is sent to an account that is not the environment's, nor are credentials to whom they are not for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from fabfile.aws.credentials import now, open_session, session_name
from fabfile.aws.identity import check_account
from fabfile.aws.session import Aws
from fabfile.errors import UsageError
from tests.aws.account import environment

MOTOS = "123456789012"
ROLE = f"arn:aws:iam::{MOTOS}:role/deployer"
SCRIPT = """
import sys; sys.path.insert(0, '.')
from pathlib import Path
from fabfile.aws.identity import check_account
from fabfile.aws.session import Aws
from fabfile.config.environment import Provider
from fabfile.errors import FabscaleError
from tests.aws.account import environment
try: check_account(Aws(environment(Path('.'), provider=Provider.AWS, **eval(sys.argv[1]))))
except FabscaleError as error: print(error.exit_code, error)
"""


def said(folder: Path, settings: Mapping[str, str] | None = None, **environ: str) -> str:
    """What a process says that has only these variables, and asks AWS who it is."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    quiet = {**bare, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(folder), **environ}
    words = [sys.executable, "-c", SCRIPT, repr(dict(settings or {}))]
    done = subprocess.run(words, env=quiet, capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("reads", [False, True])
def test_another_account_is_refused_before_any_other_call(endpoint: str, tmp_path: Path, reads: bool) -> None:
    aws = Aws(environment(tmp_path, account_id="999999999999"), endpoint, read_only=reads)
    with pytest.raises(UsageError) as refused:
        check_account(aws)
    assert str(refused.value) == (
        "cannot work on opendebates testing: it is in the account 999999999999, and "
        f"arn:aws:sts::{MOTOS}:user/moto is in {MOTOS} (the embedded cloud at {endpoint}). "
        "Choose its `profile` or `role_arn`, or correct `account_id` in fabulaws-config.yml."
    )
    assert refused.value.exit_code == 2
    assert aws.calls == {"GetCallerIdentity": 1}


def test_the_account_is_asked_for_once(endpoint: str, tmp_path: Path) -> None:
    aws = Aws(environment(tmp_path, account_id=MOTOS), endpoint)
    check_account(aws)
    check_account(aws)
    assert aws.calls == {"GetCallerIdentity": 1}


def test_a_role_is_assumed_under_the_name_of_who_deploys(endpoint: str, tmp_path: Path) -> None:
    aws = Aws(environment(tmp_path, role_arn=ROLE), endpoint)
    assert aws.caller.arn == f"arn:aws:sts::{MOTOS}:assumed-role/deployer/{session_name()}"
    assert "@" in session_name()


def test_a_role_of_another_account_is_that_account(endpoint: str, tmp_path: Path) -> None:
    elsewhere = "arn:aws:iam::999999999999:role/deployer"
    with pytest.raises(UsageError, match="is in 999999999999"):
        check_account(Aws(environment(tmp_path, role_arn=elsewhere, account_id=MOTOS), endpoint))


def test_a_roles_credentials_are_renewed_before_they_expire(endpoint: str, tmp_path: Path) -> None:
    begun = now()
    passed = timedelta()
    session = open_session(environment(tmp_path, role_arn=ROLE), endpoint, "", lambda: begun + passed)
    credentials = session.get_credentials()
    assert credentials is not None
    first = credentials.get_frozen_credentials().access_key
    passed = timedelta(minutes=40)
    assert credentials.get_frozen_credentials().access_key == first
    passed = timedelta(minutes=50)  # of the hour that they hold
    assert credentials.get_frozen_credentials().access_key != first


def test_the_embedded_cloud_never_gets_the_users_credentials(tmp_path: Path) -> None:
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("[default]\naws_access_key_id = AKIAREAL\naws_secret_access_key = real\n")
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "from pathlib import Path\n"
        "from fabfile.aws.session import Aws\n"
        "from tests.aws.account import environment\n"
        "client = Aws(environment(Path('.'), profile='work'), 'http://127.0.0.1:9').client('sts')\n"
        "print(client._request_signer._credentials.access_key)\n"
    )
    real = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real", "AWS_PROFILE": "work"}
    environ = {**os.environ, **real, "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "embedded"


@pytest.mark.parametrize("settings", [{}, {"role_arn": ROLE}], ids=["keys", "role"])
def test_calls_meant_for_aws_are_not_sent_to_an_embedded_cloud(tmp_path: Path, settings: dict[str, str]) -> None:
    place = "http://127.66.0.2:5000"
    keys = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real"}
    assert said(tmp_path, settings, **keys, AWS_ENDPOINT_URL=place) == (
        f"2 cannot call sts on AWS: AWS_ENDPOINT_URL, or endpoint_url of the profile, sends calls to {place}, "
        "an embedded cloud. Take it away, or use `provider: local`."
    )


def test_missing_credentials_are_said_before_anything_else(tmp_path: Path) -> None:
    assert said(tmp_path) == (
        "5 cannot ask AWS whose credentials these are: there are no AWS credentials (profile default, region "
        "us-east-1). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use `provider: local`."
    )


def test_a_role_without_credentials_to_assume_it_with_is_said(tmp_path: Path) -> None:
    assert said(tmp_path, {"role_arn": ROLE}).startswith(
        f"5 cannot assume the role {ROLE}: there are no AWS credentials (profile default, role {ROLE}, region "
    )


@pytest.mark.parametrize("settings", [{}, {"role_arn": ROLE}], ids=["keys", "role"])
def test_an_unknown_profile_is_said(tmp_path: Path, settings: dict[str, str]) -> None:
    assert said(tmp_path, {"profile": "nobodys", **settings}) == (
        "2 cannot open a session for sts: The config profile (nobodys) could not be found. "
        "Set `profile` or AWS_PROFILE to one of `aws configure list-profiles`."
    )
