"""Which canary a command line and a config ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.config.environment import Environment
from fabfile.errors import UsageError
from fabfile.rollout.trial import NO_TRIAL, Trial
from fabfile.tasks.deploying import Request
from fabfile.tasks.trying import trial_of
from tests.aws.account import environment


def _environment(folder: Path, canary: str = "0") -> Environment:
    plain = environment(folder)
    return replace(plain, rollout=replace(plain.rollout, batch="25%", canary=canary))


@pytest.mark.parametrize(
    ("request_", "trial"),
    [
        (Request(), NO_TRIAL),
        (Request(canary="1"), Trial(1, 60.0)),
        (Request(canary="10%"), Trial(2, 60.0)),
        (Request(canary="100%", bake_time=5.0, pause=True), Trial(12, 5.0, pause=True)),
        (Request(bake_time=5.0), Trial(3, 5.0)),
        (Request(pause=True, batch="5"), Trial(5, 60.0, pause=True)),
        (Request(canary="1", servers=False), NO_TRIAL),
    ],
)
def test_a_canary_is_asked_for_by_number_share_bake_or_pause(tmp_path: Path, request_: Request, trial: Trial) -> None:
    assert trial_of(_environment(tmp_path), request_, 12) == trial


def test_the_configs_canary_counts_unless_the_command_line_wants_none(tmp_path: Path) -> None:
    always = _environment(tmp_path, canary="10%")
    assert trial_of(always, Request(), 12) == Trial(2, 60.0)
    assert trial_of(always, Request(canary="0"), 12) == NO_TRIAL


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (
            Request(canary="many"),
            "cannot try a canary: a canary is a number of servers from 1, or a share from 1% to 100%, not 'many'. "
            "Say --canary 1, or --canary 10%.",
        ),
        (
            Request(canary="0", pause=True),
            "cannot try a canary: --canary 0 asks for none, and --bake-time and --pause are about one. "
            "Leave --canary out: the first batch is the canary then.",
        ),
    ],
)
def test_a_canary_that_means_nothing_is_refused(tmp_path: Path, request_: Request, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        trial_of(_environment(tmp_path), request_, 12)
    assert str(raised.value) == said
