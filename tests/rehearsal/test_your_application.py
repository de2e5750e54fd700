"""docs/your-application.md, typed in an empty folder by somebody who has an installed Fabscale and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..wheel import install_wheel
from .project import PATIENCE, ROOT

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]

PAGE = (ROOT / "docs" / "your-application.md").read_text()
EXAMPLE = ROOT / "examples" / "flask"
SERVER = '#!/bin/sh\nexec python3 -m http.server --bind "$1" "$2"\n'
SERVED = re.compile(r"is ready: (http://\S+)")


def blocks(language: str) -> list[str]:
    """Return the page's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


class Newcomer:
    """Somebody in a folder of their own, with `fab` and git."""

    def __init__(self, folder: Path, installed: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FAB", "GIT_"))}
        who = {f"GIT_{role}_{what}": "me@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environ = {**kept, **who, "PYTHONPATH": str(installed), "PATH": path, "NO_COLOR": "1"}

    def types(self, commands: str, code: int = 0) -> str:
        """Run a block of commands, each only if the one before ended well; return what was printed and told."""
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
        assert ended.returncode == code, f"{commands}\n{ended.stdout}"
        return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_wheel(tmp_path_factory)


@pytest.fixture
def newcomer(tmp_path: Path, installed: Path) -> Iterator[Newcomer]:
    """In an empty folder; whatever was started there ends with the test."""
    somebody = Newcomer(tmp_path, installed)
    (tmp_path / "fabfile.py").write_text(blocks("python")[0])
    try:
        yield somebody
    finally:
        somebody.types("fab local_down")


@contextmanager
def traffic(site: str) -> Iterator[Counter[str]]:
    """Ask for a page again and again, and count how each request ended."""
    seen: Counter[str] = Counter()
    over = threading.Event()

    def visit() -> None:
        while not over.wait(0.05):
            try:
                with urllib.request.urlopen(site, timeout=10) as answer:
                    seen[str(answer.status)] += 1
            except (OSError, urllib.error.URLError) as error:
                seen[str(error)] += 1

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        yield seen
    finally:
        over.set()
        visitor.join()


def test_the_page_and_the_example_are_the_same() -> None:
    assert blocks("yaml")[0] == (EXAMPLE / "fabulaws-config.yml").read_text()
    assert blocks("python")[0] == (EXAMPLE / "fabfile.py").read_text()
    assert len(blocks("yaml")[0].splitlines()) <= 20
    assert len(blocks("python")[0].splitlines()) == 1


def test_a_flask_application_is_created_and_deployed_twice_under_traffic_without_a_failed_request(
    newcomer: Newcomer,
) -> None:
    for name in ("app.py", "migrate.py", "requirements.txt", "migrations"):
        take = shutil.copytree if (EXAMPLE / name).is_dir() else shutil.copy
        take(EXAMPLE / name, newcomer.folder / name)
    (newcomer.folder / "fabulaws-config.yml").write_text(blocks("yaml")[0])
    create, first, second = blocks("sh")
    found = SERVED.search(newcomer.types(create))
    assert found
    with traffic(found[1]) as seen:
        for commands in (first, second):
            assert re.search(r"2 of 2 servers replaced .* · 0 of \d+ requests failed", newcomer.types(commands))
    assert set(seen) == {"200"}
    with urllib.request.urlopen(found[1], timeout=10) as answer:
        assert "Our guest book" in answer.read().decode()


def test_a_program_that_is_not_python_serves_and_one_that_listens_elsewhere_is_told_by_its_port(
    newcomer: Newcomer,
) -> None:
    """And a folder that is no repository yet."""
    (newcomer.folder / "fabulaws-config.yml").write_text(blocks("yaml")[1] + "rollout: {slot_deadline: 20}\n")
    server = newcomer.folder / "server"
    server.write_text(SERVER)
    server.chmod(0o755)
    create = "fab create_environment:pages,local"
    refused = newcomer.types(create, code=2)
    assert f"cannot release 'HEAD': {newcomer.folder} is not usable: fatal: not a git repository" in refused
    assert "Run git init there, and commit" in refused
    commit = "git add --all && git commit --quiet --message Pages"
    newcomer.types(f"git init --quiet && printf '.fab/\\n' > .gitignore && {commit}")
    found = SERVED.search(newcomer.types(create))
    assert found
    server.write_text(SERVER.replace('"$2"', "8999"))
    with traffic(found[1]) as seen:
        stopped = newcomer.types(f"{commit} && fab deploy_serial:pages,local", code=4)
    assert "nothing listens on port 8000" in stopped
    assert set(seen) == {"200"}
