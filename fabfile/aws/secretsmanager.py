"""Secrets Manager: whether a secret is there and when it is changed; never its value."""

from __future__ import annotations

from dataclasses import dataclass

from .session import Aws


@dataclass(frozen=True)
class Secret:
    """A secret; `rotates` is when it is changed by itself next, seconds since the epoch, 0 for never."""

    arn: str
    rotates: float
    days: int  # between two rotations; 0 where a schedule says it another way


def secret(aws: Aws, arn: str) -> Secret:
    """Return what is known of a secret; raises `Missing` if there is none."""
    with aws.calling(f"describe the secret {arn}"):
        found = aws.client("secretsmanager").describe_secret(SecretId=arn)
    due = found.get("NextRotationDate") if found.get("RotationEnabled") else None
    days = found.get("RotationRules", {}).get("AutomaticallyAfterDays", 0)
    return Secret(arn, due.timestamp() if due else 0.0, days if found.get("RotationEnabled") else 0)


def reschedule(aws: Aws, arn: str, schedule: str) -> None:
    """Change when a secret that another service keeps is changed next ("cron(…)"); its value stays.

    No Lambda function is named for such secrets:
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_managed.html
    """
    with aws.calling(f"change the rotation schedule of the secret {arn}"):
        aws.client("secretsmanager").rotate_secret(
            SecretId=arn, RotateImmediately=False, RotationRules={"ScheduleExpression": schedule}
        )
