"""Both ways of writing a command line, for our tasks and for users' own."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["hello:World"], "World|hi|1|False"),
        (["hello:World,ho,3,yes"], "World|ho|3|True"),
        (["hello:World,greeting=a=b"], "World|a=b|1|False"),
        ([r"hello:World,greeting=a\,b"], "World|a,b|1|False"),
        ([r"hello:a\=b"], "a=b|hi|1|False"),
        (["hello:name=World,greeting="], "World||1|False"),
        (["hello:migrate --database=replica"], "migrate --database=replica|hi|1|False"),
        (["hello:World,greeting=migrate --fake a=b"], "World|migrate --fake a=b|1|False"),
        (["hello:World,loud=no"], "World|hi|1|False"),
        (["hello", "World", "--greeting=-x"], "World|-x|1|False"),
        (["hello", "World", "-g", "yo", "-l"], "World|yo|1|True"),
        (["hello", "--name", "World"], "World|hi|1|False"),
    ],
)
def test_users_own_tasks_have_both_forms(project: Folder, words: list[str], expected: str) -> None:
    r"""Positional and named values, `\,`, `\=`, and what follows the first equals sign."""
    ended = project.fab(*words)
    assert (ended.code, ended.out, ended.err) == (0, expected + "\n", "")


@pytest.mark.parametrize(
    "words",
    [
        ["where:demo,staging,red"],
        ["where:demo,environment=staging,color=red"],
        ["where", "--deployment", "demo", "--environment", "staging", "--color", "red"],
        ["where", "--deployment=demo", "--environment=staging", "--color=red"],
        ["staging", "where:color=red"],
        ["staging", "where", "--color", "red"],
    ],
)
def test_every_way_of_writing_means_the_same(project: Folder, words: list[str]) -> None:
    """Classic, flags, or the environment as a task before."""
    ended = project.fab(*words)
    assert (ended.code, ended.out) == (0, "demo staging red\n")


def test_an_environment_task_holds_for_all_tasks_after_it(project: Folder) -> None:
    """`fab staging begin_upgrade deploy_worker deploy_web end_upgrade`."""
    assert project.fab("staging", "where", "where:other").out == "demo staging\nother staging\n"


@pytest.mark.parametrize("word", ["touch:demo,staging,dry_run=yes", "touch:demo,staging,yes", "touch:dry-run=1"])
def test_options_of_several_words_have_the_classic_form(project: Folder, word: str) -> None:
    """Positional or named, with underscores or dashes."""
    assert project.fab("staging", word).out == "touched staging dry_run=True wait=600\n"


def test_dashes_are_accepted_in_the_names_of_tasks_and_underscores_in_options(project: Folder) -> None:
    """Whatever somebody is used to."""
    assert project.fab("check-config").code == 0
    assert "dry_run=True" in project.fab("staging", "touch", "--dry_run").out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--environment="], "--environment was given an empty value. Give it a value, or leave it out."),
        (["--environment", "--json"], "--environment needs a value, and '--json' begins with a dash."),
        (["--environment"], "--environment needs a value, and was given none."),
        (["--environment=-x"], "--environment was given '-x', and no value of it begins with a dash."),
        (["--enviroment=staging"], "where has no option --enviroment. Did you mean --environment?"),
        (["--json=yes"], "--json takes no value, and was given 'yes'."),
        (["staging_"], "there is no task 'staging_'. Did you mean staging? fab --list shows every task."),
    ],
)
def test_flags_that_cannot_be_meant_are_refused(project: Folder, words: list[str], expected: str) -> None:
    """One line on standard error, nothing on standard output, exit code 2."""
    ended = project.fab("where", *words)
    assert (ended.code, ended.out, ended.err) == (2, "", f"cannot read the command line: {expected}\n")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("where:demo,", "--environment was given an empty value. Give it a value, or leave it out."),
        ("where:demo,-rf", "--environment was given '-rf', and no value of it begins with a dash."),
        ("where:a,b,c,yes,e",
         "where was given too many values. It takes at most 4: deployment, environment, color, json."),
        ("where:enviroment=x", "where has no option 'enviroment'. Did you mean --environment?"),
        ("where:environment=a,environment=b", "environment was given twice to where."),
        ("where:json=maybe", "json is yes or no, and was given 'maybe'."),
        ("touch:wait=long", "--wait is a number, and was given 'long'."),
        ("touch:wait=nan", "--wait is a number, and was given 'nan'."),
        ("hello:x,times=1.5", "--times is a whole number, and was given '1.5'."),
        ("hello", "'hello' did not receive required positional arguments: 'name'."),
        ("wehre", "there is no task 'wehre'. Did you mean where? fab --list shows every task."),
        ("--frobnicate", "there is no option '--frobnicate'. fab --help shows the options."),
    ],
)  # fmt: skip
def test_classic_values_that_cannot_be_meant_are_refused(project: Folder, word: str, expected: str) -> None:
    """An unset variable in a CI script (`where:demo,$ENVIRONMENT`) must not choose anything."""
    ended = project.fab(word)
    assert (ended.code, ended.out, ended.err) == (2, "", f"cannot read the command line: {expected}\n")
