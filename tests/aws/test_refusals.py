"""What AWS's answers to a change mean for the deploy: refused, not decided, or for something that is not to be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from fabfile.apply.aws_world import AwsWorld
from fabfile.apply.launch_configs import check_rolled_out_by
from fabfile.apply.workers import NoWorkers
from fabfile.aws.autoscaling import describe_group
from fabfile.aws.ec2 import instances
from fabfile.aws.launch_templates import BASE, LaunchConfig
from fabfile.aws.translate import Uncertain
from fabfile.errors import UsageError
from fabfile.releases.user_data import render_user_data
from fabfile.rollout.model import Launch
from fabfile.rollout.steps import LaunchInstances, SetMaximum, Step
from tests.aws.account import environment, session

LAUNCH = LaunchInstances("surge", Launch("token", "us-east-1a", 1, "lt-1:2", 0.0, 2))


class NoEvidence:
    def gather(self, instances: tuple[str, ...]) -> tuple[str, ...]:
        return ()


@contextmanager
def answering(status: int, body: str, asked: list[str] | None = None) -> Iterator[str]:
    """Serve one answer to every call."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if asked is not None:
                asked.append(request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Keep requests out of the test's output."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _error(code: str) -> str:
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>said so</Message></Error></ErrorResponse>"


def _world(endpoint: str, state: Path) -> AwsWorld:
    return AwsWorld(session(endpoint, state), "web", NoWorkers(), NoEvidence())


@pytest.mark.parametrize("code", ["IdempotentCallInProgress", "Throttling"])
def test_a_launch_that_aws_has_not_decided_on_is_repeated_with_its_token_not_taken_for_refused(
    code: str, tmp_path: Path
) -> None:
    asked: list[str] = []
    with answering(400, _error(code), asked) as endpoint, pytest.raises(Uncertain, match=code):
        _world(endpoint, tmp_path).apply(LAUNCH)
    assert len(asked) == 1


@pytest.mark.parametrize("step", [LAUNCH, SetMaximum("room", 5)])
def test_an_error_on_aws_side_leaves_open_whether_the_change_took_effect(step: Step, tmp_path: Path) -> None:
    with answering(500, _error("InternalFailure")) as endpoint, pytest.raises(Uncertain, match="InternalFailure"):
        _world(endpoint, tmp_path).apply(step)


@pytest.mark.parametrize("step", [LAUNCH, SetMaximum("room", 5)])
def test_a_change_that_is_not_allowed_is_a_refusal_so_that_the_deploy_goes_back(step: Step, tmp_path: Path) -> None:
    with answering(403, _error("AccessDenied")) as endpoint:
        assert "AccessDenied" in _world(endpoint, tmp_path).apply(step).refusal


@pytest.mark.parametrize("version", ["$Latest", "$Default"])
def test_a_group_that_follows_its_templates_versions_is_refused_since_making_one_would_deploy_it(
    version: str, tmp_path: Path
) -> None:
    template = f"<LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>{version}</Version></LaunchTemplate>"
    group = f"<member><AutoScalingGroupName>web</AutoScalingGroupName>{template}</member>"
    result = f"<DescribeAutoScalingGroupsResult><AutoScalingGroups>{group}</AutoScalingGroups>"
    body = f"<R>{result}</DescribeAutoScalingGroupsResult></R>"
    with answering(200, body) as endpoint, pytest.raises(UsageError) as refused:
        describe_group(session(endpoint, tmp_path), "web")
    assert version in str(refused.value)


def test_instances_are_asked_for_by_no_more_ids_than_a_filter_takes(tmp_path: Path) -> None:
    asked: list[str] = []
    body = "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"
    with answering(200, body, asked) as endpoint:
        instances(session(endpoint, tmp_path), [f"i-{number:05d}" for number in range(450)])
    assert [request.count("i-0") for request in asked] == [200, 200, 50]


GROUP = "opendebates-testing-web"


def _config(template: str = "lt-1", name: str = "site", **document: str) -> LaunchConfig:
    told = {"deployment": "opendebates", "environment": "testing", "role": "web", **document}
    return LaunchConfig(f"{template}:4", name, 0.0, render_user_data(told))


def test_a_launch_config_of_the_environments_web_servers_may_be_deployed(tmp_path: Path) -> None:
    check_rolled_out_by(_config(), environment(tmp_path), GROUP, "lt-1:3")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (_config(template="lt-2"), "another launch template"),
        (_config(name=BASE), "no release"),
        (_config(environment="staging"), "environment staging"),
        (_config(role="worker"), "role worker"),
        (_config(group="another"), "group another"),
    ],
)
def test_a_launch_config_of_something_else_is_refused(config: LaunchConfig, why: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=why):
        check_rolled_out_by(config, environment(tmp_path), GROUP, "lt-1:3")
