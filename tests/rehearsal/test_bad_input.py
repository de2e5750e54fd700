"""What is wrong in a config, on a command line or around the process ends in one message and the right exit code."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.aws.dynamodb import Table
from fabfile.aws.session import Aws
from fabfile.config.loading import load
from fabfile.locks.dynamodb import DynamoRegister
from fabfile.locks.lease import LeaseLock
from fabfile.tasks.clock import SystemClock

from .project import FAB, ROOT, Ended, Project, finish, until

ENVIRONMENTS = {
    "local": {"provider": "local", "server_counts": {"web": 2}},
    "staging": {"instance_settings": {"ami": "ami-0123456789abcdef0"}},
    "production": {},
}
HEAD = "deployments: [opendebates]\nenvironments: [staging, production]\n"
BOMB = "\n".join(
    [f"{HEAD}extra:", "  l0: &l0 [x]"]
    + [f"  l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]" for level in range(1, 9)]
)
ASKING = (
    "describe:opendebates,staging",
    "history:opendebates,staging",
    "deploy_serial:opendebates,staging",
    "create_environment:opendebates,staging",
)


# Command lines, and what is said of each.
WRONG = (
    (["describe:opendebate,local"], "there is no deployment 'opendebate'. Did you mean 'opendebates'?"),
    (["describe:opendebates,stagin"], "there is no environment 'stagin'. Did you mean 'staging'?"),
    (["describe", "--environment="], "--environment was given an empty value"),
    (["deploy_serial:opendebates,"], "--environment was given an empty value"),
    (["deploy_serial:opendebates,local,-x"], "--launch-config was given '-x', and no value of it begins with"),
    (["deploy_serial:opendebates,local", "--launch-config", "-x"], "'-x' begins with a dash"),
    (["deply_serial:opendebates,local"], "there is no task 'deply_serial'. Did you mean deploy_serial?"),
    (["deploy_serial:opendebates,local", "--wiat", "3"], "has no option --wiat. Did you mean --wait?"),
    (["deploy_serial:opendebates,local", "--wait", "abc"], "--wait is a number, and was given 'abc'"),
    (["deploy_serial:opendebates,local", "--wait=1e300"], "--wait is a number up to 1000000"),
    (["deploy_serial:opendebates,local", "--batch", "0"], "a share from 1% to 100%, not '0'. Say --batch 2"),
    (["deploy_serial:opendebates,local", "--batch", "200%"], "from 1% to 100%, not '200%'"),
    (["deploy_serial:opendebates,local", "--batch", "x", "--dry-run"], "from 1% to 100%, not 'x'"),
    (["deploy_serial:opendebates,local", "--probe-rate", "5000"], "up to 1000, not 5000"),
    (["deploy_serial:opendebates,production"], "nobody is there to ask. Agree with --yes"),
)
NOT_NAMES = ("$(touch evil)", ";touch evil", "`touch evil`", "a name", "main..x", "--exec=x")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A config, and the repository beside it, with three environments that were never created."""
    return configured(tmp_path)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Project]:
    """The same beside an embedded cloud of its own that is up and empty."""
    project = configured(tmp_path)
    project.fab("local_up")
    try:
        yield project
    finally:
        project.fab("local_down")
        assert cloud_processes(project) == []


def configured(folder: Path) -> Project:
    project = Project(folder, {"deployments": ["opendebates"], "environments": ENVIRONMENTS})
    project.write_config()
    (folder / ".gitignore").write_text(".fab/\n")
    project.git("init", "-q", "-b", "main")
    project.commit("Nothing yet")
    return project


