"""Elastic Load Balancing v2: target groups, what they see of their targets, load balancers' addresses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..rollout.model import Health, TargetState
from .session import Aws

_HEALTH = {
    "healthy": Health.HEALTHY,
    "initial": Health.INITIAL,
    "unhealthy": Health.UNHEALTHY,
    "unhealthy.draining": Health.DRAINING,
    "draining": Health.DRAINING,
    "unused": Health.UNUSED,
    "unavailable": Health.UNHEALTHY,
}


@dataclass(frozen=True)
class TargetGroup:
    """A target group: `delay` is its deregistration delay in seconds."""

    arn: str
    name: str
    port: int
    load_balancers: tuple[str, ...]
    delay: float
    check: str = ""  # the path that is asked


@dataclass(frozen=True)
class BalancedGroup:
    """A target group, and a load balancer in front of it ("" where nothing sends it requests)."""

    target_group: str
    balancer: str
    kind: str  # application, network
    dns_name: str
    ports: tuple[int, ...]
    check: str  # the path that is asked
    delay: float  # seconds


def balancers_before(aws: Aws, arn: str) -> tuple[BalancedGroup, ...]:
    """Return a target group with each load balancer in front of it; raises `Missing` if it is gone."""
    client = aws.client("elbv2")
    group = find_target_group(aws, target_group_name(arn))
    found: list[BalancedGroup] = []
    with aws.calling(f"describe the load balancers of {group.name}"):
        for balancer in group.load_balancers:
            described = client.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"][0]
            listeners = client.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
            ports = tuple(sorted(each["Port"] for each in listeners))
            name, kind, host = described["LoadBalancerName"], described["Type"], described["DNSName"]
            found.append(BalancedGroup(group.name, name, str(kind), host, ports, group.check, group.delay))
    return tuple(found) or (BalancedGroup(group.name, "", "", "", (), group.check, group.delay),)


def target_group_name(arn: str) -> str:
    """Return the name in a target group's ARN (`…:targetgroup/NAME/HASH`)."""
    return arn.rsplit("/", 2)[-2]


def target_health(aws: Aws, arn: str) -> Mapping[str, TargetState]:
    """Return what the target group sees of every instance registered with it, by one call (it has no pages).

    An instance registered on several ports counts by its worst one.
    """
    name = target_group_name(arn)
    with aws.calling(f"ask the target group {name} for its targets' health"):
        found = aws.client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    states: dict[str, TargetState] = {}
    for each in found:
        health = each.get("TargetHealth", {})
        reason = " ".join(filter(None, (health.get("Reason", ""), health.get("Description", ""))))
        state = TargetState(name, _HEALTH.get(health.get("State", ""), Health.UNHEALTHY), reason)
        id_ = each["Target"]["Id"]
        if id_ not in states or states[id_].health is Health.HEALTHY:
            states[id_] = state
    return states


def find_target_group(aws: Aws, name: str) -> TargetGroup:
    """Return the target group of that name; raises `Missing` if there is none."""
    client = aws.client("elbv2")
    with aws.calling(f"describe the target group {name}"):
        found = client.describe_target_groups(Names=[name])["TargetGroups"][0]
        attributes = client.describe_target_group_attributes(TargetGroupArn=found["TargetGroupArn"])
    delay = {each["Key"]: each["Value"] for each in attributes["Attributes"]}
    return TargetGroup(
        arn=found["TargetGroupArn"],
        name=name,
        port=found["Port"],
        load_balancers=tuple(found["LoadBalancerArns"]),
        delay=float(delay.get("deregistration_delay.timeout_seconds", "300")),
        check=found.get("HealthCheckPath", ""),
    )


def dns_name(aws: Aws, load_balancer: str) -> str:
    """Return the DNS name of the load balancer of that name; raises `Missing` if there is none."""
    with aws.calling(f"describe the load balancer {load_balancer}"):
        found = aws.client("elbv2").describe_load_balancers(Names=[load_balancer])
    return found["LoadBalancers"][0]["DNSName"]


def register(aws: Aws, arn: str, instances: Collection[str]) -> None:
    """Register instances with a target group, on its own port."""
    with aws.calling(f"register {', '.join(instances)} with {target_group_name(arn)}"):
        aws.client("elbv2").register_targets(TargetGroupArn=arn, Targets=[{"Id": id_} for id_ in instances])


def deregister(aws: Aws, arn: str, instances: Collection[str]) -> None:
    """Take instances out of a target group; they drain for its deregistration delay."""
    with aws.calling(f"deregister {', '.join(instances)} from {target_group_name(arn)}"):
        aws.client("elbv2").deregister_targets(TargetGroupArn=arn, Targets=[{"Id": id_} for id_ in instances])
