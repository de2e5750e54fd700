"""Whose minimum and maximum hold when create_environment runs again: the last who changed them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.bootstrap.sizes import maximum, remarks
from fabfile.rollout.model import Intent
from tests.rollout.fleets import NEW, OLD, even_fleet

BEFORE = {"WebMinimum": "2", "WebMaximum": "8"}
GROUP = replace(even_fleet(4).group, minimum=2, maximum=8)


@pytest.mark.parametrize(
    ("configured", "before", "desired", "expected"),
    [
        (8, {}, 0, 8),  # a new stack
        (8, {"WebMaximum": "8"}, 10, 8),  # an operator runs ten: what the config says has not changed, nor is it set
        (9, {"WebMaximum": "8"}, 4, 9),
        (9, {"WebMaximum": "12"}, 10, 10),  # lowered below what runs: AWS would terminate one
    ],
    ids=["new", "unchanged", "raised", "lowered"],
)
def test_the_maximum_of_the_parameters(configured: int, before: dict[str, str], desired: int, expected: int) -> None:
    assert maximum(configured, before, desired) == expected


def said(configured: tuple[int, int] = (2, 8), **changes: int) -> list[str]:
    return list(remarks(configured, BEFORE, replace(GROUP, **changes), {}))  # type: ignore[arg-type]


def test_nothing_is_said_of_sizes_that_are_the_configs() -> None:
    assert said() == []


def test_sizes_that_an_operator_set_stay_and_that_is_said() -> None:
    assert said(minimum=4, maximum=12) == [
        "the minimum is 4, set by hand or by a schedule: it stays until the config's changes (2)",
        "the maximum is 12, set by hand or by a schedule: it stays until the config's changes (8)",
    ]


def test_sizes_that_the_config_has_changed_win_and_that_is_said() -> None:
    assert said((3, 10), maximum=12) == [
        "the minimum becomes 3, which the config says now: it was 2",
        "the maximum becomes 10, which the config says now: it was 12",
    ]


def test_a_maximum_that_would_cost_running_servers_is_not_set_and_that_is_said() -> None:
    assert said((2, 3), desired=4) == ["the maximum becomes 4, what runs: the config's is less (3)"]


def test_a_maximum_raised_for_the_surge_of_a_deploy_that_has_not_ended_is_left_to_it() -> None:
    intent = Intent("d1", NEW, OLD, maximum_before=8, maximum_raised=9)
    assert list(remarks((2, 8), BEFORE, replace(GROUP, maximum=9), {"d1": intent})) == [
        "the maximum is 9 for the surge of the deploy d1, which has not ended, and goes back to 8 with it"
    ]