def started(project: Project, *words: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [FAB, *words], cwd=ROOT, env={**project.environ, **environ}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def cloud_processes(project: Project) -> list[str]:
    """The command lines of processes that belong to the project's cloud."""
    found = subprocess.run(["pgrep", "-f", f"{project.folder}/.fab"], capture_output=True, text=True, check=False)
    return found.stdout.split()


def assert_refused(project: Project, ended: Ended, code: int, *texts: str) -> None:
    """One message on standard error, nothing on standard output, no traceback, and nothing left in the project."""
    assert (ended.code, ended.out) == (code, ""), ended
    assert ended.err.startswith("cannot "), ended
    assert "Traceback" not in ended.err
    assert [line for line in ended.err.splitlines() if line.startswith("cannot ")] == [ended.err.splitlines()[0]]
    for text in texts:
        assert text in ended.err, ended
    assert not (project.folder / ".fab").exists(), "an embedded cloud was started for a command that was refused"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("environments: [a\n", ("2: not valid YAML",)),
        (f"{HEAD}rollout:\n\tbatch: 1\n", ("4: a tab in the indentation",)),
        (BOMB, ("anchors expand to more than",)),
        (f"{HEAD}app_port: 0b_\nminimum: {'9' * 5000}\nmaximum: !!int x\n",
         ("3: app_port: '0b_' cannot be read as a whole number", "4: minimum: ", "5: maximum: 'x' cannot be read")),
        (
            f"{HEAD}region: us-east-1\nregion: us-east-2\nssh_user: no\napp_port: 08000\npython: 1.10\nregoin: x\n"
            "production_environments: [prodution]\nrollout: {probe_rate: 5000}\n",
            (
                "it has 7 problems",
                "4: region: given twice, first in line 3",
                '5: ssh_user: expected text, got false (YAML reads no so); write "no" in quotes',
                "6: app_port: expected a whole number from 1 to 65535, got the text '08000'; write 8000",
                '7: python: expected text, got the number 1.1 (written 1.10); write "1.10" in quotes',
                "8: regoin: unknown key; did you mean 'region'?",
                "9: production_environments[0]: expected one of environments (staging, production), got the text "
                "'prodution'; did you mean 'production'?",
                "10: rollout.probe_rate: expected a number from 0 to 1000 requests/s, got the number 5000",
            ),
        ),
    ],
    ids=["broken", "tab", "bomb", "numbers", "many"],
)  # fmt: skip
def test_a_config_that_is_wrong_is_refused_with_every_problem(
    project: Project, text: str, expected: tuple[str, ...]
) -> None:
    (project.folder / "fabulaws-config.yml").write_text(text)
    assert_refused(project, project.fab("deploy_serial:opendebates,staging", code=None), 2, *expected)


def test_a_config_that_is_not_there_or_cannot_be_read_is_named(project: Project) -> None:
    file = project.folder / "fabulaws-config.yml"
    file.unlink()
    missing = project.fab("describe:opendebates,staging", code=None)
    assert_refused(project, missing, 2, f"there is no file {file}. Write one")
    file.mkdir()
    folder = project.fab("describe:opendebates,staging", code=None)
    assert_refused(project, folder, 2, f"cannot read {file}: is a directory. Make it a file")


def test_a_command_line_that_is_wrong_is_refused_before_anything_is_started(project: Project) -> None:
    """The embedded cloud included. They run at the same time."""
    for process, expected in [(project.start(*words), expected) for words, expected in WRONG]:
        assert_refused(project, finish(process), 2, expected)


def test_a_changeset_is_never_more_than_a_name(project: Project) -> None:
    wrong = [f"create_launch_config:opendebates,staging,{changeset}" for changeset in NOT_NAMES]
    for process in [project.start(task, "--dry-run") for task in wrong]:
        assert_refused(project, finish(process), 2)
    assert not list(project.folder.glob("**/evil"))


def test_a_branch_and_a_folder_with_a_shells_characters_are_released_as_they_are(tmp_path: Path) -> None:
    """git allows all of these in a branch's name, and a file system nearly everything."""
    folder = tmp_path / "a folder; $(touch evil)"
    folder.mkdir()
    project = configured(folder)
    branch = "x;touch${IFS}evil&&$(touch${IFS}evil)|'\""
    project.git("branch", branch)
    ended = project.fab("create_launch_config", f"--changeset={branch}", "--environment=staging", "--dry-run")
    assert f"would release {project.git('rev-parse', '--short=7', 'HEAD')}" in ended.out
    assert not list(tmp_path.glob("**/evil"))


class Expired(http.server.BaseHTTPRequestHandler):
    """Answers as AWS does when a session's credentials have expired, in the way of the service that was asked."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("X-Amz-Target"):
            body = '{"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "expired"}'
        else:
            body = "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>expired</Message></Error></ErrorResponse>"
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST = do_PUT = answer  # noqa: N815  (http.server calls them so)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Write nothing to the tests' output."""


