"""The kinds of things that the tests make: how those of a run are found by their tag, and how one is removed.

Only what bears the tag is ever found, and only what was found is removed. Names begin with `fsc-`, so that services
which cannot be asked for a tag are asked for the tags of few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.conformance.cloud import Cloud
from tests.conformance.run import TAG

PREFIX = "fsc-"
Labelled = Iterator[tuple[str, str]]  # id, label


@dataclass(frozen=True)
class Kind:
    """One kind: `labelled` yields the id and label of each thing that is tagged, `remove` begins one's end."""

    name: str
    labelled: Callable[[Cloud], Labelled]
    remove: Callable[[Cloud, str], object]

    def __str__(self) -> str:
        return self.name


def _label(tags: Iterable[dict[str, Any]]) -> str:
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == TAG), "")


def _pages(client: Any, operation: str, **given: Any) -> Iterator[dict[str, Any]]:
    yield from client.get_paginator(operation).paginate(**given)


def _ec2(operation: str, key: str, identifier: str) -> Callable[[Cloud], Labelled]:
    def labelled(cloud: Cloud) -> Labelled:
        for page in _pages(cloud.client("ec2"), operation, Filters=[{"Name": "tag-key", "Values": [TAG]}]):
            for one in page[key]:
                yield one[identifier], _label(one["Tags"])

    return labelled


def _instances(cloud: Cloud) -> Labelled:
    living = ["pending", "running", "stopping", "stopped", "shutting-down"]
    filters = [{"Name": "tag-key", "Values": [TAG]}, {"Name": "instance-state-name", "Values": living}]
    for page in _pages(cloud.client("ec2"), "describe_instances", Filters=filters):
        for reservation in page["Reservations"]:
            for one in reservation["Instances"]:
                yield one["InstanceId"], _label(one["Tags"])


def _groups(cloud: Cloud) -> Labelled:
    for page in _pages(cloud.client("autoscaling"), "describe_tags", Filters=[{"Name": "key", "Values": [TAG]}]):
        for tag in page["Tags"]:
            yield tag["ResourceId"], tag["Value"]


def _elbv2(operation: str, key: str, arn: str, name: str) -> Callable[[Cloud], Labelled]:
    def labelled(cloud: Cloud) -> Labelled:
        client = cloud.client("elbv2")
        ours = [one[arn] for page in _pages(client, operation) for one in page[key] if one[name].startswith(PREFIX)]
        for some in _twenty(ours):
            for one in client.describe_tags(ResourceArns=some)["TagDescriptions"]:
                yield one["ResourceArn"], _label(one["Tags"])

    return labelled


def _classic(cloud: Cloud) -> Labelled:
    client = cloud.client("elb")
    names = [
        one["LoadBalancerName"]
        for page in _pages(client, "describe_load_balancers")
        for one in page["LoadBalancerDescriptions"]
        if one["LoadBalancerName"].startswith(PREFIX)
    ]
    for some in _twenty(names):
        for one in client.describe_tags(LoadBalancerNames=some)["TagDescriptions"]:
            yield one["LoadBalancerName"], _label(one["Tags"])


def _twenty(ids: Sequence[str]) -> Iterator[list[str]]:
    """As many as one call for tags takes."""
    for start in range(0, len(ids), 20):
        yield list(ids[start : start + 20])


def _stacks(cloud: Cloud) -> Labelled:
    for page in _pages(cloud.client("cloudformation"), "describe_stacks"):
        for one in page["Stacks"]:
            if one["StackStatus"] != "DELETE_COMPLETE":
                yield one["StackName"], _label(one.get("Tags", []))


def _tables(cloud: Cloud) -> Labelled:
    client = cloud.client("dynamodb")
    for page in _pages(client, "list_tables"):
        for name in page["TableNames"]:
            if name.startswith(PREFIX):
                arn = client.describe_table(TableName=name)["Table"]["TableArn"]
                yield name, _label(client.list_tags_of_resource(ResourceArn=arn)["Tags"])


def _buckets(cloud: Cloud) -> Labelled:
    client = cloud.client("s3")
    for one in client.list_buckets()["Buckets"]:
        if one["Name"].startswith(PREFIX):
            try:
                yield one["Name"], _label(client.get_bucket_tagging(Bucket=one["Name"])["TagSet"])
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("NoSuchTagSet", "NoSuchBucket"):
                    raise


def _delete_bucket(cloud: Cloud, name: str) -> None:
    client = cloud.client("s3")
    for page in _pages(client, "list_object_versions", Bucket=name):
        for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
            client.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
    client.delete_bucket(Bucket=name)


STACK = Kind("stack", _stacks, lambda cloud, name: cloud.client("cloudformation").delete_stack(StackName=name))
GROUP = Kind(
    "autoscaling group",
    _groups,
    lambda cloud, name: cloud.client("autoscaling").delete_auto_scaling_group(
        AutoScalingGroupName=name, ForceDelete=True
    ),
)
INSTANCE = Kind("instance", _instances, lambda cloud, one: cloud.client("ec2").terminate_instances(InstanceIds=[one]))
BALANCER = Kind(
    "load balancer",
    _elbv2("describe_load_balancers", "LoadBalancers", "LoadBalancerArn", "LoadBalancerName"),
    lambda cloud, arn: cloud.client("elbv2").delete_load_balancer(LoadBalancerArn=arn),
)
CLASSIC = Kind(
    "classic load balancer",
    _classic,
    lambda cloud, name: cloud.client("elb").delete_load_balancer(LoadBalancerName=name),
)
TARGET_GROUP = Kind(
    "target group",
    _elbv2("describe_target_groups", "TargetGroups", "TargetGroupArn", "TargetGroupName"),
    lambda cloud, arn: cloud.client("elbv2").delete_target_group(TargetGroupArn=arn),
)
TEMPLATE = Kind(
    "launch template",
    _ec2("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    lambda cloud, one: cloud.client("ec2").delete_launch_template(LaunchTemplateId=one),
)
TABLE = Kind("table", _tables, lambda cloud, name: cloud.client("dynamodb").delete_table(TableName=name))
BUCKET = Kind("bucket", _buckets, _delete_bucket)
SECURITY_GROUP = Kind(
    "security group",
    _ec2("describe_security_groups", "SecurityGroups", "GroupId"),
    lambda cloud, one: cloud.client("ec2").delete_security_group(GroupId=one),
)
SUBNET = Kind(
    "subnet",
    _ec2("describe_subnets", "Subnets", "SubnetId"),
    lambda cloud, one: cloud.client("ec2").delete_subnet(SubnetId=one),
)
VPC = Kind("VPC", _ec2("describe_vpcs", "Vpcs", "VpcId"), lambda cloud, one: cloud.client("ec2").delete_vpc(VpcId=one))
# A stage is begun when nothing of those before it is left: what uses a thing goes before the thing.
STAGES = (
    (STACK,),
    (GROUP, BALANCER, CLASSIC),
    (INSTANCE,),
    (TARGET_GROUP, TEMPLATE, TABLE, BUCKET),
    (SECURITY_GROUP, SUBNET),
    (VPC,),
)
KINDS = tuple(kind for stage in STAGES for kind in stage)
