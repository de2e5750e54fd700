"""Which environment a task is for, and the question before production."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Folder


def test_a_task_without_an_environment_says_which_there_are(project: Folder) -> None:
    """And both ways of naming one."""
    ended = project.fab("where")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "cannot run where: no environment was given. Say which: fab where:demo,ENVIRONMENT or fab ENVIRONMENT where; "
        "environments are staging, production.\n"
    )


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("where:demo,stagin", "there is no environment 'stagin'. Did you mean 'staging'? "
         "Known environments: staging, production."),
        ("where:dmo,staging", "there is no deployment 'dmo'. Did you mean 'demo'? Known deployments: demo, other."),
        ("where:xyz,staging", "there is no deployment 'xyz'. Known deployments: demo, other."),
    ],
)  # fmt: skip
def test_an_unknown_name_is_met_with_the_nearest(project: Folder, word: str, expected: str) -> None:
    """Exit code 2, before anything was asked of AWS."""
    ended = project.fab(word)
    assert (ended.code, ended.err) == (2, f"cannot run where: {expected}\n")


@pytest.mark.parametrize(
    ("task", "groups", "expected"),
    [
        ("deploy_serial", "larg", "there is no group 'larg'. Did you mean 'large'? Known groups: small, large."),
        ("deploy_serial", "small,small", "the group 'small' is named twice. Name each group once."),
        ("deploy_serial", ",", "--groups names no group. Known groups: small, large."),
        ("suspend_autoscaling_processes", "xyz", "there is no group 'xyz'. Known groups: small, large."),
    ],
)
def test_groups_that_the_config_does_not_name_are_refused(
    project: Folder, task: str, groups: str, expected: str
) -> None:
    """Exit code 2, before anything was asked of AWS."""
    project.config("deployments: [demo]\nenvironments: [staging]\nauto_scaling_groups: [small, large]\n")
    ended = project.fab(f"{task}:demo,staging", "--groups", groups)
    assert (ended.code, ended.err) == (2, f"cannot run {task}: {expected}\n")


def test_production_refuses_where_nobody_can_be_asked(project: Folder) -> None:
    """A CI job says --yes on purpose."""
    ended = project.fab("touch:demo,production")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "cannot run touch on demo,production: it is a production environment and nobody is there to ask. "
        "Agree with --yes, or answer=y.\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["touch:demo,production,answer=y"],
        ["touch:demo,production", "--yes"],
        ["touch:demo,production,yes=yes"],
        ["production", "--yes", "touch"],
        ["production:answer=y", "touch"],
    ],
)
def test_production_is_changed_once_it_was_agreed_to(project: Folder, words: list[str]) -> None:
    """With the task, or with the environment before it."""
    ended = project.fab(*words)
    assert (ended.code, ended.out) == (0, "touched production dry_run=False wait=600\n")


def test_production_may_be_looked_at_and_rehearsed_without_a_question(project: Folder) -> None:
    """Reading tasks and --dry-run change nothing."""
    assert project.fab("production", "where").out == "demo production\n"
    assert project.fab("production", "touch", "--dry-run").out == "touched production dry_run=True wait=600\n"


def test_production_asks_once_at_a_terminal(project: Folder) -> None:
    """Yes holds for the rest of the command line; anything else is no."""
    agreed = project.fab_at_a_terminal("y", "production", "touch", "touch")
    assert (agreed.code, agreed.out.count("touched production")) == (0, 2)
    refused = project.fab_at_a_terminal("", "production", "touch")
    assert (refused.code, refused.out) == (2, "")


def test_json_is_the_only_thing_on_standard_output(project: Folder) -> None:
    """Progress goes to standard error, with the time."""
    ended = project.fab("staging", "where", "--json")
    assert json.loads(ended.out) == {"deployment": "demo", "environment": "staging"}
    assert ended.err.endswith("Z looking\n")


def test_a_broken_config_stops_a_task_with_every_problem(project: Folder) -> None:
    """The same message as check_config's."""
    project.config("deployments: [demo]\nenvironments: [staging]\nregoin: x\napp_port: 0\n")
    ended = project.fab("staging", "where")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[0].endswith("it has 2 problems. Mend the file, then run fab check_config.")
    assert ended.err.splitlines()[1:] == [
        "  fabulaws-config.yml:3: regoin: unknown key; did you mean 'region'?",
        "  fabulaws-config.yml:4: app_port: expected a whole number from 1 to 65535, got the number 0",
    ]


def test_one_name_alone_may_be_the_environments(project: Folder) -> None:
    ended = project.fab("where:staging")
    assert (ended.code, ended.out) == (0, "demo staging\n")
