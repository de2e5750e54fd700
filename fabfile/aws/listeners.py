"""Elastic Load Balancing v2: the ports of a load balancer and what they do with requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .session import Aws


@dataclass(frozen=True)
class SeenListener:
    """A port: what it speaks and what it does by default; `action` is AWS's word for that."""

    port: int
    protocol: str
    action: str
    certificate: str = ""
    policy: str = ""
    redirects_to: str = ""  # protocol:port, e.g. HTTPS:443
    status: str = ""  # of a redirect, e.g. HTTP_301
    target_groups: tuple[str, ...] = ()  # ARNs


@dataclass(frozen=True)
class TargetGroupSettings:
    """How a target group checks its targets and lets them go; times in seconds."""

    arn: str
    name: str
    port: int
    path: str
    success: str
    interval: float
    timeout: float
    healthy_threshold: int
    unhealthy_threshold: int
    delay: float
    load_balancers: tuple[str, ...]


def listeners(aws: Aws, load_balancer: str) -> tuple[SeenListener, ...]:
    """Return a load balancer's listeners by port; raises `Missing` for a load balancer that is not there."""
    client = aws.client("elbv2")
    with aws.calling(f"describe the listeners of {load_balancer}"):
        arn = client.describe_load_balancers(Names=[load_balancer])["LoadBalancers"][0]["LoadBalancerArn"]
        pages = client.get_paginator("describe_listeners").paginate(LoadBalancerArn=arn)
        found = [_listener(each) for page in pages for each in page["Listeners"]]
    return tuple(sorted(found, key=lambda each: each.port))


def target_group_settings(aws: Aws, name: str) -> TargetGroupSettings:
    """Return a target group's settings; raises `Missing` if there is none of that name."""
    client = aws.client("elbv2")
    with aws.calling(f"describe the target group {name}"):
        found = client.describe_target_groups(Names=[name])["TargetGroups"][0]
        attributes = client.describe_target_group_attributes(TargetGroupArn=found["TargetGroupArn"])["Attributes"]
    values = {each["Key"]: each["Value"] for each in attributes}
    return TargetGroupSettings(
        arn=found["TargetGroupArn"],
        name=name,
        port=found["Port"],
        path=found.get("HealthCheckPath", ""),
        success=found.get("Matcher", {}).get("HttpCode", ""),
        interval=float(found.get("HealthCheckIntervalSeconds", 0)),
        timeout=float(found.get("HealthCheckTimeoutSeconds", 0)),
        healthy_threshold=found.get("HealthyThresholdCount", 0),
        unhealthy_threshold=found.get("UnhealthyThresholdCount", 0),
        delay=float(values.get("deregistration_delay.timeout_seconds", 300)),
        load_balancers=tuple(found.get("LoadBalancerArns", [])),
    )


def _listener(found: Mapping[str, Any]) -> SeenListener:
    action = found["DefaultActions"][-1]
    redirect = action.get("RedirectConfig", {})
    forward = action.get("ForwardConfig", {}).get("TargetGroups") or [action]
    return SeenListener(
        port=found["Port"],
        protocol=found["Protocol"],
        action=action["Type"],
        certificate=next((each["CertificateArn"] for each in found.get("Certificates", [])), ""),
        policy=found.get("SslPolicy", ""),
        redirects_to=f"{redirect.get('Protocol', '')}:{redirect.get('Port', '')}" if redirect else "",
        status=redirect.get("StatusCode", ""),
        target_groups=tuple(each["TargetGroupArn"] for each in forward if each.get("TargetGroupArn")),
    )
