"""Whose turn it is among the groups of a deploy, and what is said of a deploy that stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.rollout.model import Intent, Phase
from fabfile.rollout.sequence import Standing, go_back, go_on, standing, whose_turn, why

OLD, NEW = "lt-1:7", "lt-1:8"


def intent(group: str, turn: int) -> Intent:
    return Intent("d", NEW, OLD, group=group, turn=turn, release="r2", previous_release="r1")


A, B, C = (intent(name, turn) for turn, name in enumerate("abc", 1))


def deployed(each: Intent) -> Intent:
    return replace(each, phase=Phase.ENDED, begun=True)


def back(each: Intent, failure: str = "it broke") -> Intent:
    return replace(each, phase=Phase.ENDED, begun=True, failure=failure, target=OLD, previous=NEW)


def rolling(each: Intent) -> Intent:
    return replace(each, begun=True)


def stuck(each: Intent) -> Intent:
    return replace(back(each), stuck="no servers came")


def refused(each: Intent) -> Intent:
    return replace(each, phase=Phase.ENDED, failure="Launch is suspended")


@pytest.mark.parametrize(
    ("intents", "group", "target"),
    [
        ((A, B, C), "a", NEW),
        ((rolling(A), B, C), "a", NEW),
        ((deployed(A), B, C), "b", NEW),
        ((deployed(A), rolling(B), C), "b", NEW),
        ((deployed(A), back(B), C), "a", OLD),
        ((deployed(A), deployed(B), refused(C)), "b", OLD),
        ((deployed(A), back(B), refused(C)), "a", OLD),
        # b was left in the middle by a deploy before: it comes first, although a stands before it
        ((A, rolling(B), C), "b", NEW),
        # an unfinished deploy before left a on its release: it goes back with b
        ((replace(A, tried=("lt-1:6",)), back(B)), "a", OLD),
    ],
)
def test_the_turn_is(intents: tuple[Intent, ...], group: str, target: str) -> None:
    turn = whose_turn(intents)
    assert turn is not None
    assert (turn.group, turn.target) == (group, target)


@pytest.mark.parametrize(
    "intents",
    [
        (deployed(A), deployed(B)),
        (back(A), back(B), C),
        (refused(A), B),
        (deployed(A), stuck(B), C),
        # nothing was changed in a, which ran the release already
        (replace(deployed(A), begun=False), back(B)),
    ],
)
def test_there_is_no_turn_when_all_is_done_or_going_back_failed(intents: tuple[Intent, ...]) -> None:
    assert whose_turn(intents) is None


def test_resume_tries_again_where_going_back_failed() -> None:
    intents = go_on((deployed(A), stuck(B)))
    assert [standing(each) for each in intents] == [Standing.DEPLOYED, Standing.UNDER_WAY]
    assert intents[1].phase is Phase.ROLLING_BACK


def test_repair_gives_up_what_was_not_begun_so_that_the_others_go_back() -> None:
    intents = go_back((deployed(A), B), "fab repair")
    turn = whose_turn(intents)
    assert turn is not None
    assert (turn.group, turn.target, turn.phase) == ("a", OLD, Phase.ROLLING_BACK)


def test_repair_of_a_deploy_whose_last_group_only_restores_its_settings_lets_it_end() -> None:
    restoring = replace(rolling(B), phase=Phase.RESTORING)
    assert whose_turn(go_back((deployed(A), restoring), "fab repair")) == restoring
    assert whose_turn(go_back((deployed(A), deployed(B)), "fab repair")) is None


def test_a_deploy_that_stopped_says_what_failed_where_and_what_migrations_mean() -> None:
    migrated = replace(back(A, "b: it broke"), migrated=True, release="r1", previous_release="r2")
    assert why((migrated, back(B), C)) == (
        "b: it broke; migrations of r2 have run and stay: the release before runs on their schema"
    )
    assert why((stuck(A), back(B))) == "b: it broke; a: going back failed: no servers came"


def test_a_deploy_of_one_group_does_not_name_it() -> None:
    assert why((back(A),)) == "it broke"
