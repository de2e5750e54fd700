"""When a canary counts as worse: the examples of the rule, with their figures."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabfile.rollout.comparing import Verdict, chance, compared
from fabfile.rollout.model import Policy
from fabfile.rollout.trial import Sample


@pytest.mark.parametrize(
    ("canary", "old", "likely", "verdict"),
    [
        ((300, 9), (900, 1), 0.00003, Verdict.WORSE),
        ((300, 4), (900, 1), 0.016, Verdict.FINE),
        ((300, 9), (900, 27), 0.56, Verdict.FINE),
        ((300, 2), (900, 0), 0.062, Verdict.FINE),
        ((300, 9), (0, 0), 1.0, Verdict.WORSE),
        ((300, 0), (900, 0), 1.0, Verdict.FINE),
        ((300, 0), (0, 0), 1.0, Verdict.FINE),
        ((300, 300), (900, 900), 1.0, Verdict.FINE),
        ((3, 3), (900, 0), 0.0, Verdict.TOO_FEW),
        ((300, 9), (3, 0), 0.91, Verdict.TOO_FEW),
    ],
)
def test_the_rule_says_of_its_examples_what_its_text_says(
    canary: tuple[int, int], old: tuple[int, int], likely: float, verdict: Verdict
) -> None:
    assert compared(Sample(*canary), Sample(*old), Policy()) is verdict
    assert chance(Sample(*canary), Sample(*old)) == pytest.approx(likely, rel=0.1, abs=1e-6)


def test_large_counts_are_judged_as_small_ones_are() -> None:
    assert compared(Sample(100_000, 5_000), Sample(300_000, 9_000), Policy()) is Verdict.WORSE
    assert compared(Sample(100_000, 5_000), Sample(300_000, 15_000), Policy()) is Verdict.FINE


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.integers(100, 5000), st.integers(1, 4), st.integers(0, 5000))
def test_a_canary_with_the_old_servers_share_of_failures_is_never_worse(asked: int, times: int, failed: int) -> None:
    failed = min(asked, failed)
    assert compared(Sample(asked, failed), Sample(asked * times, failed * times), Policy()) is Verdict.FINE
