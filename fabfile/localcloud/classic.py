"""Classic load balancers: registration and instance health through the same proxy as target groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.elb.exceptions import LoadBalancerNotFoundError
from moto.elb.models import ELBBackend
from moto.elb.responses import ELBResponse

from .balancing import Balancing, classic_pool
from .instances import Instances
from .patches import Patch
from .refusal import Refusal
from .targets import Targets


def classic_patches(balancing: Balancing, targets: Targets, instances: Instances) -> Iterator[Patch]:
    """The replaced operations of classic ELB."""
    create, register, deregister = (
        ELBBackend.create_load_balancer,
        ELBBackend.register_instances,
        ELBBackend.deregister_instances,
    )

    def create_load_balancer(backend: Any, *args: Any, **kwargs: Any) -> Any:
        balancer = create(backend, *args, **kwargs)
        balancer.dns_name = balancing.new_address()
        return balancer

    def register_instances(
        backend: Any, load_balancer_name: str, instance_ids: Iterable[str], from_autoscaling: bool = False
    ) -> Any:
        wanted = list(dict.fromkeys(instance_ids))
        for identifier in wanted:
            if instances.get(identifier) is None:
                raise Refusal("InvalidInstance", f"Could not find EC2 instance {identifier}.")
        balancer = backend.get_load_balancer(load_balancer_name)
        for identifier in wanted:
            for port in balancing.classic_ports(load_balancer_name):
                targets.register(classic_pool(load_balancer_name, port), identifier, port)
        new = [identifier for identifier in wanted if identifier not in balancer.instance_ids]
        return register(backend, load_balancer_name, new, from_autoscaling)

    def deregister_instances(
        backend: Any, load_balancer_name: str, instance_ids: Iterable[str], from_autoscaling: bool = False
    ) -> Any:
        leaving = list(instance_ids)
        delay = balancing.classic_delay(load_balancer_name)
        for identifier in leaving:
            for port in balancing.classic_ports(load_balancer_name):
                targets.deregister(classic_pool(load_balancer_name, port), identifier, port, delay)
        deregister(backend, load_balancer_name, leaving, not from_autoscaling)
        return deregister(backend, load_balancer_name, leaving, from_autoscaling)

    yield Patch(ELBBackend, "create_load_balancer", create_load_balancer)
    yield Patch(ELBBackend, "register_instances", register_instances)
    yield Patch(ELBBackend, "deregister_instances", deregister_instances)
    yield Patch(ELBResponse, "describe_instance_health", _instance_health(balancing, targets))


def _instance_health(balancing: Balancing, targets: Targets) -> Any:
    def describe_instance_health(response: ELBResponse) -> ActionResult:
        name = response._get_param("LoadBalancerName")
        balancer = balancing.classic.load_balancers.get(name)
        if balancer is None:
            raise LoadBalancerNotFoundError(name)
        asked = [one["InstanceId"] for one in response._get_param("Instances", []) or ()]
        states = [classic_health(balancing, targets, name, identifier) for identifier in asked or balancer.instance_ids]
        return ActionResult({"InstanceStates": states})

    return describe_instance_health


def classic_health(balancing: Balancing, targets: Targets, name: str, instance: str) -> dict[str, str]:
    """An instance's state behind a classic balancer, in its words.

    See https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_InstanceState.html
    """
    answers = [
        targets.health(classic_pool(name, port), instance, port, in_use=True) for port in balancing.classic_ports(name)
    ]
    state = {"InstanceId": instance, "State": "OutOfService", "ReasonCode": "Instance"}
    if answers and all(health.state == "healthy" for health in answers):
        return {**state, "State": "InService", "ReasonCode": "N/A", "Description": "N/A"}
    if any(health.state == "initial" for health in answers):
        described = "Instance registration is still in progress."
        return {**state, "ReasonCode": "ELB", "Description": described}
    if any(health.state == "draining" for health in answers):
        return {**state, "Description": "Instance deregistration currently in progress."}
    if all(health.reason == "Target.NotRegistered" for health in answers):
        return {**state, "Description": "Instance is not currently registered with the LoadBalancer."}
    failed = "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
    return {**state, "Description": failed}
