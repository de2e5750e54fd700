"""Environments that somebody made by hand, years before this tool: servers run what their user data does."""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .conftest import SETTINGS
from .project import Project

PORT = 8000
PROFILE = "www-servers"
# Every path answers 200, so that pages of a release whose assets are asked of an old server lose none.
USER_DATA = """#!/bin/bash
cat >"$HOME/www.py" <<'PROGRAM'
import http.server
import sys

class Old(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"made by hand\\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer((sys.argv[1], 8000), Old).serve_forever()
PROGRAM
nohup python3 "$HOME/www.py" "$FABSCALE_ADDRESS" >/dev/null 2>&1 &
"""
APPLICATION = """
import http.server
import pathlib
import sys

PAGE = pathlib.Path(__file__).with_name("page.txt").read_bytes()
HEALTH = 200


class Released(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(HEALTH if self.path == "/healthcheck.html" else 200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Released).serve_forever()
"""


def settings_of(name: str, listener_port: int) -> dict[str, Any]:
    """An environment of the config whose group and balancer are called `name`."""
    pace: Any = SETTINGS["rollout"]
    local = {**SETTINGS, "rollout": {**pace, "min_healthy_time": 2}}
    own = {"auto_scaling_groups": [name], "load_balancers": [name], "listener_port": listener_port}
    return {**local, **own, "server_counts": {"web": 2, "worker": 0}}


@contextmanager
def project() -> Iterator[Project]:
    """A repository with a small application that is not Django's, and an embedded cloud with nothing in it."""
    folder = Path(tempfile.mkdtemp(prefix="fabscale-by-hand-"))
    config: dict[str, Any] = {
        "deployments": ["opendebates"],
        "environments": {"local": settings_of("www-classic", 8081), "other": settings_of("www-targets", 8082)},
        "application": {"source": "app", "manage": [], "start": "{python} serve.py {address} {port}"},
    }
    made = Project(folder, config)
    application = folder / "app"
    application.mkdir()
    (application / "serve.py").write_text(APPLICATION)
    (application / "requirements.txt").write_text("")
    (folder / ".gitignore").write_text(".fab/\n")
    made.write_config()
    made.git("init", "-q", "-b", "main")
    release(made, "first release\n")
    try:
        made.fab("local_up")
        account(made)
        yield made
    finally:
        made.fab("local_down", code=None)
        shutil.rmtree(folder, ignore_errors=True)


def release(made: Project, page: str, health: int = 200) -> str:
    """Commit a release that shows a page; returns the commit."""
    application = made.folder / "app"
    (application / "page.txt").write_text(page)
    text = APPLICATION.replace("HEALTH = 200", f"HEALTH = {health}")
    (application / "serve.py").write_text(text)
    return made.commit(page)


def account(made: Project) -> None:
    """What everything below needs: a role for servers, which may read releases."""
    iam = made.client("iam")
    trust = {"Version": "2012-10-17", "Statement": []}
    iam.create_role(RoleName=PROFILE, AssumeRolePolicyDocument=json.dumps(trust))
    reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::fabscale-*/opendebates/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [reads]})
    iam.put_role_policy(RoleName=PROFILE, PolicyName="releases", PolicyDocument=document)
    iam.create_instance_profile(InstanceProfileName=PROFILE)
    iam.add_role_to_instance_profile(InstanceProfileName=PROFILE, RoleName=PROFILE)


def subnets(made: Project) -> list[str]:
    return [each["SubnetId"] for each in made.client("ec2").describe_subnets()["Subnets"]]


def on_a_launch_configuration(made: Project, name: str = "www-classic") -> None:
    """A group on a launch configuration, behind a classic load balancer."""
    elb, port = made.client("elb"), made.config["environments"]["local"]["listener_port"]
    elb.create_load_balancer(
        LoadBalancerName=name,
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": port, "InstancePort": PORT}],
        Subnets=subnets(made),
    )
    check = {"Target": f"HTTP:{PORT}/healthcheck.html", "Interval": 10, "Timeout": 5}
    elb.configure_health_check(
        LoadBalancerName=name, HealthCheck={**check, "UnhealthyThreshold": 2, "HealthyThreshold": 2}
    )
    draining = {"ConnectionDraining": {"Enabled": True, "Timeout": 1}}
    elb.modify_load_balancer_attributes(LoadBalancerName=name, LoadBalancerAttributes=draining)
    made.client("autoscaling").create_launch_configuration(
        LaunchConfigurationName=f"{name}-2019",
        ImageId="ami-04681a1dbd79675a5",
        InstanceType="m5.large",
        IamInstanceProfile=PROFILE,
        UserData=USER_DATA,
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 30, "VolumeType": "gp2"}}],
    )
    group(made, name, LaunchConfigurationName=f"{name}-2019", LoadBalancerNames=[name])


def on_a_launch_template(made: Project, name: str = "www-targets") -> None:
    """A group on the newest version of a launch template, behind a target group."""
    ec2, elbv2 = made.client("ec2"), made.client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    target_group = elbv2.create_target_group(
        Name=name, Protocol="HTTP", Port=PORT, VpcId=vpc, HealthCheckPath="/healthcheck.html",
        HealthCheckIntervalSeconds=5, HealthyThresholdCount=2, UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "1"}
    elbv2.modify_target_group_attributes(TargetGroupArn=target_group, Attributes=[delay])
    balancer = elbv2.create_load_balancer(Name=name, Subnets=subnets(made))["LoadBalancers"][0]["LoadBalancerArn"]
    elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=made.config["environments"]["other"]["listener_port"],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}],
    )
    data = {"ImageId": "ami-04681a1dbd79675a5", "InstanceType": "t3.small", "IamInstanceProfile": {"Name": PROFILE}}
    template = ec2.create_launch_template(
        LaunchTemplateName="www", LaunchTemplateData={**data, "UserData": _encoded(USER_DATA)}
    )["LaunchTemplate"]["LaunchTemplateId"]
    newest = {"LaunchTemplateId": template, "Version": "$Latest"}
    group(made, name, LaunchTemplate=newest, TargetGroupARNs=[target_group])


def group(made: Project, name: str, **given: Any) -> None:
    client = made.client("autoscaling")
    client.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=2,
        MaxSize=4,
        DesiredCapacity=2,
        VPCZoneIdentifier=",".join(subnets(made)),
        HealthCheckType="ELB",
        HealthCheckGracePeriod=120,
        DefaultCooldown=77,
        TerminationPolicies=["OldestInstance"],
        Tags=[{"Key": "team", "Value": "web", "PropagateAtLaunch": True}],
        **given,
    )
    client.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["AlarmNotification"])


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def seen(made: Project, name: str) -> dict[str, Any]:
    """The group as AWS describes it."""
    found = made.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return dict(found[0])


def settings(made: Project, name: str) -> dict[str, Any]:
    """Every field of the group, of its hooks and of its balancers but what it launches from and its servers."""
    launches = ("LaunchConfigurationName", "LaunchTemplate", "Instances")
    kept = {key: value for key, value in seen(made, name).items() if key not in launches}
    hooks = made.client("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
    return {**kept, "hooks": hooks, "balancers": _balancers(made, name)}


def _balancers(made: Project, name: str) -> list[dict[str, Any]]:
    classic = made.client("elb").describe_load_balancers()["LoadBalancerDescriptions"]
    modern = made.client("elbv2").describe_target_groups()["TargetGroups"]
    found = [{**each, "Instances": ()} for each in classic if each["LoadBalancerName"] == name]
    return found + [each for each in modern if each["TargetGroupName"] == name]
