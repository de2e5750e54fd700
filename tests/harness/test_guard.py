"""The wrong account: nothing is called but GetCallerIdentity."""

from __future__ import annotations

import socket

import pytest

from fabfile.errors import UsageError
from tests.aws.test_refusals import answering
from tests.conformance.__main__ import main
from tests.conformance.cloud import entered
from tests.conformance.target import Real
from tests.harness.inventory import SESSION, everything

IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@pytest.mark.parametrize("arguments", [[], ["-k", "nothing"], ["sweep"], ["sweep", "20261121T1100Z.1.x"]])
def test_the_credentials_of_another_account_are_told_by_one_call_and_refused(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "TEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    asked: list[str] = []
    with answering(200, IDENTITY, asked) as endpoint:
        variables = {
            "CONFORMANCE_ACCOUNT": "999999999999",
            "CONFORMANCE_ENDPOINT": endpoint,
            "AWS_REGION": "us-east-1",
        }
        assert main(arguments, variables) == 2
    assert [one.split("&")[0] for one in asked] == ["Action=GetCallerIdentity"]
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        "cannot run the conformance tests: the credentials are of account 123456789012, and CONFORMANCE_ACCOUNT is "
        "999999999999. Nothing was called but GetCallerIdentity; use the credentials of the account that you mean.\n"
    )


def test_another_account_behind_the_embedded_clouds_endpoint_is_refused_and_left_as_it_was(endpoint: str) -> None:
    before = everything(endpoint)
    with (
        pytest.raises(UsageError, match="are of account 123456789012"),
        entered(Real("999999999999", "us-east-1", endpoint), SESSION),
    ):
        pass
    assert everything(endpoint) == before


def test_where_nobody_says_whose_the_credentials_are_nothing_runs() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        silent = Real("123456789012", "us-east-1", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(UsageError, match="STS does not say whose credentials these are"), entered(silent, SESSION):
            pass


def test_a_sweep_without_an_account_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep"], {}) == 2
    assert capsys.readouterr().err == (
        "cannot sweep: CONFORMANCE_ACCOUNT is not set, and the embedded cloud forgets by itself. Set the 12 digits.\n"
    )


def test_a_profile_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert main([], {"CONFORMANCE_ACCOUNT": "123456789012", "AWS_REGION": "us-east-1"}) == 2
    assert capsys.readouterr().err == (
        "cannot run the conformance tests: The config profile (nobody) could not be found. "
        "Set AWS_PROFILE to one of `aws configure list-profiles`.\n"
    )
