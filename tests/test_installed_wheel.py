"""An installed Fabscale, from a wheel and in a project of somebody else's, has all that it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FAB = Path(sys.executable).with_name("fab")
CONFIG = """\
deployments: [shop]
environments: [local]
provider: local
region: us-east-1
application:
  start: ["{python}", "-m", "http.server", "{port}"]
"""
RENDER = """
from pathlib import Path
from fabscale.bootstrap.template import render
from fabscale.config.loading import load
from fabscale.releases.user_data import build_server_program, render_user_data

environment = load(Path("fabulaws-config.yml")).environment("shop", "local")
print(render(environment, "bucket"))
document = {"deployment": "shop", "environment": "local", "role": "web"}
print(render_user_data(document, environment.state.parent))
assert len(build_server_program()) > 10_000
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a freshly built wheel was installed into, without its dependencies: they are here."""
    source, wheels, target = (tmp_path_factory.mktemp(name) for name in ("source", "wheels", "target"))
    for name in ("fabfile", "templates"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    alone = ("--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")
    pip = (sys.executable, "-m", "pip")
    subprocess.run([*pip, "wheel", *alone, "--no-build-isolation", "-w", wheels, source], check=True)
    subprocess.run([*pip, "install", *alone, "--target", target, *wheels.glob("*.whl")], check=True)
    return target


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty folder but for a configuration, and a fabfile.py of the project's own."""
    (tmp_path / "fabulaws-config.yml").write_text(CONFIG)
    (tmp_path / "fabfile.py").write_text("from fabscale import namespace\n")
    shutil.copy(ROOT / "fabric.yaml", tmp_path)
    return tmp_path


def run(installed: Path, project: Path, *command: object) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "FABULAWS_CONFIG"}
    ended = subprocess.run(
        [str(word) for word in command],
        cwd=project,
        env={**environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_every_file_of_the_package_is_in_the_wheel(installed: Path) -> None:
    """Templates and the servers' own requirements too."""
    kept = {
        str(path.relative_to(ROOT / "fabfile"))
        for path in (ROOT / "fabfile").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    kept |= {str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.j2")}
    package = installed / "fabscale"
    assert kept == {
        str(path.relative_to(package))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_stack_and_user_data_are_rendered_from_the_packages_templates(installed: Path, project: Path) -> None:
    text = run(installed, project, sys.executable, "-c", RENDER)
    assert "AWS::AutoScaling::AutoScalingGroup" in text
    assert "#!/bin/bash" in text


def test_a_projects_own_template_takes_the_place_of_the_packages(installed: Path, project: Path) -> None:
    (project / "templates").mkdir()
    (project / "templates" / "stack.yaml.j2").write_text("Description: the stack of {{ deployment }}")
    text = run(installed, project, sys.executable, "-c", RENDER)
    assert "the stack of shop" in text
    assert "#!/bin/bash" in text


def test_a_part_of_the_stack_may_be_replaced_alone(installed: Path, project: Path) -> None:
    (project / "templates" / "stack").mkdir(parents=True)
    (project / "templates" / "stack" / "worker.yaml.j2").write_text("  # their own worker of {{ deployment }}")
    text = run(installed, project, sys.executable, "-c", RENDER)
    assert "their own worker of shop" in text
    assert "WebGroup:" in text


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["--list"], "deploy_serial"),
        (["check_config"], "fabulaws-config.yml is valid"),
        (["create_environment:shop,local", "--help"], "--changeset"),
    ],
)
def test_tasks_run_in_a_project_whose_fabfile_imports_the_package(
    installed: Path, project: Path, words: list[str], seen: str
) -> None:
    """The classic form included."""
    assert seen in run(installed, project, FAB, *words)
