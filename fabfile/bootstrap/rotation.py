"""When the database's password changes: not while servers run that were told the old one.

RDS changes a password that it keeps every seven days, and servers fetch theirs once, before the application starts:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
"""

from __future__ import annotations

from datetime import UTC, datetime

SOON = 30 * 86400.0  # seconds before a change in which somebody has to act


def due_soon(rotates: float, now: float) -> bool:
    """Whether a secret changes by itself soon; `rotates` is 0 where it never does."""
    return bool(rotates) and rotates - now < SOON


def far_off(now: float) -> str:
    """Return a schedule whose next date is ten to eleven months away: in November 2026 it is October 1, 2027.

    By cron, since with a rate or a number of days a change that was due before may still happen:
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    """
    month = (datetime.fromtimestamp(now, UTC).month - 2) % 12 + 1
    return f"cron(0 4 1 {month} ? *)"
