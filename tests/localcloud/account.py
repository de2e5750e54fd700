"""An AWS account in the embedded cloud for tests: in-memory machines and proxy, and a clock that tests turn."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from fabfile.localcloud.in_memory import InMemoryCaches, InMemoryDatabases, InMemoryDataPlane, InMemoryMachines
from fabfile.localcloud.server import ControlPlane
from fabfile.localcloud.settings import CloudSettings
from tests.conformance.expecting import encoded, refused

__all__ = ["SESSION", "STARTED", "Account", "Behind", "encoded", "open_account", "refused"]
SESSION = boto3.Session(aws_access_key_id="TEST", aws_secret_access_key="test", region_name="us-east-1")
STARTED = 1_700_000_000.0


class Behind:
    """What the control plane stands on, and the time."""

    def __init__(self, proxy: InMemoryDataPlane | None = None) -> None:
        self.machines = InMemoryMachines()
        self.proxy = proxy or InMemoryDataPlane()
        self.databases = InMemoryDatabases()
        self.caches = InMemoryCaches()
        self.now = STARTED


class Account:
    """The control plane's clients, what stands behind it, and shorthands."""

    def __init__(self, url: str, plane: ControlPlane, behind: Behind) -> None:
        self.url = url
        self.plane = plane
        self.machines = behind.machines
        self.proxy = behind.proxy
        self.databases = behind.databases
        self.caches = behind.caches
        self._behind = behind
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client without retries, so that refusals show."""
        if service not in self._clients:
            config = Config(retries={"total_max_attempts": 1})
            self._clients[service] = SESSION.client(service, endpoint_url=self.url, config=config)  # type: ignore[call-overload]
        return self._clients[service]

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def groups(self) -> Any:
        return self.client("autoscaling")

    @property
    def balancers(self) -> Any:
        return self.client("elbv2")

    def turn(self, times: int = 1, seconds: float = 0.5) -> None:
        """Let time pass and the cloud work."""
        for _ in range(times):
            self._behind.now += seconds
            self.plane.tick()

    def until(self, met: Callable[[], bool], turns: int = 60) -> None:
        """Turn until something holds."""
        for _ in range(turns):
            if met():
                return
            self.turn()
        raise AssertionError(f"not met after {turns} turns")

    def subnets(self) -> list[str]:
        found = self.ec2.describe_subnets()["Subnets"]
        return [one["SubnetId"] for one in sorted(found, key=lambda one: str(one["AvailabilityZone"]))]

    def template(self, name: str = "web", **data: Any) -> str:
        given = {"ImageId": "ami-1", "InstanceType": "t3.small", "UserData": encoded("#!/bin/sh\n"), **data}
        made = self.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=given)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def version(self, template: str, **data: Any) -> str:
        made = self.ec2.create_launch_template_version(
            LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData=data
        )
        return str(made["LaunchTemplateVersion"]["VersionNumber"])

    def group(self, name: str = "web", minimum: int = 1, maximum: int = 4, **given: Any) -> None:
        """Make a group of the template `web`, in both zones, and wait for its instances."""
        if "LaunchTemplate" not in given:
            found = self.ec2.describe_launch_templates()["LaunchTemplates"]
            template = found[0]["LaunchTemplateId"] if found else self.template()
            given["LaunchTemplate"] = {"LaunchTemplateId": template, "Version": "1"}
        given.setdefault("VPCZoneIdentifier", ",".join(self.subnets()))
        self.groups.create_auto_scaling_group(AutoScalingGroupName=name, MinSize=minimum, MaxSize=maximum, **given)
        self.turn(6)

    def seen(self, name: str = "web") -> dict[str, Any]:
        found = self.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return dict(found[0])

    def states(self, name: str = "web") -> dict[str, str]:
        return {one["InstanceId"]: one["LifecycleState"] for one in self.seen(name)["Instances"]}

    def ids(self, name: str = "web") -> list[str]:
        return list(self.states(name))

    def zones(self, name: str = "web") -> list[str]:
        return sorted(str(one["AvailabilityZone"]) for one in self.seen(name)["Instances"])

    def activities(self, name: str = "web") -> list[dict[str, Any]]:
        return list(self.groups.describe_scaling_activities(AutoScalingGroupName=name)["Activities"])

    def address(self, instance: str) -> str:
        return self.machines.specs[instance].address

    def target_group(self, name: str = "web", delay: int = 10, *, listener: bool = True) -> str:
        """A target group, by default behind a load balancer on port 80; answers its ARN."""
        vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        made = self.balancers.create_target_group(Name=name, Protocol="HTTP", Port=8000, VpcId=vpc)
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": str(delay)}]
        self.balancers.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
        if listener:
            self.listener(name, arn)
        return arn

    def listener(self, name: str, target_group: str) -> str:
        balancer = self.balancers.create_load_balancer(Name=name, Subnets=self.subnets())["LoadBalancers"][0]
        made = self.balancers.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}],
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def health(self, target_group: str) -> dict[str, tuple[str, str | None]]:
        """State and reason by instance."""
        found = self.balancers.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
        return {one["Target"]["Id"]: (one["TargetHealth"]["State"], one["TargetHealth"].get("Reason")) for one in found}

    def order(self, **document: Any) -> None:
        """Order a fault."""
        request = urllib.request.Request(f"{self.url}/_fabscale/faults", json.dumps(document).encode(), method="POST")
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200


@contextmanager
def open_account(settings: CloudSettings | None = None, proxy: InMemoryDataPlane | None = None) -> Iterator[Account]:
    """Start a control plane whose background work is done at once and whose turns are the test's."""
    behind = Behind(proxy)
    plane = ControlPlane(
        settings or CloudSettings(),
        behind.machines,
        behind.proxy,
        behind.databases,
        behind.caches,
        clock=lambda: behind.now,
        background=lambda work: work(),
    )
    url = plane.start("127.0.0.1", 0, ticking=False)
    account = Account(url, plane, behind)
    try:
        yield account
    finally:
        for client in account._clients.values():
            client.close()
        plane.stop()
