"""Load balancers and target groups as CloudFormation makes them, with what moto leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.cloudformation.parsing import get_model_map
from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup, elbv2_backends

from .patches import Patch
from .refusal import invalid


class TargetGroupResource(FakeTargetGroup):
    """AWS::ElasticLoadBalancingV2::TargetGroup with its attributes, and updated in place."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> FakeTargetGroup:
        """Make the target group."""
        group = super().create_from_cloudformation_json(
            resource_name, cloudformation_json, account_id, region_name, **kwargs
        )
        _finish_target_group(group, cloudformation_json["Properties"], account_id, region_name)
        return group

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        """Change health check and attributes."""
        given = cloudformation_json["Properties"]
        elbv2_backends[account_id][region_name].modify_target_group(
            original_resource.arn,
            health_check_path=given.get("HealthCheckPath"),
            health_check_interval=given.get("HealthCheckIntervalSeconds"),
            health_check_timeout=given.get("HealthCheckTimeoutSeconds"),
            healthy_threshold_count=given.get("HealthyThresholdCount"),
            unhealthy_threshold_count=given.get("UnhealthyThresholdCount"),
            http_codes=(given.get("Matcher") or {}).get("HttpCode"),
        )
        _finish_target_group(original_resource, given, account_id, region_name)
        return original_resource


def _finish_target_group(group: Any, given: Mapping[str, Any], account: str, region: str) -> None:
    backend = elbv2_backends[account][region]
    attributes = {str(one["Key"]): str(one["Value"]) for one in given.get("TargetGroupAttributes") or ()}
    if attributes:
        backend.modify_target_group_attributes(group.arn, attributes)
    if given.get("Tags"):
        backend.add_tags([group.arn], given["Tags"])
    instances = [{"Id": one["Id"], "Port": one.get("Port")} for one in given.get("Targets") or ()]
    if instances:
        backend.register_targets(group.arn, instances)


class LoadBalancerResource(FakeLoadBalancer):
    """AWS::ElasticLoadBalancingV2::LoadBalancer with its type, attributes and tags."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> FakeLoadBalancer:
        """Make the load balancer."""
        balancer = super().create_from_cloudformation_json(
            resource_name, cloudformation_json, account_id, region_name, **kwargs
        )
        given = cloudformation_json["Properties"]
        backend = elbv2_backends[account_id][region_name]
        attributes = {str(one["Key"]): str(one["Value"]) for one in given.get("LoadBalancerAttributes") or ()}
        if attributes:
            backend.modify_load_balancer_attributes(balancer.arn, attributes)
        if given.get("Tags"):
            backend.add_tags([balancer.arn], given["Tags"])
        return balancer


def _target_group_attribute(group: Any, attribute: str) -> str:
    """What metrics of a target group are told apart by: the end of its ARN."""
    if attribute != "TargetGroupFullName":
        raise invalid(f"Template error: a target group has no attribute {attribute}")
    return str(group.arn).rpartition(":")[2]


def _balancer_attribute(balancer: Any, attribute: str) -> str:
    """A load balancer's attributes; its metrics are told apart by its ARN without what is before its type."""
    found = {
        "DNSName": balancer.dns_name,
        "LoadBalancerName": balancer.name,
        "LoadBalancerFullName": str(balancer.arn).partition(":loadbalancer/")[2],
        "CanonicalHostedZoneID": "Z35SXDOTRQ7X7K",
    }
    if attribute not in found:
        raise invalid(f"Template error: a load balancer has no attribute {attribute}")
    return str(found[attribute])


def balancer_resource_patches() -> Iterator[Patch]:
    """Put them into moto's table of types."""
    table = get_model_map()
    yield Patch(table, "AWS::ElasticLoadBalancingV2::TargetGroup", TargetGroupResource)
    yield Patch(table, "AWS::ElasticLoadBalancingV2::LoadBalancer", LoadBalancerResource)
    yield Patch(FakeTargetGroup, "get_cfn_attribute", _target_group_attribute, added=True)
    yield Patch(FakeLoadBalancer, "get_cfn_attribute", _balancer_attribute)
