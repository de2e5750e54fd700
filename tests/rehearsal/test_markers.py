"""Markers of real deploys: told of start and end, shown by dry runs, run by hand; a required one stops a deploy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .project import Project, lines
from .test_deploys import QUICK

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]
LOG = 'echo "$FABSCALE_STATUS $FABSCALE_TASK $FABSCALE_LAUNCH_CONFIG" >> .fab/told'
MARKERS: dict[str, Any] = {
    "log": {"command": ["sh", "-c", LOG]},
    "chat": {"url": "http://127.0.0.1:1/", "headers": {"Api-Key": "${CHAT_KEY}"}, "at": "success"},
}


@pytest.fixture
def marked(site: Project) -> Iterator[Project]:
    site.config["markers"] = MARKERS
    site.write_config()
    yield site
    del site.config["markers"]
    site.write_config()
    (site.folder / ".fab" / "told").unlink(missing_ok=True)


def told(project: Project) -> list[list[str]]:
    file = project.folder / ".fab" / "told"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


def test_a_deploy_tells_its_start_and_its_end_and_a_marker_that_fails_is_a_warning(marked: Project) -> None:
    foretold = marked.fab(*QUICK, "--dry-run")
    assert lines(foretold.out, "would tell of the success: log (runs sh), chat (POST to 127.0.0.1)")
    assert told(marked) == []
    ended = marked.fab(*QUICK)
    assert lines(ended.err, "warning: chat was not told of the success: the environment variable CHAT_KEY is not set")
    name = marked.history()[0]["launch_config"]
    assert told(marked) == [["start", "deploy_serial", name], ["success", "deploy_serial", name]]
    shown = marked.fab("flag_deployment:opendebates,local,failure", "--dry-run")
    assert shown.out == "would tell of the failure: log (runs sh)\n"
    marked.fab("flag_deployment:opendebates,local,failure")
    assert told(marked)[2] == ["failure", "flag_deployment", name]


@pytest.mark.long
def test_a_required_start_that_fails_stops_a_deploy_before_anything_changes(marked: Project) -> None:
    before, deploys = marked.group(), marked.history()
    marked.config["markers"] = {"freeze": {"command": "false", "at": "start", "required": True}}
    marked.write_config()
    ended = marked.fab(*QUICK, code=2)
    assert "the required marker freeze failed: it ended with exit code 1. The environment was not changed" in ended.err
    assert (marked.group(), marked.history()) == (before, deploys)
    assert marked.describe()["lock"] is None
