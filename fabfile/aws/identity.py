"""Who AWS takes us for, and whether that is the account that the environment lives in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from .session import Aws


@dataclass(frozen=True)
class Caller:
    """An account's number, and the user or the role's session that calls."""

    account: str
    arn: str


def ask_who_calls(aws: Aws) -> Caller:
    """Return who calls; needs no permission.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """
    with aws.calling("ask AWS whose credentials these are"):
        found = aws.client("sts").get_caller_identity()
    return Caller(found["Account"], found["Arn"])


def check_account(aws: Aws) -> None:
    """Raise `UsageError` if the credentials are another account's than the environment's `account_id`."""
    environment = aws.environment
    caller = aws.caller
    if environment.account_id and caller.account != environment.account_id:
        raise UsageError(
            f"work on {environment.deployment} {environment.name}",
            f"it is in the account {environment.account_id}, and {caller.arn} is in {caller.account} ({aws.where})",
            "Choose its `profile` or `role_arn`, or correct `account_id` in fabulaws-config.yml",
        )
