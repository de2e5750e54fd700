"""What a deployer asks of a running worker: to stop, install, migrate and start, each as often as it likes."""

from __future__ import annotations

import json
import os
import signal
import tarfile
from pathlib import Path
from typing import Any

import pytest

from .cloud import Cloud
from .machine import Machine, wait_for

OLD = "20261120T0900Z-0a0b0c0"
NEW = "20261121T0114Z-1a2b3c4"


def booted(worker: Machine, **environ: str) -> Machine:
    worker.launch_with(worker.document(OLD, environ, group="", hook=""))
    worker.boot()
    wait_for(lambda: "is ready" in worker.console, "the worker runs")
    return worker


def install(worker: Machine, release: str, **environ: str) -> dict[str, Any]:
    return worker.ask("install", "-", said=json.dumps(worker.document(release, environ, group="", hook="")))


def migration(worker: Machine, release: str) -> dict[str, Any]:
    found: dict[str, Any] = worker.ask("status")["migrations"][release]
    return found


def migrated(worker: Machine) -> list[str]:
    path = worker.root / "migrated"
    return path.read_text().split() if path.exists() else []


def test_a_release_that_is_not_here_is_refused_by_name(worker: Machine) -> None:
    booted(worker)
    for verb in ("start-worker", "migrate"):
        assert NEW in worker.ask(verb, "--release", NEW)["error"]
    assert worker.ask("status")["phase"] == "running"


def test_an_archive_that_leads_out_of_its_folder_is_refused_and_the_old_release_goes_on(
    worker: Machine, cloud: Cloud, tmp_path: Path
) -> None:
    booted(worker)
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../../evil"))
    document = worker.document(NEW)
    document["release"] = {**cloud.put("evil", (tmp_path / "evil.tar.gz").read_bytes()), "id": NEW}
    assert "leads out" in worker.ask("install", json.dumps(document))["error"]
    assert worker.ask("status")["installed"] == [OLD]


def test_a_release_id_that_is_a_path_is_refused(worker: Machine) -> None:
    document = worker.document(NEW)
    document["release"]["id"] = "../../etc"
    assert "does not look like" in worker.ask("install", json.dumps(document))["error"]


def test_a_failed_migration_is_kept_and_repeated_only_when_asked(worker: Machine, cloud: Cloud) -> None:
    booted(worker)
    cloud.parameters["/password"] = "swordfish-7731"
    document = worker.document(NEW, {"MIGRATION_EXIT": "5"}, secrets={"PASSWORD": "ssm:/password"})
    worker.ask("install", json.dumps(document))
    worker.ask("migrate", "--release", NEW)
    wait_for(lambda: migration(worker, NEW)["state"] == "failed", "the migration fails")
    assert migration(worker, NEW)["exit"] == 5
    assert "the password is [secret]" in migration(worker, NEW)["log_tail"]
    assert worker.ask("migrate", "--release", NEW)["state"] == "failed"
    assert migrated(worker) == [NEW]
    assert worker.ask("migrate", "--release", NEW, "--again")["state"] == "running"
    wait_for(lambda: migrated(worker) == [NEW, NEW], "it runs again")


@pytest.mark.parametrize(("code", "ran"), [("0", ["migrate", "after"]), ("5", ["migrate"])])
def test_what_comes_after_migrations_runs_only_once_they_are_done(
    worker: Machine, cloud: Cloud, code: str, ran: list[str]
) -> None:
    """On the same server and under the same lock; a release may have either alone, or none."""
    ran_file = worker.root / "ran"
    say = "import pathlib, sys; open({!r}, 'a').write({!r}); sys.exit({})"
    migrate = ["{python}", "-c", say.format(str(ran_file), "migrate ", code)]
    after = ["{python}", "-c", say.format(str(ran_file), "after ", 0)]
    document = worker.document(NEW)
    document["commands"] |= {"migrate": migrate, "post_migrate": after}
    booted(worker)
    worker.ask("install", "-", said=json.dumps(document))
    worker.ask("migrate", "--release", NEW)
    wait_for(lambda: migration(worker, NEW)["state"] in {"done", "failed"}, "it ends")
    assert (migration(worker, NEW)["exit"], ran_file.read_text().split()) == (int(code), ran)


def several(worker: Machine, release: str) -> dict[str, Any]:
    """A release whose worker server runs two commands, each of which says its process id and waits."""
    say = "import os, time; open({!r}, 'a').write({!r} + ' ' + str(os.getpid()) + chr(10)); time.sleep(1000)"
    document = worker.document(release, group="", hook="")
    ran = str(worker.root / "ran")
    commands = {f"worker-{name}": ["{python}", "-c", say.format(ran, name)] for name in ("main", "mail")}
    return {**document, "commands": {**document["commands"], "worker": [], **commands}}


