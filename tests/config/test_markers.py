"""Who is told of deploys: what the file may say of it, and what is said of wrong values, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.config.environment import Marker
from fabfile.config.loading import load

from .test_messages import HEAD, problems

ADDRESS = "an https:// address, or a variable that has it (${NAME})"
ALL = "{deployment}, {environment}, {task}, {deploy_id}, {commit}, {launch_config}, {status}, {reason}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("markers: [a]", "markers: expected a mapping from names to settings, got a list"),
        ("markers: {a b: {command: x}}",
         "markers.a b: expected a name of letters, digits and dashes, got the text 'a b'"),
        ("markers: {a: {comand: x}}", "markers.a.comand: unknown key; did you mean 'command'?"),
        ("markers: {a: {command: 'x \"'}}", "markers.a.command: expected a command as a list of arguments or as one "
         "line, got a line with no closing quotation"),
        ("markers: {a: {command: x, at: begin}}",
         "markers.a.at: expected start or success or failure, got the text 'begin'"),
        ("markers: {a: {command: x, at: [start, sucess]}}", "markers.a.at[1]: expected start or success or failure, "
         "got the text 'sucess'; did you mean 'success'?"),
        ("markers: {a: {url: 'http://example.org/'}}",
         f"markers.a.url: expected {ADDRESS}, got the text 'http://example.org/'"),
        ("markers: {a: {url: 'http://127.0.0.1.example.org/'}}",
         f"markers.a.url: expected {ADDRESS}, got the text 'http://127.0.0.1.example.org/'"),
        ("markers: {a: {url: 'https:///x'}}", f"markers.a.url: expected {ADDRESS}, got the text 'https:///x'"),
        ("markers: {a: {url: 'https://example.org', headers: x}}",
         "markers.a.headers: expected a mapping from names to text, got the text 'x'"),
        ("markers: {a: {command: x, timeout: 0}}",
         "markers.a.timeout: expected a number from 0.1 to 300 s, got the number 0"),
        ("markers: {a: {command: x, required: 1}}",
         "markers.a.required: expected true or false, got the number 1"),
        ("markers: {a: {at: start}}", "markers.a (staging): expected command or url, got neither"),
        ("markers: {a: {command: x, url: 'https://example.org'}}",
         "markers.a (staging): expected command or url, got both"),
        ("markers: {a: {command: x, body: {}}}",
         "markers.a (staging): expected headers and body with url only, got them with command"),
        ("markers: {a: {command: x, at: failure, required: true}}", "markers.a (staging): expected required at start "
         "or success, got it at failure, where the deploy has failed already"),
        ("markers: {a: {url: 'https://example.org', body: {texts: ['{comit}']}}}",
         f"markers.a (staging): expected one of {ALL}, got {{comit}}; did you mean {{commit}}?"),
    ],
)  # fmt: skip
def test_a_wrong_marker_is_said_with_its_line_and_what_was_expected(tmp_path: Path, line: str, expected: str) -> None:
    assert problems(tmp_path, HEAD + line + "\n") == (f"3: {expected}",)


def test_markers_are_read_in_their_order_and_per_environment(tmp_path: Path) -> None:
    path = tmp_path / "fabulaws-config.yml"
    path.write_text(
        HEAD
        + "markers:\n"
        + "  staging:\n    log: {command: scripts/log --now}\n"
        + "  production:\n    chat: {url: '${CHAT}', at: success, body: {text: '{commit}', n: 1}, required: true}\n"
        + "    own: {url: 'http://127.0.0.1:8000/x', timeout: 2, headers: {Key: '${KEY}'}}\n"
    )
    config = load(path)
    assert config.environment("demo", "staging").markers == (
        Marker("log", ("start", "success", "failure"), command=("scripts/log", "--now")),
    )
    assert config.environment("demo", "production").markers == (
        Marker("chat", ("success",), url="${CHAT}", body={"text": "{commit}", "n": 1}, required=True),
        Marker(
            "own",
            ("start", "success", "failure"),
            url="http://127.0.0.1:8000/x",
            headers={"Key": "${KEY}"},
            timeout=2.0,
        ),
    )
