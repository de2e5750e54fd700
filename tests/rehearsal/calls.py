"""Hold the recorded calls of tasks to what an embedded cloud saw, or record them: `make record-calls`."""

from __future__ import annotations

import json
import os
import urllib.request

from .project import ROOT, Project

RECORDED = ROOT / "fabfile" / "permissions" / "calls.json"
RECORD = "FABSCALE_RECORD_CALLS"


def check_calls(project: Project) -> None:
    """Fail if a task made a call that is not recorded: the policy that is printed for deployers would lack it.

    With FABSCALE_RECORD_CALLS=1 it is added to the record instead.
    """
    recorded: dict[str, list[str]] = json.loads(RECORDED.read_text())
    seen = {task: sorted({*recorded.get(task, ()), *calls}) for task, calls in _seen(project).items()}
    if os.environ.get(RECORD):
        RECORDED.write_text(json.dumps({**recorded, **seen}, indent=2, sort_keys=True) + "\n")
        return
    new = {task: sorted({*calls} - {*recorded.get(task, ())}) for task, calls in seen.items()}
    unknown = {task: calls for task, calls in new.items() if calls}
    assert not unknown, f"calls that are not recorded: {unknown}. Record them: make record-calls"


def _seen(project: Project) -> dict[str, list[str]]:
    with urllib.request.urlopen(f"{project.cloud()['endpoint']}/_fabscale/calls", timeout=30) as answer:
        seen: dict[str, list[str]] = json.loads(answer.read())
    return seen