def test_several_workers_run_on_one_server_stop_together_and_are_started_anew_when_one_dies(worker: Machine) -> None:
    worker.launch_with(several(worker, OLD))
    worker.boot()
    wait_for(lambda: "is ready" in worker.console, "the workers run")
    ran = worker.root / "ran"

    def pids() -> list[tuple[str, int]]:
        said = ran.read_text().splitlines() if ran.exists() else []
        return [(name, int(pid)) for name, pid in map(str.split, said)]

    wait_for(lambda: sorted(name for name, _ in pids()) == ["mail", "main"], "both run")
    os.kill(pids()[0][1], signal.SIGKILL)
    wait_for(lambda: len(pids()) == 4, "both were started again")
    assert worker.ask("stop-worker", "--limit", "30")["phase"] == "installed"
    assert not any(Path(f"/proc/{pid}").exists() for _, pid in pids())
    worker.ask("install", "-", said=json.dumps(several(worker, NEW)))
    worker.ask("start-worker", "--release", NEW)
    wait_for(lambda: worker.ask("status")["phase"] == "running", "they run the new release")


def test_a_migration_whose_processes_were_killed_has_failed(worker: Machine) -> None:
    booted(worker)
    install(worker, NEW, UNTIL="/nowhere")
    worker.ask("migrate", "--release", NEW)
    wait_for(lambda: migrated(worker), "it runs")
    os.killpg(migration(worker, NEW)["pid"], signal.SIGKILL)
    wait_for(lambda: migration(worker, NEW)["state"] == "failed", "it is seen to have died")


def test_a_migration_whose_runner_alone_was_killed_still_runs(worker: Machine) -> None:
    booted(worker)
    until = worker.root / "go"
    install(worker, NEW, UNTIL=str(until))
    worker.ask("migrate", "--release", NEW)
    wait_for(lambda: migrated(worker), "it runs")
    os.kill(migration(worker, NEW)["pid"], signal.SIGKILL)
    assert worker.ask("migrate", "--release", NEW, "--again")["state"] == "running"
    assert migrated(worker) == [NEW]
    until.touch()
    wait_for(lambda: migration(worker, NEW)["state"] == "failed", "nobody saw how it ended")


def test_migrations_run_once_however_often_they_are_asked_for(worker: Machine) -> None:
    booted(worker)
    until = worker.root / "go"
    install(worker, NEW, UNTIL=str(until))
    for _ in range(3):
        assert worker.ask("migrate", "--release", NEW)["state"] == "running"
    until.touch()
    wait_for(lambda: migration(worker, NEW)["state"] == "done", "done")
    assert worker.ask("migrate", "--release", NEW)["state"] == "done"
    assert migrated(worker) == [NEW]


def test_migrations_that_are_done_run_anew_only_when_that_is_asked_for(worker: Machine) -> None:
    booted(worker)
    install(worker, NEW)
    for words, times in (((), 1), (("--again",), 1), (("--anew",), 2)):
        worker.ask("migrate", "--release", NEW, *words)
        wait_for(lambda: migration(worker, NEW)["state"] == "done", "done")
        assert migrated(worker) == [NEW] * times


def test_a_worker_finishes_its_job_before_it_stops(worker: Machine) -> None:
    job = worker.root / "job-is-done"
    booted(worker, JOB=str(job))
    assert worker.ask("stop-worker", "--limit", "0.3")["programs"]["worker"]["state"] == "STOPPING"
    assert worker.ask("status", "--release", NEW)["phase"] == "old"
    job.touch()
    assert worker.ask("stop-worker", "--limit", "30")["programs"]["worker"]["state"] == "STOPPED"
    assert worker.ask("status", "--release", NEW)["phase"] == "stopped"


def test_a_worker_goes_from_one_release_to_the_next_and_stays_there_after_a_reboot(worker: Machine) -> None:
    booted(worker)
    assert install(worker, NEW)["phase"] == "old"
    worker.ask("stop-worker", "--limit", "30")
    assert worker.ask("status", "--release", NEW)["phase"] == "installed"
    for _ in range(2):
        status = worker.ask("start-worker", "--release", NEW)
        assert (status["phase"], status["release"], status["previous"]) == ("running", NEW, OLD)
        assert status["programs"]["worker"]["release"] == NEW
    worker.boots[0].send_signal(signal.SIGTERM)
    assert worker.boots[0].wait(60) == 0
    worker.boot()
    wait_for(lambda: f"release {NEW} is ready" in worker.console, "the new release runs")


def test_another_releases_static_files_are_added_and_none_is_replaced(worker: Machine, cloud: Cloud) -> None:
    booted(worker)
    static = worker.document(NEW)["static"]
    assert worker.ask("static", json.dumps({"static": static}))["added"] == 1
    assert worker.ask("static", json.dumps({"static": static}))["added"] == 0
    names = {path.name for path in (worker.app / "shared/static").iterdir()}
    assert names == {"site.0a0b0c0.css", "site.1a2b3c4.css"}


def test_a_download_that_broke_off_goes_on_where_it_stopped(worker: Machine, cloud: Cloud) -> None:
    booted(worker)
    cloud.cut = 1
    assert NEW in install(worker, NEW)["installed"]
    assert cloud.ranges


def test_old_releases_go_but_never_the_current_one(worker: Machine) -> None:
    booted(worker)
    for number in range(1, 5):
        document = worker.document(f"20261121T0{number}00Z-1a2b3c{number}", keep=2)
        worker.ask("install", json.dumps(document))
    assert worker.ask("status")["installed"] == [OLD, "20261121T0300Z-1a2b3c3", "20261121T0400Z-1a2b3c4"]
