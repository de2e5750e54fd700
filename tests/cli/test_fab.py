"""What stock `fab` itself shows: lists, help, completion; how commands end; how long they take."""

from __future__ import annotations

import json
import os
import resource
import signal
import statistics
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import FAB, PATIENCE, ROOT, Folder


def test_the_list_groups_tasks_under_headings(project: Folder) -> None:
    """Ours, the environments, and users' own."""
    ended = project.fab("--list")
    assert (ended.code, ended.err) == (0, "")
    assert "Configuration:\n\n  check_config " in ended.out
    assert "Environments, for the tasks that follow:\n\n  production " in ended.out
    assert "Your own tasks:\n" in ended.out


@pytest.mark.parametrize("text", ["environments: [a\n", "environments: [staging]\nregoin: x\n", None])
def test_a_broken_config_does_not_break_what_needs_none(project: Folder, text: str | None) -> None:
    """Least of all the command that says what is wrong."""
    (project.path / "fabulaws-config.yml").unlink()
    if text is not None:
        project.config(text)
    assert project.fab("--list").code == 0
    assert project.fab("--help", "check_config").code == 0
    ended = project.fab("check_config")
    assert ended.code == 2
    assert ended.err.startswith("cannot ")
    unknown = project.fab("testing", "where")
    assert unknown.code == 2
    assert "the configuration is broken" in unknown.err


def test_check_config_lists_ignored_keys_and_warnings(project: Folder) -> None:
    """And answers as JSON too, with problems or without."""
    project.config((ROOT / "tests/config/fabulaws-config.sample.yaml").read_text())
    ended = project.fab("check_config")
    assert ended.code == 0
    assert "warning: fabulaws-config.yml:125: celery_workers.celery_application: read" in ended.out
    assert "ignored: fabulaws-config.yml:282: db_settings: the database is a managed one" in ended.out
    project.config("environments: [staging]\nregoin: x\n")
    ended = project.fab("check_config", "--json")
    assert ended.code == 2
    assert json.loads(ended.out)["problems"] == [
        "fabulaws-config.yml:1: deployments: expected at least one name, got none",
        "fabulaws-config.yml:2: regoin: unknown key; did you mean 'region'?",
    ]


def test_every_task_explains_itself_and_every_option() -> None:
    """`--help` of no task has an option without a text."""
    listed = subprocess.run([FAB, "--list", "-F", "json"], cwd=ROOT, capture_output=True, check=True, timeout=PATIENCE)
    for task in json.loads(listed.stdout)["tasks"]:
        shown = subprocess.run(
            [FAB, "--help", task["name"]], cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE
        ).stdout
        assert "\n  none" not in shown.split("Options:")[0], f"{task['name']} has no docstring"
        options = shown.split("Options:\n")[1].splitlines()
        bare = [line for line in options if line.strip().startswith("-") and "   " not in line.strip()]
        assert not bare, f"{task['name']}: {bare}"


def test_help_takes_dashes_and_names_the_nearest_task(project: Folder) -> None:
    """Exit code 2 for a name that is none."""
    assert project.fab("--help", "check-config").code == 0
    ended = project.fab("--help", "chek_config")
    assert (ended.code, ended.err) == (
        2,
        "cannot show help: there is no task 'chek_config'. Did you mean check_config? fab --list shows every task.\n",
    )


def test_completion_offers_tasks_and_options(project: Folder) -> None:
    """As `fab --print-completion-script` uses it."""
    assert {"check_config", "staging", "hello"} <= set(project.fab("--complete", "--", "fab", "ch").out.split())
    assert {"--deployment", "--json"} <= set(project.fab("--complete", "--", "fab", "where", "--").out.split())


def test_the_packages_folder_is_not_left_on_the_path(project: Folder) -> None:
    """A user's own `import config` must not get ours."""
    assert json.loads(project.fab("path").out) == []
    inside = subprocess.run([FAB, "--list"], cwd=ROOT / "fabfile", capture_output=True, check=False, timeout=PATIENCE)
    assert inside.returncode == 0


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("bug", 1, "a bug: RuntimeError: oh (project.py:40). FAB_DEBUG=1 shows more.\n"),
        ("lock", 3, "cannot do it: it was seen. Do that.\n"),
        ("rollout", 4, "cannot do it: it was seen. Do that.\n"),
        ("reach", 5, "cannot do it: it was seen. Do that.\n"),
        ("half", 6, "cannot do it: it was seen. Do that.\n"),
        ("interrupt", 130, "interrupted: nothing was changed.\n"),
    ],
)
def test_every_ending_has_its_exit_code_and_one_message(project: Folder, kind: str, code: int, text: str) -> None:
    """No traceback, unless FAB_DEBUG=1 asks for it."""
    ended = project.fab(f"fail:{kind}")
    assert (ended.code, ended.out, ended.err) == (code, "", text)
    debugged = project.fab(f"fail:{kind}", FAB_DEBUG="1")
    assert debugged.code == code
    assert "Traceback" in debugged.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_from_outside_is_one_line(project: Folder, number: signal.Signals) -> None:
    """Ctrl-C, and what CI sends when a job is cancelled."""
    process = subprocess.Popen(
        [FAB, "-c", "project", "linger"], cwd=project.path, env=project.environ, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "lingering\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, "interrupted: nothing was changed.\n")


def test_a_reader_that_goes_away_is_no_error(project: Folder) -> None:
    """`fab describe | head -1`."""
    ours, theirs = os.pipe()
    os.close(ours)
    ended = subprocess.run(
        [FAB, "-c", "project", "staging", "where"], cwd=project.path, env=project.environ, stdout=theirs,
        stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    os.close(theirs)
    assert (ended.returncode, "Traceback" in ended.stderr, "Broken" in ended.stderr) == (0, False, False)


def test_the_list_takes_little_longer_than_bare_fabrics(tmp_path: Path) -> None:
    """At most 1.3 times: boto3, rich and Jinja2 are imported when they are used."""
    (tmp_path / "fabfile.py").write_text("from fabric import task\n\n\n@task\ndef nothing(c):\n    'Nothing.'\n")

    def seconds(folder: Path) -> float:
        """Processor time, which a busy machine does not stretch."""
        started = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([FAB, "--list"], cwd=folder, capture_output=True, check=True, timeout=PATIENCE)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ended.ru_utime + ended.ru_stime - started.ru_utime - started.ru_stime

    seconds(ROOT)  # compiles what was not compiled yet
    pairs = [(seconds(ROOT), seconds(tmp_path)) for _ in range(9)]
    ratio = statistics.median(ours / bare for ours, bare in pairs)
    assert ratio < 1.3


def test_listing_imports_nothing_slow() -> None:
    """What takes long to import would be paid by every command."""
    code = (
        "import sys, fabric.main, fabfile; fabfile.namespace; "
        "print(*sorted({'boto3', 'botocore', 'rich', 'jinja2', 'moto', 'asyncssh'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [FAB.with_name("python"), "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert done.stdout.split() == []
