"""A server asks its own application for pages, and counts what users would have seen fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .machine import Machine, wait_for

RELEASE = "20261121T0114Z-1a2b3c4"


def asked(machine: Machine, **environ: str) -> dict[str, Any]:
    machine.launch_with(machine.document(RELEASE, environ, health={"path": "/", "success": "200-599"}))
    machine.boot()
    wait_for(lambda: "is ready" in machine.console, "the site serves")
    wanted = {"paths": ["/", "/about/"], "requests": 10, "timeout": 5}
    return machine.ask("ask", "-", said=json.dumps(wanted))


def test_answers_are_no_failures_whatever_they_say_of_the_request(machine: Machine) -> None:
    seen = asked(machine, STATUS="404")
    assert (seen["requests"], seen["failed"], seen["first_failure"]) == (10, 0, "")
    assert seen["p99_ms"] > 0


def test_a_status_of_500_is_a_failure_that_is_named(machine: Machine) -> None:
    seen = asked(machine, STATUS="503")
    assert (seen["requests"], seen["failed"], seen["first_failure"]) == (10, 10, "/ answered 503")


def test_an_application_that_is_gone_fails_every_request(machine: Machine) -> None:
    machine.launch_with(machine.document(RELEASE))
    seen = machine.ask("ask", json.dumps({"paths": ["/"], "requests": 3, "timeout": 1}))
    assert (seen["requests"], seen["failed"]) == (3, 3)
    assert "/ did not answer" in seen["first_failure"]


@pytest.mark.parametrize("wrong", ["{}", '{"paths": ["/"], "requests": "many", "timeout": 1}'])
def test_a_request_that_is_none_is_an_error(machine: Machine, wrong: str) -> None:
    machine.launch_with(machine.document(RELEASE))
    assert "error" in machine.ask("ask", wrong)
