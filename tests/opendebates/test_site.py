"""The demo application serves as the environments need it to: between releases, and when something is away."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.opendebates.processes import APPLICATION, Site, ended, eventually, free_port

pytestmark = pytest.mark.cloud


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site whose database is migrated and whose static files are collected."""
    release = {"RELEASE": "20261121T0800Z-1a2b3c4", "RELEASE_COMMIT": "1a2b3c4"}
    site = Site(tmp_path, release, free_port())
    site.manage("collectstatic", "--noinput")
    site.manage("migrate")
    return site


def test_its_own_tests_pass(tmp_path: Path) -> None:
    site = Site(tmp_path)
    command = [sys.executable, "-W", "error", "manage.py", "test"]
    done = subprocess.run(command, cwd=APPLICATION, env=site.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_its_models_have_no_change_without_a_migration(tmp_path: Path) -> None:
    Site(tmp_path).manage("makemigrations", "--check", "--dry-run")


def test_it_is_unhealthy_without_its_database_and_healthy_before_its_migrations(tmp_path: Path) -> None:
    site = Site(tmp_path, {"SQLITE_PATH": str(tmp_path / "later" / "db.sqlite3")}, free_port())
    with site.serving():
        assert site.get("/healthcheck.html").status == 503
        (tmp_path / "later").mkdir()
        assert site.get("/healthcheck.html").status == 200
        assert site.get("/release/").status == 200


def test_a_page_tells_its_release_and_all_that_it_links_to_is_there(site: Site) -> None:
    with site.serving():
        page = site.get("/")
        assert "20261121T0800Z-1a2b3c4" in page.body
        assert page.headers["X-Release"] == json.loads(site.get("/release/").body)["release"]
        assets = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.body))
        assert {Path(name).suffix for name in assets} == {".css", ".js", ".svg"}
        for name in assets:
            answer = site.get(name)
            assert (answer.status, "immutable" in answer.headers["Cache-Control"]) == (200, True)


def test_an_old_server_serves_the_files_of_a_release_that_came_later(site: Site) -> None:
    later = Path(site.environment["STATIC_ROOT"], "questions/site.0123456789ab.css")
    with site.serving():
        assert site.get("/static/questions/site.0123456789ab.css").status == 404
        later.write_text("body {}")
        answer = site.get("/static/questions/site.0123456789ab.css")
        assert (answer.status, answer.body) == (200, "body {}")
        assert "immutable" in answer.headers["Cache-Control"]


def test_no_file_outside_of_the_static_folder_is_served(site: Site) -> None:
    with site.serving():
        for path in ("/static/../db.sqlite3", "/static/%2e%2e/db.sqlite3", "/static//etc/passwd"):
            assert site.get(path).status == 404


def test_two_releases_manifests_lie_side_by_side(site: Site) -> None:
    replace(site, environ={**site.environ, "RELEASE_COMMIT": "5d6e7f8"}).manage("collectstatic", "--noinput")
    static = Path(site.environment["STATIC_ROOT"])
    assert {path.name for path in static.glob("*.json")} == {"staticfiles-1a2b3c4.json", "staticfiles-5d6e7f8.json"}


def test_a_worker_that_is_told_to_stop_finishes_its_job_and_takes_no_other(site: Site) -> None:
    site.manage("enqueue", "pause", '{"seconds": 1}')
    site.manage("enqueue", "pause", '{"seconds": 1}')
    with ended(site.start("manage.py", "run_worker")) as worker:
        eventually(lambda: "job 1 pause begins" in site.log(), "the first job begins")
        worker.terminate()
        assert worker.wait(60) == 0
    assert "job 1 pause ended" in site.log()
    assert "job 2" not in site.log()


def test_a_worker_waits_for_migrations_that_did_not_run_yet(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with ended(site.start("manage.py", "run_worker", "--poll", "0.05")):
        eventually(lambda: "cannot take a job" in site.log(), "the worker complains")
        site.manage("migrate")
        site.manage("enqueue", "pause", '{"seconds": 0}')
        eventually(lambda: "job 1 pause ended" in site.log(), "the job ends")
