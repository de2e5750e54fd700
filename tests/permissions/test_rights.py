"""What the policy allows works under enforcement, and a right less fails with that right's name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fabfile.aws import elb
from fabfile.aws.acm import certificate
from fabfile.aws.autoscaling import (
    describe_group,
    failed_activities,
    launch_instances,
    resume_processes,
    suspend_processes,
    switch_launch_config,
    terminate,
)
from fabfile.aws.cloudformation import Stacks
from fabfile.aws.cloudwatch import alarms
from fabfile.aws.dynamodb import Guard, Key, Table
from fabfile.aws.ec2 import console_tail, instances
from fabfile.aws.elasticache import cache
from fabfile.aws.elb import instance_health
from fabfile.aws.elbv2 import deregister, dns_name, find_target_group, register, target_health
from fabfile.aws.group_settings import hooks_of
from fabfile.aws.launch_templates import create_version, versions
from fabfile.aws.listeners import listeners
from fabfile.aws.rds import database
from fabfile.aws.s3 import S3Store
from fabfile.aws.scaling import scaling_of
from fabfile.aws.session import Aws
from fabfile.aws.translate import Denied, Refused
from fabfile.permissions.policy import documents, names_of, statements
from fabfile.permissions.rights import recorded_calls, rules
from fabfile.rollout.model import Launch
from tests.aws.account import environment
from tests.localcloud.account import Account, open_account

NUMBER = "123456789012"
ROLE = f"arn:aws:iam::{NUMBER}:role/deployer"
GROUP = "opendebates-testing-web"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
# The tasks whose rights are taken away one by one.
TASKS = ("describe", "suspend_autoscaling_processes", "deploy_serial")
ITEM, LOCK = Key("deploys#x", "1"), Key("lock#x", "lock")


class World:
    """An environment in an account, and a deployer with a role whose policy the test writes."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.account = account
        self.folder = folder
        self.bucket = f"fabscale-{NUMBER}"
        self.iam = account.client("iam")
        self._make_role()
        self.template = account.template(GROUP, IamInstanceProfile={"Name": "servers"})
        arn = account.target_group("opendebates-testing-web")
        account.group(GROUP, LaunchTemplate={"LaunchTemplateId": self.template, "Version": "1"}, TargetGroupARNs=[arn])
        self.target_group = arn
        listener = {"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 8000}
        account.client("elb").create_load_balancer(
            LoadBalancerName="opendebates-testing", Listeners=[listener], AvailabilityZones=["us-east-1a"]
        )
        self.instance = account.ids(GROUP)[0]
        owner = Aws(environment(folder), account.url)
        Table(owner, "fabscale").write(LOCK, {"token": 1, "version": "1"})
        self.put(owner)

    def _make_role(self) -> None:
        self.iam.create_role(RoleName="opendebates-testing-ServerRole-1", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.iam.create_instance_profile(InstanceProfileName="servers")
        self.iam.add_role_to_instance_profile(
            InstanceProfileName="servers", RoleName="opendebates-testing-ServerRole-1"
        )
        self.iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps(TRUST))

    def put(self, aws: Aws) -> None:
        path = self.folder / "object"
        path.write_bytes(b"content")
        sha256 = hashlib.sha256(b"content").hexdigest()
        S3Store(aws, self.bucket).put_new("opendebates/testing/object", path, sha256)

    def deployer(self, without: str = "") -> Aws:
        """Return the session of a deployer who has the printed policy, but for one right."""
        place = environment(self.folder, role_arn=ROLE)
        names = names_of(place, NUMBER, self.bucket)
        calls = frozenset().union(*(recorded_calls()[task] for task in TASKS))
        for number, document in enumerate(documents(statements(rules(), calls, (), names))):
            text = json.dumps(less(document, without))
            self.iam.put_role_policy(RoleName="deployer", PolicyName=f"p{number}", PolicyDocument=text)
        return Aws(place, self.account.url)


def less(document: Any, right: str) -> Any:
    kept = [{**one, "Action": [action for action in one["Action"] if action != right]} for one in document["Statement"]]
    return {**document, "Statement": [one for one in kept if one["Action"]]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_account() as account:
        yield World(account, tmp_path_factory.mktemp("world"))


def launch(world: World, aws: Aws) -> None:
    launch_instances(aws, GROUP, Launch("token-1", "us-east-1a", 1, f"{world.template}:1", 0.0, 1))


def guarded(world: World, aws: Aws) -> None:
    Table(aws, "fabscale").write(ITEM, {"record": "{}"}, guard=Guard(LOCK, {"token": 1}))


# Each right of the tasks above, and what of the AWS layer needs it.
USES: dict[str, Callable[[World, Aws], object]] = {
    "autoscaling:DescribeAutoScalingGroups": lambda world, aws: describe_group(aws, GROUP),
    "autoscaling:DescribeLifecycleHooks": lambda world, aws: hooks_of(aws, GROUP),
    "autoscaling:DescribePolicies": lambda world, aws: scaling_of(aws, GROUP),
    "autoscaling:DescribeScalingActivities": lambda world, aws: failed_activities(aws, GROUP),
    "autoscaling:DescribeScheduledActions": lambda world, aws: scaling_of(aws, GROUP),
    "autoscaling:LaunchInstances": launch,
    "autoscaling:ResumeProcesses": lambda world, aws: resume_processes(aws, GROUP, ["Launch"]),
    "autoscaling:SuspendProcesses": lambda world, aws: suspend_processes(aws, GROUP, ["AZRebalance"]),
    "autoscaling:TerminateInstanceInAutoScalingGroup": lambda world, aws: terminate(aws, world.instance, False),
    "autoscaling:UpdateAutoScalingGroup": lambda world, aws: switch_launch_config(aws, GROUP, f"{world.template}:1"),
    "ec2:RunInstances": lambda world, aws: switch_launch_config(aws, GROUP, f"{world.template}:1"),
    "iam:PassRole": lambda world, aws: switch_launch_config(aws, GROUP, f"{world.template}:1"),
    "cloudformation:DescribeStacks": lambda world, aws: Stacks(aws).describe("opendebates-testing"),
    "dynamodb:GetItem": lambda world, aws: Table(aws, "fabscale").read(LOCK),
    "dynamodb:PutItem": lambda world, aws: Table(aws, "fabscale").write(ITEM, {"record": "{}"}),
    "dynamodb:ConditionCheckItem": guarded,
    "dynamodb:Query": lambda world, aws: list(Table(aws, "fabscale").newest("deploys#x")),
    "ec2:CreateLaunchTemplateVersion": lambda world, aws: create_version(aws, GROUP, "release", "#!/bin/sh\n", "1"),
    "ec2:DescribeInstances": lambda world, aws: instances(aws, [world.instance]),
    "ec2:DescribeLaunchTemplateVersions": lambda world, aws: versions(aws, GROUP),
    "ec2:GetConsoleOutput": lambda world, aws: console_tail(aws, world.instance),
    "elasticloadbalancing:DescribeLoadBalancers": lambda world, aws: dns_name(aws, "opendebates-testing-web"),
    "elasticloadbalancing:DescribeTargetHealth": lambda world, aws: target_health(aws, world.target_group),
    "acm:DescribeCertificate": lambda world, aws: certificate(aws, f"arn:aws:acm:us-east-1:{NUMBER}:certificate/1"),
    "cloudwatch:DescribeAlarms": lambda world, aws: alarms(aws, "opendebates-testing"),
    "elasticache:DescribeReplicationGroups": lambda world, aws: cache(aws, "opendebates-testing"),
    "rds:DescribeDBInstances": lambda world, aws: database(aws, "opendebates-testing-db"),
    "elasticloadbalancing:DescribeListeners": lambda world, aws: listeners(aws, "opendebates-testing-web"),
    "elasticloadbalancing:DescribeInstanceHealth": lambda world, aws: instance_health(aws, "opendebates-testing"),
    "elasticloadbalancing:DescribeTargetGroups": lambda world, aws: find_target_group(aws, "opendebates-testing-web"),
    "elasticloadbalancing:DescribeTargetGroupAttributes": lambda world, aws: find_target_group(
        aws, "opendebates-testing-web"
    ),
    "elasticloadbalancing:RegisterTargets": lambda world, aws: register(aws, world.target_group, [world.instance]),
    "elasticloadbalancing:DeregisterTargets": lambda world, aws: deregister(aws, world.target_group, ["i-none"]),
    "elasticloadbalancing:RegisterInstancesWithLoadBalancer": lambda world, aws: elb.register(
        aws, "opendebates-testing", [world.instance]
    ),
    "elasticloadbalancing:DeregisterInstancesFromLoadBalancer": lambda world, aws: elb.deregister(
        aws, "opendebates-testing", [world.instance]
    ),
    "s3:GetObject": lambda world, aws: S3Store(aws, world.bucket).find("opendebates/testing/object"),
    "s3:ListBucket": lambda world, aws: S3Store(aws, world.bucket).find("opendebates/testing/none"),
    "s3:PutObject": lambda world, aws: world.put(aws),
}
# Checked by EC2 when an instance starts, on behalf of the group; the embedded cloud starts without asking.
UNCHECKED = {"ec2:CreateTags"}
# A rehearsal ends deploys with it.
ELSEWHERE = {"dynamodb:DeleteItem"}


def test_every_right_of_these_tasks_is_taken_away_below() -> None:
    calls = frozenset().union(*(recorded_calls()[task] for task in TASKS))
    names = names_of(environment(Path("/nowhere")), NUMBER, "a-bucket")
    allowed = {action for one in statements(rules(), calls, (), names) for action in one["Action"]}
    assert allowed - UNCHECKED - ELSEWHERE == set(USES)


def refusal(world: World, right: str) -> Refused | None:
    """What AWS says to who has all rights: not everything that is asked about is there in this account."""
    try:
        USES[right](world, world.deployer())
    except Refused as said:
        return said
    return None


@pytest.mark.parametrize("right", sorted(USES))
def test_the_policy_suffices_and_without_one_right_the_refusal_has_its_name(world: World, right: str) -> None:
    with pytest.raises(Denied) as refused:
        USES[right](world, world.deployer(without=right))
    assert refused.value.right.split(" or ")[0] in {right, "s3:GetObject"}
    assert right in refused.value.right
    assert f"is not allowed to {refused.value.right}" in str(refused.value)
    assert str(refused.value).endswith("Add it: fab iam_policy prints the policy that deploys need.")
    assert refused.value.exit_code == 5
    assert not isinstance(refusal(world, right), Denied)


def test_a_refusal_reads_as_a_sentence_with_the_next_step(world: World) -> None:
    with pytest.raises(Denied) as refused:
        switch_launch_config(world.deployer(without="autoscaling:UpdateAutoScalingGroup"), GROUP, f"{world.template}:1")
    who = world.deployer().caller.arn
    assert str(refused.value) == (
        f"cannot switch {GROUP} to the launch config {world.template}:1: {who} is not allowed to "
        f"autoscaling:UpdateAutoScalingGroup on arn:aws:autoscaling:us-east-1:{NUMBER}:autoScalingGroup:0:"
        f"autoScalingGroupName/{GROUP} (the embedded cloud at {world.account.url}). "
        "Add it: fab iam_policy prints the policy that deploys need."
    )


@pytest.mark.parametrize(
    ("what", "use"),
    [
        ("another group", lambda world, aws: suspend_processes(aws, "another-web", ["Launch"])),
        ("another table", lambda world, aws: Table(aws, "another").read(LOCK)),
        ("another bucket", lambda world, aws: S3Store(aws, "another").find("opendebates/testing/object")),
        ("another deployment's releases", lambda world, aws: S3Store(aws, world.bucket).get("other/testing/object")),
        ("another stack", lambda world, aws: Stacks(aws).describe("another-testing")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_another_environments_is_refused(world: World, what: str, use: Callable[[World, Aws], object]) -> None:
    with pytest.raises(Denied):
        use(world, world.deployer())
