"""Classic load balancers, which old accounts' groups still use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..rollout.model import Health, TargetState
from .session import Aws

_HEALTH = {"InService": Health.HEALTHY, "OutOfService": Health.UNHEALTHY}
_JUST_REGISTERED = "Instance registration is still in progress"


@dataclass(frozen=True)
class ClassicSettings:
    """A classic load balancer; `draining` in seconds, 0 where connections are cut off."""

    name: str
    dns_name: str
    ports: tuple[int, ...]
    check: str  # HTTP:8000/healthcheck.html
    draining: float


def find_balancer(aws: Aws, name: str) -> ClassicSettings:
    """Return the classic load balancer of that name; raises `Missing` if there is none."""
    client = aws.client("elb")
    with aws.calling(f"describe the classic load balancer {name}"):
        found = client.describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"][0]
        attributes = client.describe_load_balancer_attributes(LoadBalancerName=name)["LoadBalancerAttributes"]
    draining = attributes.get("ConnectionDraining", {"Enabled": False})
    return ClassicSettings(
        name=name,
        dns_name=found.get("DNSName", ""),
        ports=tuple(each["Listener"]["LoadBalancerPort"] for each in found.get("ListenerDescriptions", [])),
        check=found.get("HealthCheck", {}).get("Target", ""),
        draining=float(draining.get("Timeout", 300)) if draining["Enabled"] else 0.0,
    )


def dns_name(aws: Aws, balancer: str) -> str:
    """Return the DNS name of the classic load balancer of that name; raises `Missing` if there is none."""
    with aws.calling(f"describe the classic load balancer {balancer}"):
        found = aws.client("elb").describe_load_balancers(LoadBalancerNames=[balancer])
    return found["LoadBalancerDescriptions"][0].get("DNSName", "")


def instance_health(aws: Aws, balancer: str) -> Mapping[str, TargetState]:
    """Return what a classic load balancer sees of every instance registered with it."""
    with aws.calling(f"ask the load balancer {balancer} for its instances' health"):
        states = aws.client("elb").describe_instance_health(LoadBalancerName=balancer)["InstanceStates"]
    return {
        each["InstanceId"]: TargetState(balancer, _health(each["State"], text), text)
        for each in states
        for text in [each.get("Description", "").removeprefix("N/A")]
    }


def register(aws: Aws, balancer: str, instances: Collection[str]) -> None:
    """Register instances with a classic load balancer."""
    with aws.calling(f"register {', '.join(instances)} with {balancer}"):
        aws.client("elb").register_instances_with_load_balancer(
            LoadBalancerName=balancer, Instances=[{"InstanceId": id_} for id_ in instances]
        )


def deregister(aws: Aws, balancer: str, instances: Collection[str]) -> None:
    """Take instances out; with connection draining they finish their requests first."""
    with aws.calling(f"deregister {', '.join(instances)} from {balancer}"):
        aws.client("elb").deregister_instances_from_load_balancer(
            LoadBalancerName=balancer, Instances=[{"InstanceId": id_} for id_ in instances]
        )


def _health(state: str, description: str) -> Health:
    if state == "OutOfService" and description.startswith(_JUST_REGISTERED):
        return Health.INITIAL
    return _HEALTH.get(state, Health.UNUSED)
