"""The database's password is not changed under servers that were told it once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fabfile.bootstrap.rotation import due_soon, far_off

DAY = 86400.0


@pytest.mark.parametrize(
    ("rotates", "soon"),
    [(7 * DAY, True), (29 * DAY, True), (30 * DAY, False), (300 * DAY, False)],
    ids=["a week", "29 days", "30 days", "300 days"],
)
def test_a_change_within_thirty_days_is_soon(rotates: float, soon: bool) -> None:
    now = 1_795_000_000.0
    assert due_soon(now + rotates, now) is soon


def test_a_secret_that_never_changes_is_never_due() -> None:
    assert not due_soon(0.0, 1_795_000_000.0)


@pytest.mark.parametrize("month", range(1, 13))
def test_the_next_date_is_at_least_ten_months_away(month: int) -> None:
    now = datetime(2026, month, 28, tzinfo=UTC)
    wanted = int(far_off(now.timestamp()).split()[3])
    due = datetime(2026 if wanted > month else 2027, wanted, 1, 4, tzinfo=UTC)
    assert (due - now).days > 300
