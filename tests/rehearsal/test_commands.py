"""The daily commands, typed as FabulAWS's users type them: `fab <environment> command:what[,where]`."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from .project import Project, finish, kill, lines, until
from .test_deploys import assert_clean, serving

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]


def ids(site: Project, role: str) -> list[str]:
    return sorted(server["id"] for server in site.describe()["servers"] if server["role"] == role)


def test_a_shell_command_runs_on_every_server_and_each_line_says_where(site: Project) -> None:
    ended = site.fab("local", "run_shell_command:echo a\\,b; echo $((6 * 7)) >&2")
    servers = ids(site, "web") + ids(site, "worker")
    assert sorted(ended.out.splitlines()) == sorted(f"{server} | a,b" for server in servers)
    assert len(lines(ended.err, " | 42")) == len(servers)
    assert all(lines(ended.err, server, "0", "42") for server in servers)


def test_a_failure_on_one_server_is_told_and_the_others_go_on(site: Project) -> None:
    first, second = ids(site, "web")
    site.fab("local", f"run_shell_command:touch ~/marked,{first}")
    ended = site.fab("local", "run_shell_command:test ! -e ~/marked && echo it\\'s fine,web", code=4)
    assert ended.out == f"{second} | it's fine\n"
    assert ended.err.splitlines()[-1] == f"cannot run run_shell_command on 1 of 2 servers: {first}: exit code 1."
    told = json.loads(site.fab("local", f"run_shell_command:rm ~/marked,{first}", "--json").out)
    assert [(each["server"], each["role"], each["exit"], each["error"]) for each in told] == [(first, "web", 0, "")]


def test_a_command_of_the_application_has_its_database_and_writes_nothing_else_to_a_pipe(site: Project) -> None:
    ended = site.fab("local", "managepy:showmigrations --list")
    assert lines(ended.out, "[X]", "0001_questions")
    assert "|" not in ended.out
    assert lines(site.fab("local", "managepy:shell -c 'print(6 * 7)'").out, "42")
    failed = site.fab("local", "managepy:migrate --no-such-option", code=4)
    assert "exit code 2" in failed.err.splitlines()[-1]


def test_ctrl_c_ends_a_command_on_the_servers_too(site: Project, tmp_path: Path) -> None:
    """Each writes down its process group, which has no member left afterwards."""
    typing = site.start("local", f"run_shell_command:echo $$ > {tmp_path}/$$.group; echo begun; sleep 600")
    until("it runs on all three", lambda: len([path for path in tmp_path.iterdir() if path.read_text()]) == 3)
    kill(typing, signal.SIGINT)
    ended = finish(typing)
    assert ended.code == 4, ended
    assert "it was interrupted, and had ended on 0 of 3 servers. Where it still ran it is ended." in ended.err
    groups = [int(path.read_text()) for path in tmp_path.iterdir()]
    until("it ends on all three", lambda: not any(Path(f"/proc/{group}").exists() for group in groups))


def test_a_command_that_takes_too_long_is_ended_and_named(site: Project) -> None:
    ended = site.fab("local", "run_shell_command:sleep 600,web", "--timeout", "1", code=4)
    assert ended.err.count("it had not ended after 1 s") >= 2


def test_the_changeset_of_every_server_is_told_and_what_its_group_would_launch_instead(site: Project) -> None:
    group = site.group()
    told: list[dict[str, Any]] = json.loads(site.fab("local", "current_changeset", "--json").out)
    assert [each["note"] for each in told] == [""] * 3
    name = site.fab("create_launch_config_for_deployment:opendebates,local").out.strip()
    template = group["LaunchTemplate"]["LaunchTemplateId"]
    versions = site.client("ec2").describe_launch_template_versions(LaunchTemplateId=template)
    (other,) = [
        str(each["VersionNumber"])
        for each in versions["LaunchTemplateVersions"]
        if each.get("VersionDescription") == name
    ]
    launch_from(site, template, other)
    try:
        ended = site.fab("local", "current_changeset")
    finally:
        launch_from(site, template, str(group["LaunchTemplate"]["Version"]))
    assert len(lines(ended.out, "not what its group launches now")) == 2, ended
    assert ended.out.splitlines()[-1] == "2 of 3 servers are not what autoscaling would launch"


def launch_from(site: Project, template: str, version: str) -> None:
    site.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=site.group()["AutoScalingGroupName"],
        LaunchTemplate={"LaunchTemplateId": template, "Version": version},
    )


@pytest.mark.long
def test_migrations_of_the_live_release_run_once_more(site: Project) -> None:
    foretold = site.fab("local", "migrate", "--dry-run")
    assert lines(foretold.out, "would run the migrations of", "(worker)")
    ended = site.fab("local", "migrate")
    assert lines(ended.err, "the migrations of", "are done")


@pytest.mark.long
def test_supervisor_tells_and_restarts_what_runs(site: Project) -> None:
    status = site.fab("local", "supervisor:status,web")
    assert all(lines(status.out, server, "RUNNING") for server in ids(site, "web"))
    (worker,) = ids(site, "worker")
    before = json.loads(site.fab("local", "supervisor:status,celery", "--json").out)[0]["pid"]
    after = site.fab("local", "supervisor:restart,celery,roles=worker")
    assert lines(after.out, worker, "RUNNING")
    site.fab("local", "restart_worker")
    assert json.loads(site.fab("local", "supervisor:status,worker", "--json").out)[0]["pid"] != before
    one = ids(site, "web")[0]
    assert lines(site.fab("local", f"supervisor:restart,web,instance={one}").err, one, "is healthy again")
    until("both serve", lambda: serving(site) == 2)


@pytest.mark.long
def test_restarted_web_servers_are_new_ones_of_the_same_release_and_no_request_fails(site: Project) -> None:
    before = {each["server"]: each["release"] for each in changesets(site)}
    ended = site.fab("local", "restart_web", "--batch", "2")
    assert "2 of 2 servers replaced" in ended.out
    assert "0 of " in ended.out
    after = {each["server"]: each["release"] for each in changesets(site)}
    assert set(before.values()) == set(after.values())
    assert not set(before) & set(after)
    assert_clean(site, servers=2)


def changesets(site: Project) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(site.fab("local", "current_changeset:web", "--json").out)
    return told


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("run_shell_command:uptime,db-primary", "opendebates,local has no role or web group 'db-primary'."),
        ("run_shell_command:uptime,i-0123456789abcdef0", "cannot find i-0123456789abcdef0: that is no server of"),
        ("supervisor:restart,web,roles=worker", "runs web. Name other servers, or the other group."),
    ],
)
def test_servers_that_are_not_there_are_refused(site: Project, typed: str, text: str) -> None:
    ended = site.fab("local", typed, code=2)
    assert text in ended.err
