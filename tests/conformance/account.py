"""What a conformance test is given: clients, and a workshop in which everything made bears the test's label."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

from tests.conformance import kinds, looking, sweep
from tests.conformance.cloud import HEALTHY, Cloud
from tests.conformance.expecting import encoded
from tests.conformance.group import Group
from tests.conformance.kinds import PREFIX, Kind
from tests.conformance.network import INSTANCE_TYPE, PORT, Network
from tests.conformance.run import TAG

Seen = TypeVar("Seen")
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
SERVER = f"""#!/bin/sh
mkdir -p /srv/site && cd /srv/site && echo up > up
nohup python3 -m http.server {PORT} > /dev/null 2>&1 &
"""


class Account:
    """One test's part of an account; `clean` takes away what it made."""

    def __init__(self, cloud: Cloud, network: Network, label: str) -> None:
        self.cloud = cloud
        self.network = network
        self.label = label
        self._short = hashlib.sha256(label.encode()).hexdigest()[:8]
        self._kinds: set[Kind] = set()

    # Looking

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def groups(self) -> Any:
        return self.client("autoscaling")

    @property
    def balancers(self) -> Any:
        return self.client("elbv2")

    @property
    def zone(self) -> str:
        """The first of the two zones."""
        return self.network.zones[0]

    def eventually(self, look: Callable[[], Seen], what: str, within: float = looking.WITHIN) -> Seen:
        return looking.eventually(self.cloud, look, what, within)

    def stays(self, look: Callable[[], bool], what: str) -> None:
        looking.stays(self.cloud, look, what)

    def health(self, target_group: str) -> dict[str, tuple[str, str | None]]:
        """State and reason by instance."""
        found = self.balancers.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
        return {one["Target"]["Id"]: (one["TargetHealth"]["State"], one["TargetHealth"].get("Reason")) for one in found}

    def healthy(self, target_group: str, instance: str) -> None:
        """Wait until a target is healthy."""
        self.eventually(lambda: self.health(target_group).get(instance) == ("healthy", None), f"{instance} is healthy")

    # Making

    def named(self, role: str = "web") -> str:
        """A name that is this test's alone, of at most 32 characters."""
        return f"{PREFIX}{self._short}-{role}"

    def uses(self, *made: Kind) -> None:
        """Say what kinds of things the test makes, before it makes one."""
        self._kinds.update(made)

    @property
    def tags(self) -> list[dict[str, str]]:
        """What everything made has to bear."""
        return [{"Key": TAG, "Value": self.label}]

    def tagged(self, *types: str) -> list[dict[str, Any]]:
        """The tags in EC2's form."""
        return [{"ResourceType": kind, "Tags": self.tags} for kind in types]

    def image(self) -> str:
        """The id of Amazon's own Linux, which has a Python."""
        return str(self.client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"])

    def template_data(self, **data: Any) -> dict[str, Any]:
        """A launch template's data: the smallest server, which answers one page."""
        return {
            "ImageId": self.image(),
            "InstanceType": INSTANCE_TYPE,
            "UserData": encoded(SERVER),
            "SecurityGroupIds": [self.network.security_group],
            **data,
        }

    def template(self, role: str = "web", **data: Any) -> str:
        self.uses(kinds.TEMPLATE)
        made = self.ec2.create_launch_template(
            LaunchTemplateName=self.named(role),
            LaunchTemplateData=self.template_data(**data),
            TagSpecifications=self.tagged("launch-template"),
        )
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def version(self, template: str, **data: Any) -> str:
        made = self.ec2.create_launch_template_version(
            LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData=data
        )
        return str(made["LaunchTemplateVersion"]["VersionNumber"])

    def instance(self, template: str, **tags: str) -> dict[str, Any]:
        """Run an instance outside of any group, in the first zone, and answer what RunInstances said of it."""
        self.uses(kinds.INSTANCE)
        more = [{"Key": key, "Value": value} for key, value in tags.items()]
        made = self.ec2.run_instances(
            LaunchTemplate={"LaunchTemplateId": template},
            MinCount=1,
            MaxCount=1,
            SubnetId=self.network.subnets[0],
            TagSpecifications=[{"ResourceType": "instance", "Tags": [*self.tags, *more]}],
        )
        return dict(made["Instances"][0])

    def group(self, role: str = "web", minimum: int = 1, maximum: int = 4, *, zones: int = 2, **given: Any) -> Group:
        """Make a group in one or both zones and wait for its instances to be in service."""
        self.uses(kinds.GROUP, kinds.INSTANCE)
        if "LaunchTemplate" not in given:
            given["LaunchTemplate"] = {"LaunchTemplateId": self.template(role), "Version": "1"}
        tags = [{**tag, "PropagateAtLaunch": True} for tag in self.tags]
        self.groups.create_auto_scaling_group(
            AutoScalingGroupName=self.named(role),
            MinSize=minimum,
            MaxSize=maximum,
            VPCZoneIdentifier=",".join(self.network.subnets[:zones]),
            Tags=[*tags, *given.pop("Tags", [])],
            **given,
        )
        group = Group(self.cloud, self.named(role))
        group.settled(given.get("DesiredCapacity", minimum))
        return group

    def target_group(self, role: str = "web", delay: int = 10, *, listener: bool = True) -> str:
        """Make a target group, by default behind a load balancer on port 80, and answer its ARN."""
        self.uses(kinds.TARGET_GROUP)
        made = self.balancers.create_target_group(
            Name=self.named(role),
            Protocol="HTTP",
            Port=PORT,
            VpcId=self.network.vpc,
            HealthCheckPath=HEALTHY,
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=4,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
            Tags=self.tags,
        )
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": str(delay)}]
        self.balancers.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
        if listener:
            self.listener(role, {"Type": "forward", "TargetGroupArn": arn})
        return arn

    def listener(self, role: str = "web", action: dict[str, Any] | None = None) -> str:
        """Make a load balancer that only the network reaches, and answer the ARN of its listener."""
        self.uses(kinds.BALANCER)
        answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain"}}
        balancer = self.balancers.create_load_balancer(
            Name=self.named(role), Subnets=list(self.network.subnets), Scheme="internal", Tags=self.tags
        )["LoadBalancers"][0]
        made = self.balancers.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[action or answer]
        )
        return str(made["Listeners"][0]["ListenerArn"])

    # Removing

    def clean(self) -> None:
        """Remove what this test made, and see that it is gone."""
        sweep.remove(self.cloud, lambda label: label == self.label, self._kinds)
