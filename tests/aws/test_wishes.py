"""Every wish book keeps the contract's promises."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from fabfile.apply.dynamo_wishes import DynamoWishes
from fabfile.apply.wishes import MemoryWishes, Wishes
from fabfile.aws.dynamodb import Table
from fabfile.rollout.wish import Wish
from tests.aws.account import session


@pytest.fixture(params=["memory", "dynamodb"])
def wishes(request: pytest.FixtureRequest, endpoint: str, tmp_path: Path) -> Wishes:
    if request.param == "memory":
        return MemoryWishes()
    return DynamoWishes(Table(session(endpoint, tmp_path), f"fabscale-{uuid.uuid4().hex}"), "shop-staging", "shop-web")


def test_nobody_has_wished_for_anything_before_the_first(wishes: Wishes) -> None:
    assert wishes.latest() is None


def test_of_two_who_ask_at_once_one_is_told_that_the_other_was_faster(wishes: Wishes) -> None:
    assert wishes.put(Wish(1, 4, by="ann"))
    assert not wishes.put(Wish(1, 6, by="ben"))
    assert not wishes.put(Wish(3, 6, by="ben"))
    assert wishes.latest() == Wish(1, 4, by="ann")


def test_the_newest_is_kept_with_all_that_was_asked_for(wishes: Wishes) -> None:
    wishes.put(Wish(1, 4))
    newer = Wish(2, 6, 0, 9, "ann@laptop", withdrawn=True)
    assert wishes.put(newer)
    assert wishes.latest() == newer
