"""A project of a user's own: a repository with the demo application, a config, and `fab` as a command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml

ROOT = Path(__file__).resolve().parents[2]
FAB = Path(sys.executable).with_name("fab")
PATIENCE = 180.0  # seconds that anything may take on a busy machine


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


@dataclass
class Project:
    """A checkout beside its own embedded cloud."""

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def application(self) -> Path:
        return self.folder / "examples" / "opendebates"

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**kept, "FABULAWS_CONFIG": str(self.folder / "fabulaws-config.yml"), "NO_COLOR": "1"}

    def write_config(self) -> None:
        (self.folder / "fabulaws-config.yml").write_text(yaml.safe_dump(self.config, sort_keys=False))

    def git(self, *words: str) -> str:
        return subprocess.run(
            ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", *words],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything and return the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        file = self.application / path
        before = file.read_text()
        after = change(before)
        assert before != after, f"{path} was to be changed"
        file.write_text(after)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a task in a process group of its own."""
        return subprocess.Popen(
            [FAB, *words],
            cwd=ROOT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def fab(self, *words: str, code: int | None = 0) -> Ended:
        """Run a task to its end and hold it to its exit code."""
        ended = finish(self.start(*words))
        assert code is None or ended.code == code, f"fab {' '.join(words)}: {ended}"
        return ended

    def describe(self) -> dict[str, Any]:
        seen: dict[str, Any] = json.loads(self.fab("describe:opendebates,local", "--json").out)
        return seen

    def history(self) -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = json.loads(self.fab("history:opendebates,local", "--json").out)
        return seen

    def cloud(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.folder / ".fab" / "local" / "cloud.json").read_text())
        return record

    def client(self, service: Any) -> Any:
        """A client of one's own, as an operator beside the tool has it."""
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.cloud()["endpoint"],
            aws_access_key_id="operator",
            aws_secret_access_key="operator",
        )

    def group(self) -> dict[str, Any]:
        found = self.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[self.describe()["groups"][0]["name"]]
        )
        group: dict[str, Any] = found["AutoScalingGroups"][0]
        return group


def finish(process: subprocess.Popen[str]) -> Ended:
    """Wait for a task to end; one that hangs is killed and fails the test."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        kill(process)
        out, err = process.communicate()
        raise AssertionError(f"did not end within {PATIENCE:.0f} s\n{out}\n{err}") from None
    return Ended(process.returncode, out, err)


def kill(process: subprocess.Popen[str], how: int = signal.SIGKILL) -> None:
    """Send a signal to a task's whole process group, as a lost terminal or an OOM killer would."""
    os.killpg(process.pid, how)


def until(what: str, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Look again and again until something holds."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"waited {patience:.0f} s for {what}"
        time.sleep(0.1)  # a look every tenth of a second, up to a deadline: not a wait for luck


def make(folder: Path, **changes: Any) -> Project:
    """Make a project in an empty folder: the demo application in a repository of its own."""
    config = yaml.safe_load((ROOT / "fabulaws-config.yml").read_text())
    shutil.copytree(
        ROOT / "examples" / "opendebates",
        folder / "examples" / "opendebates",
        ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3", "staticfiles", ".fab"),
    )
    (folder / ".gitignore").write_text(".fab/\n__pycache__/\n")
    project = Project(folder, {**config, **changes})
    project.write_config()
    project.git("init", "-q", "-b", "main")
    project.commit("The demo application")
    return project


def lines(text: str, *words: str) -> Sequence[str]:
    """The lines of a text that have all words in them."""
    return [line for line in text.splitlines() if all(word in line for word in words)]
