"""Markers told for real: commands in their process groups, web hooks to a server on loopback."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.config.environment import Marker
from fabfile.markers.occasion import Occasion
from fabfile.markers.telling import described, tell

from .receiver import Receiver, receiver

ALWAYS = ("start", "success", "failure")
START = Occasion("start", "demo", "staging", "deploy_serial", "d1", "1a2b3c4", "demo-staging-1", "")
FAILURE = Occasion("failure", "demo", "staging", reason="it $(touch hacked); {commit} ${KEY} broke\0")
PATIENCE = 30.0


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as told:
        yield told


def failures(folder: Path, *markers: Marker, occasion: Occasion = START, **environ: str) -> list[str]:
    seen = tell(markers, occasion, folder, {**os.environ, **environ})
    return [str(each.failure) if each.failure else "" for each in seen]


def shell(script: str, timeout: float = PATIENCE) -> Marker:
    return Marker("a", ALWAYS, command=("sh", "-c", script), timeout=timeout)


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_command_that_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    marker = shell("sleep 600 & echo $! > child; wait", timeout=1.0)
    assert failures(tmp_path, marker) == ["it had not ended after 1 s, and was killed"]
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + PATIENCE
    while is_alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_a_command_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    assert failures(tmp_path, shell("sleep 60 & echo $! > child")) == [""]
    assert time.monotonic() - began < PATIENCE
    os.kill(int((tmp_path / "child").read_text()), 9)


def test_a_command_that_fails_is_said_with_its_code_and_last_line(tmp_path: Path) -> None:
    assert failures(tmp_path, shell("echo no; echo it is Friday >&2; exit 3")) == [
        "it ended with exit code 3: it is Friday"
    ]
    missing = Marker("a", ALWAYS, command=("no-such-program",))
    assert failures(tmp_path, missing) == ["no-such-program cannot be run: No such file or directory"]


def test_facts_reach_a_command_by_its_environment_and_no_shell_reads_them(tmp_path: Path) -> None:
    marker = shell('printf "%s" "$FABSCALE_STATUS $FABSCALE_ENVIRONMENT $FABSCALE_REASON" > told')
    assert failures(tmp_path, marker, occasion=FAILURE) == [""]
    assert (tmp_path / "told").read_text() == "failure staging it $(touch hacked); {commit} ${KEY} broke"
    assert not (tmp_path / "hacked").exists()


def test_a_marker_that_fails_keeps_no_other_from_being_told(tmp_path: Path) -> None:
    later = Marker("b", ("success",), command=("touch", "later"))
    told = failures(tmp_path, shell("exit 1"), later, shell("touch told"))
    assert told == ["it ended with exit code 1", ""]
    assert (tmp_path / "told").exists()
    assert not (tmp_path / "later").exists()


def test_a_web_hook_gets_all_facts_as_json_unless_it_has_a_body(tmp_path: Path, hook: Receiver) -> None:
    plain = Marker("a", ALWAYS, url=hook.url)
    shaped = Marker("b", ALWAYS, url=hook.url, body={"deployment": {"revision": "{commit}", "at": [1, "${KEY}"]}})
    assert failures(tmp_path, plain, shaped, KEY="k") == ["", ""]
    (headers, facts), (_, body) = hook.came
    assert headers["Content-Type"] == "application/json"
    assert facts == {
        "status": "start", "deployment": "demo", "environment": "staging", "task": "deploy_serial",
        "deploy_id": "d1", "commit": "1a2b3c4", "launch_config": "demo-staging-1", "reason": "",
    }  # fmt: skip
    assert body == {"deployment": {"revision": "1a2b3c4", "at": [1, "k"]}}


def test_what_is_filled_in_is_not_filled_in_again(tmp_path: Path, hook: Receiver) -> None:
    """A reason that quotes ${KEY} gets nobody's key."""
    marker = Marker("a", ALWAYS, url=hook.url, body={"text": "{reason}"})
    assert failures(tmp_path, marker, occasion=FAILURE, KEY="s3cret") == [""]
    assert hook.came[0][1] == {"text": "it $(touch hacked); {commit} ${KEY} broke"}


def test_secrets_of_address_and_headers_come_from_the_environment(tmp_path: Path, hook: Receiver) -> None:
    marker = Marker("a", ALWAYS, url="${HOOK}", headers={"Api-Key": "key ${KEY}"})
    assert failures(tmp_path, marker, HOOK=hook.url, KEY="s3cret") == [""]
    assert hook.came[0][0]["Api-Key"] == "key s3cret"
    assert failures(tmp_path, marker, HOOK=hook.url) == ["the environment variable KEY is not set"]
    assert described(marker) == "a (POST to ${HOOK})"


def test_an_answer_that_is_no_success_is_a_failure(tmp_path: Path, hook: Receiver) -> None:
    hook.status = 500
    assert failures(tmp_path, Marker("a", ALWAYS, url=hook.url)) == ["127.0.0.1 answered 500"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_refused(tmp_path: Path, hook: Receiver, status: int) -> None:
    """They would take the headers elsewhere."""
    with receiver() as other:
        hook.status, hook.headers = status, {"Location": other.url.replace("127.0.0.1", "localhost")}
        seen = failures(tmp_path, Marker("a", ALWAYS, url=hook.url, headers={"Key": "s3cret"}))
        assert seen == ["127.0.0.1 redirects to localhost, which is not followed"]
        assert other.came == []


def test_an_address_that_does_not_answer_in_time_is_given_up(tmp_path: Path, hook: Receiver) -> None:
    hook.hold = threading.Event()
    (seen,) = failures(tmp_path, Marker("a", ALWAYS, url=hook.url, timeout=0.3))
    assert seen in {"127.0.0.1 had not answered after 0.3 s", "127.0.0.1 cannot be reached: no answer in time"}


def test_plain_http_is_for_loopback_only(tmp_path: Path) -> None:
    (seen,) = failures(tmp_path, Marker("a", ALWAYS, url="${HOOK}"), HOOK="http://example.org/s3cret")
    assert seen == "its url at example.org is not https, and headers would be readable on their way"
    for address in ("file:///etc/passwd", "s3cret", "https://[s3cret", "http://127.0.0.1/a b"):
        (seen,) = failures(tmp_path, Marker("a", ALWAYS, url="${HOOK}"), HOOK=address)
        assert "s3cret" not in seen
        assert seen.startswith("its url ")


def test_no_text_quotes_a_header_or_an_address(tmp_path: Path, hook: Receiver) -> None:
    broken = Marker("a", ALWAYS, url=hook.url, headers={"Key": "s3cret\nX: y"})
    gone = Marker("b", ALWAYS, url="http://127.0.0.1:1/s3cret")
    seen = failures(tmp_path, broken, gone)
    assert seen == [
        "127.0.0.1 could not be asked: ValueError (a header or the address is not valid)",
        "127.0.0.1 cannot be reached: Connection refused",
    ]
