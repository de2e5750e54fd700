"""Where the conformance tests run: nobody reaches an account without having named it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fabfile.errors import UsageError
from tests.conformance.run import Run, is_over, run_of
from tests.conformance.target import Embedded, Real, target

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RUN = Run(NOW - timedelta(hours=1), 4711, "laptop.example")


@pytest.mark.parametrize("account", ["", "12345678901", "1234567890123", "12345678901x", " 123456789012"])
def test_a_number_that_is_no_account_is_refused_also_an_empty_one(account: str) -> None:
    with pytest.raises(UsageError) as refused:
        target({"CONFORMANCE_ACCOUNT": account, "AWS_REGION": "eu-west-1"})
    assert str(refused.value) == (
        f"cannot run the conformance tests: CONFORMANCE_ACCOUNT is {account!r}. "
        "Give the 12 digits of the account, or unset it for the embedded cloud."
    )
    assert refused.value.exit_code == 2


def test_an_endpoint_without_an_account_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        target({"CONFORMANCE_ENDPOINT": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "AKIA"})
    assert str(refused.value) == (
        "cannot run the conformance tests: CONFORMANCE_ENDPOINT is set and CONFORMANCE_ACCOUNT is not. "
        "Say which account it is to be: CONFORMANCE_ACCOUNT=<12 digits>."
    )


def test_an_account_without_a_region_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        target({"CONFORMANCE_ACCOUNT": "123456789012"})
    assert str(refused.value) == (
        "cannot run the conformance tests: AWS_REGION is not set. "
        "Say in which region, for example AWS_REGION=eu-west-1."
    )


def test_without_an_account_it_is_the_embedded_cloud_whatever_credentials_are_around() -> None:
    assert target({"AWS_ACCESS_KEY_ID": "AKIA", "AWS_REGION": "eu-west-1"}) == Embedded()


def test_an_account_is_named_with_its_region() -> None:
    where = target({"CONFORMANCE_ACCOUNT": "123456789012", "AWS_DEFAULT_REGION": "eu-west-1"})
    assert where == Real("123456789012", "eu-west-1")
    assert str(where) == "account 123456789012 in eu-west-1"


@pytest.mark.parametrize(
    ("label", "host", "alive", "over"),
    [
        (f"{RUN}/test_sizes", "laptop.example", True, False),
        (f"{RUN}/test_sizes", "laptop.example", False, True),
        (f"{RUN}/test_sizes", "another", False, False),
        (f"{Run(NOW - timedelta(hours=13), 1, 'another')}/x", "laptop.example", False, True),
        (f"{Run(NOW - timedelta(hours=13), 1, 'laptop.example')}/x", "laptop.example", True, True),
        ("somebody else's own words", "laptop.example", False, False),
        ("", "laptop.example", False, False),
    ],
)
def test_a_run_is_over_when_its_process_is_gone_or_after_twelve_hours(
    label: str, host: str, alive: bool, over: bool
) -> None:
    assert is_over(label, NOW, host, lambda process: alive) is over


def test_a_label_tells_its_run() -> None:
    assert str(RUN) == "20261121T1100Z.4711.laptop-example"
    assert run_of(f"{RUN}/test_sizes/test_x") == Run(RUN.began, 4711, "laptop-example")
    assert RUN.owns(f"{RUN}/test_sizes/test_x")
    assert not RUN.owns(f"{RUN}0/test_sizes/test_x")