@pytest.fixture
def expired() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Expired)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def assert_out_of_reach(project: Project, *texts: str, **environ: str) -> None:
    """Every task that asks AWS ends with exit code 5; they run at the same time."""
    alone = {"HOME": str(project.folder / "home"), "AWS_EC2_METADATA_DISABLED": "true", **environ}
    for process in [started(project, task, **alone) for task in ASKING]:
        assert_refused(project, finish(process), 5, *texts)


def test_no_credentials_are_said_by_every_task_that_asks_aws(project: Project) -> None:
    assert_out_of_reach(project, "there are no AWS credentials (profile default, region us-east-1). Set AWS_PROFILE")


def test_expired_credentials_are_said_by_every_task_that_asks_aws(project: Project, expired: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "ASIAEXPIRED", "AWS_SECRET_ACCESS_KEY": "not-to-be-shown"}
    assert_out_of_reach(project, "the AWS credentials have expired", "Renew them", AWS_ENDPOINT_URL=expired, **keys)


def test_a_network_that_is_down_ends_every_task_that_asks_aws(project: Project) -> None:
    """After a few attempts: nothing listens at port 9."""
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    assert_out_of_reach(project, "no answer from AWS", "network", AWS_ENDPOINT_URL="http://127.0.0.1:9", **keys)


@pytest.mark.parametrize("redirect", [">&-", "2>&-", "<&-", "| true"])
def test_closed_standard_streams_are_no_errors(project: Project, redirect: str) -> None:
    command = f"set -o pipefail; '{FAB}' check_config {redirect}"
    ended = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=project.environ, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_full_disk_under_the_output_is_one_message(project: Project) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [FAB, "check_config"], cwd=ROOT, env=project.environ, stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr == (
        "cannot write the result: no space left on device. Send the output where it can be written.\n"
    )


@pytest.mark.cloud
def test_an_environment_of_no_commit_is_not_begun_and_a_dry_run_of_one_leaves_nothing(cloud: Project) -> None:
    wrong = cloud.fab("create_environment:opendebates,local,nope", code=2)
    assert wrong.err.startswith("cannot release 'nope': "), wrong
    foretold = cloud.fab("create_environment:opendebates,local", "--dry-run")
    assert "AWS::AutoScaling::AutoScalingGroup" in foretold.out
    assert cloud.client("cloudformation").list_stacks()["StackSummaries"] == []


@pytest.mark.cloud
def test_who_waits_for_the_lock_leaves_by_ctrl_c_with_one_line(cloud: Project) -> None:
    """And it neither holds the lock then nor has written anything down."""
    environment = load(cloud.folder / "fabulaws-config.yml").environment("opendebates", "local")
    register = DynamoRegister(Table(Aws(environment, cloud.cloud()["endpoint"]), "fabscale"), "opendebates-local")
    lock = LeaseLock(register, SystemClock(), "opendebates-local", lease=60)
    lease = lock.acquire("somebody@elsewhere", "fab deploy_serial", "1", 0, lambda holder: None)
    waiting = cloud.start("deploy_serial:opendebates,local")
    assert waiting.stderr is not None
    assert "waiting for the lock that somebody@elsewhere holds" in waiting.stderr.readline()
    os.kill(waiting.pid, signal.SIGINT)
    ended = finish(waiting)
    assert (ended.code, ended.out, ended.err) == (130, "", "interrupted: nothing was changed.\n")
    lease.check()
    lease.release()
    assert lock.holder() is None
    assert cloud.history() == []


@pytest.mark.cloud
def test_an_embedded_cloud_that_was_killed_is_missed_and_ended_without_a_trace(cloud: Project) -> None:
    """What it knew is lost: starting another one in silence would look like an environment that has gone."""
    os.kill(cloud.cloud()["pid"], signal.SIGKILL)
    until("the daemon to be gone", lambda: cloud.fab("local_status").out.startswith("state: dead"))
    for task in ("describe:opendebates,local", "deploy_serial:opendebates,local"):
        ended = cloud.fab(task, code=5)
        assert ended.err.startswith("cannot reach the embedded cloud: its daemon (pid ")
        assert "fab local_down" in ended.err
        assert len(ended.err.splitlines()) == 1
    assert cloud.fab("local_down").out == "the embedded cloud is gone\n"
    assert cloud_processes(cloud) == []
    assert not (cloud.folder / ".fab").exists()
