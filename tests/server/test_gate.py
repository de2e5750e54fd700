"""When a new server counts as ready: decided from observations alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.releases.server.gate import Gate, Verdict
from fabfile.releases.server.health import Answer, matches
from fabfile.releases.server.supervisor_client import Program

RUNNING = Program("RUNNING", 7, "pid 7")
GOOD, BAD = Answer(True), Answer(False, "it answered 500")


def gate() -> Gate:
    return Gate(min_healthy_time=5.0, timeout=60.0, began=0.0)


@pytest.mark.parametrize("state", ["BACKOFF", "EXITED", "FATAL", "STOPPED"])
def test_an_application_that_ended_fails_at_once(state: str) -> None:
    assert gate().look(0.0, Program(state, 0, "exited too quickly"), BAD) is Verdict.FAILED


def test_health_that_was_good_and_is_lost_fails_at_once() -> None:
    watched = gate()
    assert watched.look(1.0, RUNNING, GOOD) is Verdict.WAIT
    assert watched.look(3.0, RUNNING, BAD) is Verdict.FAILED
    assert watched.reason == "the application was healthy for 2.0 s, then it answered 500"


def test_an_application_that_was_started_again_fails_though_it_answers() -> None:
    watched = gate()
    watched.look(1.0, RUNNING, GOOD)
    assert watched.look(2.0, Program("RUNNING", 8, "pid 8"), GOOD) is Verdict.FAILED


def test_an_application_that_is_never_healthy_fails_after_the_time_limit() -> None:
    watched = gate()
    assert watched.look(60.0, RUNNING, BAD) is Verdict.WAIT
    assert watched.look(60.1, RUNNING, BAD) is Verdict.FAILED


def test_health_for_long_enough_is_ready() -> None:
    watched = gate()
    assert watched.look(1.0, RUNNING, GOOD) is Verdict.WAIT
    assert watched.look(5.9, RUNNING, GOOD) is Verdict.WAIT
    assert watched.look(6.0, RUNNING, GOOD) is Verdict.READY


@given(st.lists(st.tuples(st.floats(0.1, 3), st.booleans(), st.sampled_from([7, 8])), max_size=40))
def test_ready_means_one_process_and_no_break_for_the_whole_time(looks: list[tuple[float, bool, int]]) -> None:
    watched, now, since = gate(), 0.0, None
    for pause, healthy, pid in looks:
        now += pause
        verdict = watched.look(now, Program("RUNNING", pid, ""), GOOD if healthy else BAD)
        since = (now if since is None else since) if healthy else None
        if verdict is Verdict.READY:
            assert since is not None
            assert now - since >= 5.0
        if verdict is not Verdict.WAIT:
            break


@pytest.mark.parametrize(("success", "good"), [("200", {200}), ("200,301", {200, 301}), ("200-202", {200, 201, 202})])
def test_success_codes_are_read_as_the_balancer_reads_them(success: str, good: set[int]) -> None:
    assert {status for status in range(100, 600) if matches(success, status)} == good
