"""Where the conformance tests run, as the environment variables say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fabfile.errors import UsageError

WHAT = "run the conformance tests"
RUN = "CONFORMANCE_RUN"  # which run it is: set by `python -m tests.conformance`, and no account is entered without it
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True)
class Embedded:
    """The embedded cloud, in this process, with a clock that tests turn."""


@dataclass(frozen=True)
class Real:
    """An account that answers over HTTP and takes its time. `endpoint` is "" for AWS itself."""

    account: str
    region: str
    endpoint: str = ""

    @property
    def step(self) -> float:
        """Seconds between two looks: AWS counts calls, an emulator on this machine doesn't."""
        return 0.05 if self.endpoint else 5.0

    def __str__(self) -> str:
        return f"account {self.account} in {self.region}" + (f" at {self.endpoint}" if self.endpoint else "")


def target(variables: Mapping[str, str]) -> Embedded | Real:
    """Return where to run: without CONFORMANCE_ACCOUNT it is the embedded cloud, whatever credentials are around.

    Raises `UsageError` for a number that is none, also an empty one: a CI secret that is missing is no wish for the
    embedded cloud.
    """
    if "CONFORMANCE_ACCOUNT" not in variables:
        if variables.get("CONFORMANCE_ENDPOINT"):
            raise UsageError(
                WHAT,
                "CONFORMANCE_ENDPOINT is set and CONFORMANCE_ACCOUNT is not",
                "Say which account it is to be: CONFORMANCE_ACCOUNT=<12 digits>",
            )
        return Embedded()
    account = variables["CONFORMANCE_ACCOUNT"]
    if not _ACCOUNT.fullmatch(account):
        raise UsageError(
            WHAT,
            f"CONFORMANCE_ACCOUNT is {account!r}",
            "Give the 12 digits of the account, or unset it for the embedded cloud",
        )
    region = variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION") or ""
    if not region:
        raise UsageError(WHAT, "AWS_REGION is not set", "Say in which region, for example AWS_REGION=eu-west-1")
    return Real(account, region, variables.get("CONFORMANCE_ENDPOINT", ""))
