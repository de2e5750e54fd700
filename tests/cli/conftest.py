"""Run stock `fab` as users do, in a folder with a configuration and a fabfile of their own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAB = Path(sys.executable).with_name("fab")
PATIENCE = 60.0  # seconds that a command may take on a busy machine

CONFIG = """
deployments: [demo, other]
environments: [staging, production]
"""
FABFILE = """
import os
import sys

sys.path.append({root!r})

from fabric import task

from fabfile import namespace
from fabfile.errors import LockHeld, RolloutFailed, StoppedHalfway, Unreachable
from fabfile.tasks.declare import changing, reading


@task(help={{"greeting": "what is said"}})
def hello(c, name, greeting="hi", times=1, loud=False):
    "Greet somebody."
    print(f"{{name}}|{{greeting}}|{{times}}|{{loud}}")


@reading
def where(run, color=""):
    "Say where."
    run.output.progress("looking")
    if run.json:
        run.output.json({{"deployment": run.environment.deployment, "environment": run.environment.name}})
    else:
        run.output.result(f"{{run.environment.deployment}} {{run.environment.name}} {{color}}".rstrip())


@changing
def touch(run):
    "Change something."
    run.output.result(f"touched {{run.environment.name}} dry_run={{run.dry_run}} wait={{run.wait:g}}")


@reading(environment=False)
def fail(run, kind=""):
    "End badly."
    if kind == "bug":
        raise RuntimeError("oh")
    if kind == "interrupt":
        raise KeyboardInterrupt
    errors = {{"lock": LockHeld, "rollout": RolloutFailed, "reach": Unreachable, "half": StoppedHalfway}}
    raise errors[kind]("do it", "it was seen", "Do that")


@reading(environment=False)
def linger(run):
    "Wait for ever."
    run.output.result("lingering")
    run.clock.sleep(3600)


@reading(environment=False)
def path(run):
    "Show where modules come from."
    run.output.json([entry for entry in sys.path if entry.endswith("fabfile")])


for task_ in (hello, where, touch, fail, linger, path):
    namespace.add_task(task_)
"""


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Folder:
    """A user's project."""

    path: Path

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FAB"))}
        return {**kept, "FABULAWS_CONFIG": str(self.path / "fabulaws-config.yml"), "COLUMNS": "120"}

    def config(self, text: str) -> None:
        (self.path / "fabulaws-config.yml").write_text(text)

    def fab(self, *words: str, **environ: str) -> Ended:
        """Run `fab -c project …` with nobody at a terminal."""
        command = [str(FAB), "-c", "project", *words]
        done = subprocess.run(
            command, cwd=self.path, env={**self.environ, **environ}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    def fab_at_a_terminal(self, answer: str, *words: str) -> Ended:
        """Run `fab -c project …` with somebody at a terminal who types an answer."""
        ours, theirs = pty.openpty()
        command = [str(FAB), "-c", "project", *words]
        process = subprocess.Popen(
            command, cwd=self.path, env=self.environ, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True
        )
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        out, _ = process.communicate(timeout=PATIENCE)
        try:
            err = os.read(ours, 65536).decode()
        except OSError:  # Linux answers EIO once the other end is closed and all was read
            err = ""
        os.close(ours)
        return Ended(process.returncode, out, err)


@pytest.fixture
def project(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.config(CONFIG)
    (tmp_path / "project.py").write_text(FABFILE.format(root=str(ROOT)))
    (tmp_path / "fabric.yaml").write_text("tasks:\n  auto_dash_names: false\n")
    return folder
