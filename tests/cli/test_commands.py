"""Commands for servers: what is made of a command line, before AWS is asked, and what is shown of the answers."""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import pytest

from fabfile.apply.changesets import Running
from fabfile.apply.servers import Choice, Server, choose
from fabfile.display.output import Output, Streams
from fabfile.errors import CommandFailed, FabscaleError, Unreachable, UsageError
from fabfile.tasks.changesets import conclusion
from fabfile.tasks.clock import SystemClock
from fabfile.tasks.commanding import Command, carry_out
from fabfile.tasks.commands import managing
from fabfile.tasks.gone import GONE
from fabfile.tasks.run import Run
from fabfile.tasks.supervising import Action, parse
from fabfile.transports.contract import Follower, Result, Said
from fabfile.transports.memory import Host, MemoryTransport
from tests.aws.account import environment

from .conftest import ROOT, Folder

CONFIG = """
deployments: [demo]
environments: [staging, production]
server_counts: {web: 2, worker: 1}
application: {worker: "{python} manage.py run_worker"}
instance_settings: {ami: ami-0123456789abcdef0}
"""
NEW, OLD = "20261121T0114Z-1a2b3c4", "20261120T0900Z-0a0b0c0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["staging", "run_shell_command"],
            "cannot run run_shell_command: it was not said which command. "
            'Say fab ENVIRONMENT run_shell_command:"uptime".\n',
        ),
        (
            ["staging", "managepy"],
            'cannot run managepy: it was not said which command. Say fab ENVIRONMENT managepy:"check".\n',
        ),
        (
            ["staging", "managepy:shell -c 'print"],
            "cannot run managepy shell -c 'print: no closing quotation. Close every quote.\n",
        ),
        (
            ["staging", "run_shell_command:uptime,wrb"],
            "cannot run run_shell_command: demo,staging has no role or web group 'wrb'. Did you mean 'web'? "
            "Known roles and groups: web, worker, demo-staging-web; a comma that belongs to a command is written "
            "\\,.\n",
        ),
        (
            ["staging", "current_changeset", "--instance", "i-zz"],
            "cannot run current_changeset: 'i-zz' is no instance id. They look like i-0123456789abcdef0.\n",
        ),
        (
            ["staging", "run_shell_command:uptime", "--parallel", "0"],
            "cannot run run_shell_command: --parallel is 0. Give a number above 0, or leave it out.\n",
        ),
        (
            ["staging", "supervisor:restrat,web"],
            "cannot run supervisor: 'restrat' is none of its commands. Did you mean 'restart'? "
            "Known commands: status, start, stop, restart.\n",
        ),
        (
            ["staging", "collectstatic"],
            "cannot run collectstatic: there is no such task any more: static files are collected when a release is "
            "built, and servers have them before they serve.\n",
        ),
        (
            ["production", "run_shell_command:uptime"],
            "cannot run run_shell_command on demo,production: it is a production environment and nobody is there to "
            "ask. Agree with --yes, or answer=y.\n",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_aws_is_asked(project: Folder, words: list[str], message: str) -> None:
    project.config(CONFIG)
    ended = project.fab(*words)
    assert (ended.code, ended.out, ended.err) == (2, "", message)


@pytest.mark.parametrize(
    ("roles", "instances", "choice"),
    [
        ("", "", Choice(("opendebates-testing-web",), workers=False)),
        ("web", "", Choice(("opendebates-testing-web",), workers=False)),
        ("i-0a;i-0b", "i-0c", Choice(("opendebates-testing-web",), False, frozenset({"i-0a", "i-0b", "i-0c"}))),
    ],
)
def test_servers_are_named_by_role_group_or_id(tmp_path: Path, roles: str, instances: str, choice: Choice) -> None:
    assert choose("it", environment(tmp_path), roles, instances) == choice


def test_an_environment_without_workers_has_no_such_role(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no role or web group 'worker'"):
        choose("it", environment(tmp_path), "worker", "")


def test_an_application_without_such_commands_says_what_runs_others(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        managing(environment(tmp_path), "check", 60)
    assert str(raised.value) == (
        "cannot run managepy: application.manage of the config is none: the application has no such commands. "
        "fab run_shell_command runs any other."
    )


def test_supervisors_groups_are_fabulawss_too() -> None:
    assert parse("restart", "celery", "") == Action("restart", "worker")
    assert parse("restart", "web", "web").one_by_one
    assert not parse("stop", "web", "").one_by_one
    for words, seen in (
        (("", "", ""), "it was given no command"),
        (("stop", "", ""), "it was given no group"),
        (("stop", "pgbouncer", ""), "'pgbouncer' is no group of processes"),
        (("stop", "celery", "beat"), "all processes of a server's group start and stop together"),
    ):
        with pytest.raises(UsageError, match=seen):
            parse(*words)


def answering(code: int, out: str = "", err: str = "") -> Host:
    return lambda argv, given: (code, out, err)


def run_on(
    tmp_path: Path, hosts: Mapping[str, Host] | Follower, servers: Sequence[Server], *, as_json: bool = False
) -> tuple[str, str, FabscaleError | None]:
    """Run a command on servers; returns what was written to both streams, and how it failed."""
    out, err, clock = io.StringIO(), io.StringIO(), SystemClock()

    def no_config() -> object:
        raise AssertionError("the config was read")

    run = Run(
        "run_shell_command",
        Output(Streams(out, err), clock.now),
        clock,
        no_config,  # type: ignore[arg-type]
        environment(tmp_path),
        json=as_json,
    )
    try:
        transport = MemoryTransport(hosts) if isinstance(hosts, Mapping) else hosts
        carry_out(run, transport, servers, Command(("uptime",)))
    except FabscaleError as error:
        return out.getvalue(), err.getvalue(), error
    return out.getvalue(), err.getvalue(), None


ONE, TWO = Server("i-1", "web", "g", "a1"), Server("i-2", "worker", "w", "a2")


def test_one_servers_lines_come_as_they_are_and_nothing_else_to_standard_output(tmp_path: Path) -> None:
    assert run_on(tmp_path, {"a1": answering(0, "up\n", "why\n")}, [ONE]) == ("up\n", "why\n", None)


def test_a_server_that_is_out_of_reach_and_one_that_failed_are_both_named(tmp_path: Path) -> None:
    out, err, error = run_on(tmp_path, {"a1": answering(3, "up\n")}, [ONE, TWO])
    assert out == "i-1 | up\n"
    assert "i-2" in err
    assert isinstance(error, Unreachable)
    assert str(error) == (
        "cannot run run_shell_command on 2 of 2 servers: i-1: exit code 3; i-2: no such host. "
        "Are they up, and does SSH reach them? See fab describe:opendebates,testing."
    )


def test_a_server_without_an_address_is_out_of_reach(tmp_path: Path) -> None:
    _, _, error = run_on(tmp_path, {}, [Server("i-3", "web", "g", "")])
    assert "i-3: it has no address" in str(error)


def test_a_failure_where_all_were_reached_is_another_error(tmp_path: Path) -> None:
    hosts = {"a1": answering(0), "a2": answering(2, err="fabscale: error: argument verb: invalid choice: 'manage'")}
    _, _, error = run_on(tmp_path, hosts, [ONE, TWO])
    assert isinstance(error, CommandFailed)
    assert error.exit_code == 4
    assert "i-2: its server program is older than this command" in str(error)


def test_as_json_every_server_is_an_object(tmp_path: Path) -> None:
    out, err, _ = run_on(tmp_path, {"a1": answering(0, "up\n")}, [ONE, TWO], as_json=True)
    first, second = json.loads(out)
    assert (first["server"], first["exit"], first["out"], first["error"]) == ("i-1", 0, "up\n", "")
    assert (second["server"], second["exit"], second["error"]) == ("i-2", None, "no such host")
    assert err.startswith("i-1 | up\n")


@pytest.mark.parametrize(
    ("release", "launched", "unseen", "note"),
    [
        (NEW, NEW, "", ""),
        (NEW, OLD, "", ""),
        (OLD, OLD, "", f"not what its group launches now: {NEW}"),
        ("20261121T0200Z-ffffff1", NEW, "", f"changed in place; its group launches {NEW}"),
        ("", NEW, "", "runs no release"),
        ("", NEW, "gone", "out of reach: gone"),
    ],
)
def test_what_a_server_runs_is_held_against_what_its_group_launches(
    release: str, launched: str, unseen: str, note: str
) -> None:
    seen = Running(ONE, release, release[-7:], NEW, launched, unseen)
    assert seen.note == note


def test_one_line_says_whether_autoscaling_would_launch_the_same() -> None:
    same = Running(ONE, NEW, "1a2b3c4", NEW, NEW)
    other = Running(TWO, OLD, "0a0b0c0", NEW, "")
    assert conclusion([same, same]) == f"2 servers run {NEW}"
    assert conclusion([same, other]) == "1 of 2 servers is not what autoscaling would launch"
    assert conclusion([Running(ONE, "", "", NEW, "", "gone")]) == "no server answered"


def test_what_is_gone_is_listed_with_the_same_reason() -> None:
    page = (ROOT / "docs" / "from-fabulaws.md").read_text().partition("## Gone")[2]
    listed = dict(line.strip("| ").split(" | ", 1) for line in page.splitlines() if line.startswith("| `"))
    assert listed == {f"`{name}`": why for name, why in GONE.items()}


class Interrupted:
    """A transport whose user presses Ctrl-C after the first server has ended."""

    def follow(
        self,
        hosts: Sequence[str],
        argv: Sequence[str],
        *,
        input: bytes = b"",  # noqa: A002  (the contract's word)
        timeout: float = 600.0,
        at_once: int = 10,
    ) -> Generator[Said, None, None]:
        yield Result(hosts[0], 0)
        yield None
        raise KeyboardInterrupt


def test_an_interrupt_says_how_far_it_was_and_what_becomes_of_the_rest(tmp_path: Path) -> None:
    _, err, error = run_on(tmp_path, Interrupted(), [ONE, TWO])
    assert "waiting for i-2: " in err
    assert isinstance(error, CommandFailed)
    assert str(error) == (
        "cannot finish run_shell_command: it was interrupted, and had ended on 1 of 2 servers. "
        "Where it still ran it is ended."
    )
