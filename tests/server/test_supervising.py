"""What supervisor runs on a server is started, stopped and restarted, and said to be up only once it serves."""

from __future__ import annotations

import json

from fabfile.releases.server.supervising import ACTIONS

from .machine import Machine, wait_for

RELEASE = "20261121T0114Z-1a2b3c4"


def serving(machine: Machine, **environ: str) -> Machine:
    machine.launch_with(machine.document(RELEASE, environ))
    machine.boot()
    wait_for(lambda: "is ready" in machine.console, "it is ready")
    return machine


def test_a_program_that_this_server_has_not_is_refused(machine: Machine) -> None:
    serving(machine)
    for action in ACTIONS:
        answer = machine.ask("supervise", action, "worker")
        assert answer["error"] == f"cannot {action} worker: this server runs web."
    assert machine.ask("supervise", "status", "web")["state"] == "RUNNING"


def test_a_restarted_site_is_another_process_that_is_healthy(machine: Machine) -> None:
    serving(machine)
    before = machine.ask("supervise", "status", "web")["pid"]
    after = machine.ask("supervise", "restart", "web")
    assert (after["program"], after["state"]) == ("web", "RUNNING")
    assert after["pid"] != before
    assert machine.ask("ask", '{"paths": ["/"], "requests": 2, "timeout": 5}')["failed"] == 0


def test_a_worker_finishes_its_job_before_it_is_stopped(worker: Machine) -> None:
    job = worker.root / "job-is-done"
    worker.launch_with(worker.document(RELEASE, {"JOB": str(job)}, group="", hook="", stop_seconds=60))
    worker.boot()
    wait_for(lambda: "is ready" in worker.console, "the worker runs")
    job.touch()
    assert worker.ask("supervise", "stop", "worker")["state"] == "STOPPED"
    for _ in range(2):
        assert worker.ask("supervise", "start", "worker")["state"] == "RUNNING"


def test_a_site_that_does_not_come_back_is_an_error_with_its_log(machine: Machine) -> None:
    """Its health check fails from then on; the secrets in its log are not told."""
    serving(machine)
    wanted = machine.app / "server.json"
    wanted.write_text(json.dumps({**json.loads(wanted.read_text()), "gate_timeout": 2}))
    site = machine.app / "releases" / RELEASE / "web.py"
    site.write_text(site.read_text().replace('"STATUS", "200"', '"STATUS", "503"'))
    error = machine.ask("supervise", "restart", "web")["error"]
    assert error.startswith("cannot start web: it is not ready after 2 s: ")
    assert "; the last of its log:\n" in error
