"""Hold the recorded calls of tasks to what an embedded cloud saw, or record them: `make record-calls`."""

from __future__ import annotations

import fcntl
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
    seen = _seen(project)
    if os.environ.get(RECORD):
        with RECORDED.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # rehearsals end in several processes
            known: dict[str, list[str]] = json.load(file)
            added = {task: sorted({*known.get(task, ()), *calls}) for task, calls in seen.items()}
            file.seek(0)
            file.write(json.dumps({**known, **added}, indent=2, sort_keys=True) + "\n")
        return
    recorded: dict[str, list[str]] = json.loads(RECORDED.read_text())
    new = {task: sorted({*calls} - {*recorded.get(task, ())}) for task, calls in seen.items()}
    unknown = {task: calls for task, calls in new.items() if calls}
    assert not unknown, f"calls that are not recorded: {unknown}. Record them: make record-calls"


def _seen(project: Project) -> dict[str, list[str]]:
    with urllib.request.urlopen(f"{project.cloud()['endpoint']}/_fabscale/calls", timeout=30) as answer:
        seen: dict[str, list[str]] = json.loads(answer.read())
    return seen
