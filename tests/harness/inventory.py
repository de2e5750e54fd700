"""What there is in an account, asked for without any tag: another look than the sweep's own."""

from __future__ import annotations

from typing import Any

import boto3

SESSION = boto3.Session(aws_access_key_id="TEST", aws_secret_access_key="test", region_name="us-east-1")
_LISTS = (
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    ("elb", "describe_load_balancers", "LoadBalancerDescriptions", "LoadBalancerName"),
    ("cloudformation", "describe_stacks", "Stacks", "StackName"),
    ("s3", "list_buckets", "Buckets", "Name"),
)


def everything(endpoint: str) -> dict[str, list[str]]:
    """List what lives in the account, by operation."""
    found = {
        f"{service} {operation}": sorted(one[identifier] for one in _ask(endpoint, service, operation)[key])
        for service, operation, key, identifier in _LISTS
    }
    found["tables"] = _ask(endpoint, "dynamodb", "list_tables")["TableNames"]
    found["instances"] = [
        one["InstanceId"]
        for reservation in _ask(endpoint, "ec2", "describe_instances")["Reservations"]
        for one in reservation["Instances"]
        if one["State"]["Name"] != "terminated"
    ]
    return found


def _ask(endpoint: str, service: str, operation: str) -> dict[str, Any]:
    client: Any = SESSION.client(service, endpoint_url=endpoint)  # type: ignore[call-overload]
    try:
        return dict(getattr(client, operation)())
    finally:
        client.close()
