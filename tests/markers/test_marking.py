"""What a deploy's markers are told of it, and what one that fails means for the deploy."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.config.environment import Marker
from fabfile.display.output import Output, Streams
from fabfile.errors import FabscaleError, RolloutFailed, Unreachable, UsageError
from fabfile.tasks.clock import SystemClock
from fabfile.tasks.flagging import flag_deployment
from fabfile.tasks.marking import Marking, foretell_markers
from fabfile.tasks.run import Run
from tests.aws.account import environment

ALWAYS = ("start", "success", "failure")
LOG = Marker("log", ALWAYS, command=("sh", "-c", 'echo "$FABSCALE_STATUS $FABSCALE_COMMIT $FABSCALE_REASON" >> told'))
BAD = Marker("bad", ALWAYS, command=("false",))
AWAY = Marker("away", ALWAYS, url="http://127.0.0.1:1/")


def run_of(folder: Path, *markers: Marker) -> Run:
    place = replace(environment(folder), markers=markers)
    output = Output(Streams(io.StringIO(), io.StringIO()), SystemClock().now)
    return Run("deploy_serial", output, SystemClock(), lambda: pytest.fail("the environment is given"), place)


def deploy(run: Run, error: BaseException | None = None) -> None:
    with Marking(run) as marking:
        marking.begin("d1", "demo-1", "1a2b3c4")
        if error is not None:
            raise error


def told(folder: Path) -> list[str]:
    file = folder / "told"
    return [line.rstrip() for line in file.read_text().splitlines()] if file.exists() else []


def test_a_deploy_that_holds_is_told_as_start_and_success(tmp_path: Path) -> None:
    deploy(run_of(tmp_path, LOG))
    assert told(tmp_path) == ["start 1a2b3c4", "success 1a2b3c4"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RolloutFailed("deploy", "a batch failed", "Look"), "cannot deploy: a batch failed. Look."),
        (KeyboardInterrupt(), "it was interrupted"),
        (ValueError("it may quote a s3cret"), "ValueError"),
    ],
    ids=["failed", "interrupted", "bug"],
)
def test_however_a_deploy_fails_it_is_told_once_and_fails_as_it_did(
    tmp_path: Path, error: BaseException, reason: str
) -> None:
    with pytest.raises(type(error)):
        deploy(run_of(tmp_path, LOG, BAD), error)
    assert told(tmp_path) == ["start 1a2b3c4", f"failure 1a2b3c4 {reason}"]


def test_what_ends_before_it_began_is_told_to_nobody(tmp_path: Path) -> None:
    with pytest.raises(UsageError), Marking(run_of(tmp_path, LOG)):
        raise UsageError("deploy", "no such launch config")
    assert told(tmp_path) == []


def test_a_marker_that_fails_is_a_warning_and_no_more(tmp_path: Path) -> None:
    deploy(run_of(tmp_path, BAD, AWAY, LOG))
    assert told(tmp_path) == ["start 1a2b3c4", "success 1a2b3c4"]


@pytest.mark.parametrize(
    ("marker", "kind", "text"),
    [
        (BAD, UsageError, "cannot run deploy_serial: the required marker bad failed: it ended with exit code 1. The "
         "environment was not changed. Mend it, or take `required` from it in fabulaws-config.yml."),
        (AWAY, Unreachable, "cannot run deploy_serial: the required marker away failed: 127.0.0.1 cannot be reached: "
         "Connection refused. The environment was not changed. Mend it, or take `required` from it in "
         "fabulaws-config.yml."),
        (replace(AWAY, url="${NO_SUCH_HOOK}"), UsageError, "cannot run deploy_serial: the required marker away "
         "failed: the environment variable NO_SUCH_HOOK is not set. The environment was not changed. Mend it, or take "
         "`required` from it in fabulaws-config.yml."),
    ],
    ids=["command", "web hook", "variable"],
)  # fmt: skip
def test_a_required_start_that_fails_stops_the_deploy(
    tmp_path: Path, marker: Marker, kind: type[FabscaleError], text: str
) -> None:
    with pytest.raises(kind) as raised:
        deploy(run_of(tmp_path, replace(marker, required=True)), AssertionError("it went on"))
    assert str(raised.value) == text


def test_a_required_success_that_fails_says_that_the_deploy_holds(tmp_path: Path) -> None:
    marker = replace(BAD, at=("success",), required=True)
    with pytest.raises(UsageError) as raised:
        deploy(run_of(tmp_path, marker))
    assert str(raised.value) == (
        "cannot tell bad of the deploy: the required marker bad failed: it ended with exit code 1. The deploy itself "
        "holds. Mend it, or take `required` from it in fabulaws-config.yml."
    )


def test_no_marker_keeps_anybody_from_getting_back_to_safety(tmp_path: Path) -> None:
    run = run_of(tmp_path, replace(BAD, at=("start",), required=True), LOG)
    with Marking(run) as marking:
        marking.begin_anyhow("d1", "demo-1", "1a2b3c4")
    assert told(tmp_path) == ["start 1a2b3c4", "success 1a2b3c4"]


def test_a_dry_run_shows_who_would_be_told_and_tells_nobody(tmp_path: Path) -> None:
    out = io.StringIO()
    run = run_of(tmp_path, LOG, replace(AWAY, at=("failure",), required=True))
    foretell_markers(replace(run, output=Output(Streams(out, io.StringIO()), SystemClock().now)))
    assert out.getvalue().splitlines() == [
        "would tell of the start: log (runs sh)",
        "would tell of the success: log (runs sh)",
        "would tell of the failure: log (runs sh), away (POST to 127.0.0.1, required)",
    ]
    assert told(tmp_path) == []


def test_flagging_by_hand_refuses_an_unknown_occasion_and_an_environment_without_markers(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        flag_deployment.function(run_of(tmp_path, LOG), at="begin")
    assert "cannot run flag_deployment: there is no occasion 'begin'." in str(raised.value)
    with pytest.raises(UsageError) as raised:
        flag_deployment.function(run_of(tmp_path))
    assert str(raised.value) == (
        "cannot run flag_deployment: opendebates,testing has no marker at success. "
        "Add one under markers in fabulaws-config.yml."
    )
