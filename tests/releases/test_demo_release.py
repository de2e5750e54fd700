"""The demo application as a release: what the archives hold is enough to serve it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.config.environment import Environment
from fabfile.releases.building import build_release
from fabfile.releases.store import MemoryStore
from fabfile.releases.target import plain_python
from tests.opendebates.processes import APPLICATION
from tests.releases.repository import Checkout

COLLECT = ("{python}", "manage.py", "collectstatic", "--noinput")

pytestmark = pytest.mark.cloud


@pytest.fixture
def demo(environment: Environment, tmp_path: Path) -> Environment:
    """An environment that releases a copy of the demo application, in a repository of its own."""
    copy = Checkout(tmp_path / "demo")
    copy.path.mkdir()
    copy.git("init", "--quiet", "--initial-branch", "main")
    ours = subprocess.run(["git", "-C", str(APPLICATION), "ls-files", "-z"], capture_output=True, text=True, check=True)
    copy.commit({name: (APPLICATION / name).read_text() for name in ours.stdout.split("\0") if name})
    manage = ("{python}", "manage.py")
    application = replace(
        environment.application, source=".", start=manage, worker=manage, migrate=manage, static=COLLECT
    )
    return replace(environment, repository=copy.path, application=application)


def test_what_the_archives_hold_is_enough_to_serve_the_site(demo: Environment, tmp_path: Path) -> None:
    store = MemoryStore()
    manifest = build_release(demo, "main", store, lambda text: None)
    assert manifest.static is not None
    folders = {"release": manifest.bundle, "packages": manifest.dependencies[0], "static": manifest.static}
    for name, archive in folders.items():
        with tarfile.open(fileobj=io.BytesIO(store.get(archive.key))) as opened:
            opened.extractall(tmp_path / name, filter="data")
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(tmp_path / "packages"),
        "STATIC_ROOT": str(tmp_path / "static"),
        "SQLITE_PATH": str(tmp_path / "db.sqlite3"),
        "RELEASE": manifest.id,
        "RELEASE_COMMIT": manifest.commit,
    }

    def run(*arguments: str) -> str:
        command = [plain_python(), *arguments]
        done = subprocess.run(
            command, cwd=tmp_path / "release", env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("manage.py", "migrate")
    asked = "from django.test import Client; print(Client().get('/').content.decode())"
    setup = "import django, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'opendebates.settings'; django.setup(); "
    page = run("-c", setup + asked)
    assert manifest.id in page
    linked = re.findall(r'"/static/([^"]+)"', page)
    assert linked
    assert all((tmp_path / "static" / name).is_file() for name in linked)
    assert "gunicorn" in run("-m", "gunicorn", "--version")
