"""Real git repositories and environments for the tests of releases."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fabfile.config.environment import (
    Application,
    Environment,
    HealthCheck,
    LocalTimes,
    Names,
    Provider,
    RoleSettings,
    Rollout,
)

COPY = (
    "import os, pathlib, shutil; root = pathlib.Path(os.environ['STATIC_ROOT']); "
    "[shutil.copy(file, root) for file in pathlib.Path('assets').iterdir()]"
)


@dataclass(frozen=True)
class Checkout:
    """A git repository in a folder."""

    path: Path

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Ada Łove", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", "-C", str(self.path), *who, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, files: Mapping[str, str] | None = None, message: str = "Change") -> str:
        """Commit the files and return the commit's SHA."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


def new_repository(path: Path) -> Checkout:
    """A repository with one commit: an application without dependencies and with one asset."""
    path.mkdir()
    checkout = Checkout(path)
    checkout.git("init", "--quiet", "--initial-branch", "main")
    first = {"app/main.py": "print('hello')\n", "app/requirements.txt": "", "app/assets/site.css": "body {}\n"}
    checkout.commit({**first, "README.md": "outside\n"}, "First: ünïcode")
    return checkout


def an_environment(repository: Path, state: Path, **application: object) -> Environment:
    """An embedded environment whose application is the repository's folder `app`."""
    settings = Application(
        start=("{python}", "main.py"),
        worker=("{python}", "main.py"),
        migrate=("{python}", "main.py"),
        static=("{python}", "-c", COPY),
        source="app",
    )
    return Environment(
        deployment="opendebates",
        name="testing",
        provider=Provider.LOCAL,
        production=False,
        region="us-east-1",
        zones=("us-east-1a", "us-east-1b"),
        vpc="",
        subnets=(),
        ami="",
        branch="main",
        repository=repository,
        python="python3",
        app_port=8000,
        listener_port=80,
        minimum=2,
        maximum=4,
        desired=2,
        roles={"web": RoleSettings(2, "t3.small", 8, "gp3")},
        domains=(),
        names=Names("", ("",), "", (), "", "", "fabscale", "fabscale-{account}"),
        application=replace(settings, **application),  # type: ignore[arg-type]
        health=HealthCheck(),
        rollout=Rollout(),
        local=LocalTimes(),
        ssh_user="",
        ssh_config=None,
        ssh_attribute="private_ip_address",
        key_name="",
        tags={},
        state=state,
    )
